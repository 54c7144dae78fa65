//! Rows made ahead of the connection that sends them, on a thread of their own.
//!
//! COPY keeps a core of the server busy, and making rows one of ours: neither waits for the other. What is made
//! ahead is bounded, so memory does not grow with the load.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::failure::Result;
use crate::seed::scale::{Plan, Writer};

/// How many parts are made ahead for one connection.
const PARTS_AHEAD: usize = 2;

/// Rows of one table that are written in one transaction.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    /// The table's place in the plan.
    pub table: usize,
    /// The rows.
    pub rows: Range<u64>,
}

/// What comes of a queue, in this order: a chunk, its rows in parts, its end; then the next chunk.
#[derive(Debug)]
pub(super) enum Made {
    /// The rows that follow are of this chunk.
    Chunk(Chunk),
    /// Some of its rows.
    Rows(Bytes),
    /// All of them were made.
    End,
}

/// Chunks that nobody has taken yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue(Arc<Mutex<VecDeque<Chunk>>>);

impl Queue {
    /// A queue of these.
    pub(super) fn new(chunks: VecDeque<Chunk>) -> Self {
        Self(Arc::new(Mutex::new(chunks)))
    }

    fn next(&self) -> Option<Chunk> {
        let mut chunks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.pop_front()
    }

    /// Starts to make the rows of chunk after chunk, as long as somebody listens.
    pub(super) fn make(&self, plan: &Arc<Plan>) -> Receiver<Result<Made>> {
        let (sender, receiver) = mpsc::channel(PARTS_AHEAD);
        let (queue, plan) = (self.clone(), Arc::clone(plan));
        tokio::task::spawn_blocking(move || {
            let mut writer = Writer::new();
            while let Some(chunk) = queue.next() {
                if rows(&plan, chunk, &mut writer, &sender).is_err() {
                    return;
                }
            }
        });
        receiver
    }
}

/// Nobody listens any more, or has heard of a failure.
struct Left;

fn rows(
    plan: &Plan,
    chunk: Chunk,
    writer: &mut Writer,
    sender: &Sender<Result<Made>>,
) -> std::result::Result<(), Left> {
    let tell = |made| sender.blocking_send(made).map_err(|_| Left);
    let (table, mut rows) = (chunk.table, chunk.rows.clone());
    tell(Ok(Made::Chunk(chunk)))?;
    while rows.start < rows.end {
        match writer.part(plan, table, &mut rows) {
            Ok(part) => tell(Ok(Made::Rows(part)))?,
            Err(failure) => {
                tell(Err(failure))?;
                return Err(Left);
            }
        }
    }
    tell(Ok(Made::End))
}
