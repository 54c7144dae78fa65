//! What must hold of a database before the first write.

use super::look::Look;
use super::store;
use crate::failure::{Failure, Result};
use crate::pg::lock::Lock;
use crate::spec::migration::Migration;

/// Refuses a pooler between edu and the server, and a database that is not this project's.
pub(super) fn check(look: &Look, lock: &Lock, project: &str) -> Result<()> {
    let held = look.holder.as_ref().map(|holder| holder.pid);
    if look.pid == lock.pid() || held != Some(lock.pid()) {
        return Err(Failure::refused(format!(
            "{} is reached through a pooler that shares sessions",
            lock.server().place()
        ))
        .detail(
            "Two connections of edu's got one session on the server, so a lock would exclude nobody \
             and settings would leak to others (transaction pooling).",
        )
        .hint("Give the server's own URL, past the pooler, or use the pooler's session mode."));
    }
    store::check(look, project, lock.server().database())
}

/// One checksum over all that is to be applied, in order.
pub(super) fn plan_hash(due: &[&Migration]) -> String {
    let mut text = String::new();
    for migration in due {
        text.push_str(&format!(
            "{} {}\n",
            migration.version,
            migration.fingerprint()
        ));
    }
    crate::sql::fingerprint::checksum(&text)
}
