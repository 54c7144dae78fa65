//! Hearing the server's NOTICEs, which sqlx hands to `tracing` and nowhere else.
//!
//! The listener is set for one future alone and for as long as it is polled: nothing global.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::span;
use tracing::{Event, Metadata, Subscriber};

/// sqlx's target for what the server remarks.
const TARGET: &str = "sqlx::postgres::notice";

/// What was heard and not yet told.
#[derive(Debug, Clone, Default)]
pub struct Notices(Arc<Mutex<Vec<String>>>);

impl Notices {
    /// Runs `work` and keeps what the server remarks meanwhile.
    pub async fn hear<T>(&self, work: impl Future<Output = T>) -> T {
        work.with_subscriber(Listener(self.clone())).await
    }

    /// Takes what was heard since the last time, in order.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, text: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text);
    }
}

struct Listener(Notices);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == TARGET {
            event.record(&mut Message(&self.0));
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Message<'a>(&'a Notices);

impl Visit for Message<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.0.keep(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0
                .keep(format!("{value:?}").trim_matches('"').to_owned());
        }
    }
}
