//! Several connections that write batches side by side.

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use sqlx::postgres::PgConnection;

use super::{Writing, batch};
use crate::failure::{Failure, Result};
use crate::graph::transfer::Batch;

/// What became of one batch.
#[derive(Debug)]
pub struct Written {
    /// Its first line.
    pub first: u64,
    /// How many lines it took.
    pub lines: u64,
    /// How many vertices and edges it brought.
    pub items: u64,
}

type Outcome = (
    PgConnection,
    bool,
    std::result::Result<Written, (u64, Failure)>,
);

/// Connections, and the batches they are writing.
///
/// Vertices do not depend on each other, and edges on vertices alone: a batch with edges begins when every
/// vertex before it is in. Unless the file names one vertex twice, the order in which batches are
/// committed makes no difference.
pub struct Lanes<'a> {
    how: Writing<'a>,
    idle: Vec<PgConnection>,
    running: FuturesUnordered<LocalBoxFuture<'a, Outcome>>,
    /// How many of the running batches hold vertices.
    vertices: usize,
}

impl<'a> Lanes<'a> {
    /// Lanes over these connections, at least one.
    pub fn new(how: Writing<'a>, connections: Vec<PgConnection>) -> Self {
        Self {
            how,
            idle: connections,
            running: FuturesUnordered::new(),
            vertices: 0,
        }
    }

    /// Whether `batch` can begin now.
    pub fn admits(&self, batch: &Batch) -> bool {
        !self.idle.is_empty() && (self.vertices == 0 || !batch.has_edges())
    }

    /// Whether nothing is being written.
    pub fn is_quiet(&self) -> bool {
        self.running.is_empty()
    }

    /// Begins to write a batch that [`Self::admits`] let in.
    pub fn begin(&mut self, work: Batch) {
        let Some(mut connection) = self.idle.pop() else {
            return;
        };
        let how = self.how;
        let vertices = work.has_vertices();
        self.vertices += usize::from(vertices);
        self.running.push(Box::pin(async move {
            let result = batch(&mut connection, how, &work).await;
            let first = work.first;
            let written = Written {
                first,
                lines: work.lines,
                items: work.items(),
            };
            (
                connection,
                vertices,
                result.map(|()| written).map_err(|failure| (first, failure)),
            )
        }));
    }

    /// Waits until one batch has ended; `None` when none is being written.
    ///
    /// # Errors
    /// Those of the batch, with its first line. Nothing of it was written.
    pub async fn next(&mut self) -> Option<std::result::Result<Written, (u64, Failure)>> {
        let (connection, vertices, result) = self.running.next().await?;
        self.vertices -= usize::from(vertices);
        self.idle.push(connection);
        Some(result)
    }

    /// Waits for what is being written, and gives a connection back.
    ///
    /// # Errors
    /// When there is none, which cannot be.
    pub async fn end(mut self) -> Result<PgConnection> {
        while self.next().await.is_some() {}
        self.idle
            .pop()
            .ok_or_else(|| Failure::bug("a load without a connection"))
    }
}
