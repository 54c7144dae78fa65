//! Migrations out of order: older than the last applied one, and never applied themselves.
//!
//! refinery passes over such files instead of running them, so it is shown a history that ends before the
//! first of them.

use super::history::{Applied, pending, pending_of};
use crate::failure::Result;
use crate::spec::migration::Migration;

/// What a run takes that is refused otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// Migrations older than the last applied one, which were never applied.
    pub out_of_order: bool,
}

/// Like [`pending`], with what a run may tolerate. Older migrations come first, in their order.
///
/// # Errors
/// Those of [`pending`], as far as they are not tolerated.
pub async fn pending_with<'a>(
    history: &[Applied],
    migrations: &'a [Migration],
    tolerance: Tolerance,
) -> Result<Vec<&'a Migration>> {
    let Some(floor) = floor(history, migrations, tolerance) else {
        return pending(history, migrations).await;
    };
    let last = history.last().map_or(-1, |row| row.version);
    let applied = |version| history.iter().any(|row| row.version == version);
    let in_order: Vec<&Migration> = migrations
        .iter()
        .filter(|one| one.version > last || applied(one.version))
        .collect();
    pending_of(history, &in_order).await?;
    let before: Vec<Applied> = shown(history, Some(floor));
    pending_of(&before, &offered(history, migrations, Some(floor))).await
}

/// The first version that was passed over, where that is tolerated.
pub(super) fn floor(
    history: &[Applied],
    migrations: &[Migration],
    tolerance: Tolerance,
) -> Option<i64> {
    let last = history.last()?.version;
    let mut older = migrations
        .iter()
        .map(|one| one.version)
        .filter(|version| *version < last && !history.iter().any(|row| row.version == *version));
    older.next().filter(|_| tolerance.out_of_order)
}

/// refinery passes over what is older than the last row it sees; so it is shown the rows below `floor`.
pub(super) fn shown(history: &[Applied], floor: Option<i64>) -> Vec<Applied> {
    let below = |row: &&Applied| floor.is_none_or(|floor| row.version < floor);
    history.iter().filter(below).cloned().collect()
}

/// The files that belong to what refinery is shown: without those whose rows it does not see.
pub(super) fn offered<'a>(
    history: &[Applied],
    migrations: &'a [Migration],
    floor: Option<i64>,
) -> Vec<&'a Migration> {
    let hidden = |version: i64| {
        floor.is_some_and(|floor| version > floor)
            && history.iter().any(|row| row.version == version)
    };
    migrations
        .iter()
        .filter(|one| !hidden(one.version))
        .collect()
}
