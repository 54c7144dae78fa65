//! Judging one effect in one database: the lock, the work and the hazards that it has here and now.

use std::collections::BTreeSet;

use super::facts::{Facts, Live, stored_alike};
use super::{Doing, PlannedEffect, PlannedHazard, PlannedStatement};
use crate::catalog::name::quote_ident;
use crate::sql::effect::{Effect, Relation, Target, Work};
use crate::sql::hazard::Hazard;
use crate::sql::lock::{Blocks, LockLevel};

/// One effect on each relation that it means in this database.
pub(super) fn here_and_now(
    effect: &Effect,
    facts: &Facts,
    made: &BTreeSet<Relation>,
) -> Vec<PlannedEffect> {
    let graph = effect.concurrent_index && meets_graph(&effect.on, facts);
    let is_new = matches!(&effect.on, Target::Relation(it) if made.contains(it));
    let found = if is_new {
        Vec::new()
    } else {
        facts.of(&effect.on)
    };
    let mut all: Vec<PlannedEffect> = if found.is_empty() {
        vec![on_nothing_live(effect, facts)]
    } else {
        found
            .into_iter()
            .map(|live| on_live(effect, live))
            .collect()
    };
    if graph && let Some(first) = all.first_mut() {
        first.hazards = vec![hazard(
            Hazard::ConcurrentIndexOnGraph,
            format!(
                "builds an index of a graph's label table ({}) concurrently; it would miss rows silently",
                said(&effect.on)
            ),
        )];
    }
    all
}

/// Whether the target is, or holds, a label table of a graph. REINDEX DATABASE holds all of them.
fn meets_graph(target: &Target, facts: &Facts) -> bool {
    let in_graph = |schema: &String| facts.graphs.contains(schema);
    match target {
        Target::Schema(schema) => in_graph(schema),
        Target::Nothing => !facts.graphs.is_empty(),
        Target::Relation(Relation {
            schema: Some(schema),
            ..
        })
        | Target::Index(Relation {
            schema: Some(schema),
            ..
        }) => in_graph(schema),
        other => facts.of(other).iter().any(|live| in_graph(&live.schema)),
    }
}

/// The effect on something that is new, missing, or no relation at all.
fn on_nothing_live(effect: &Effect, facts: &Facts) -> PlannedEffect {
    let mut hazards = Vec::new();
    let applies = effect.on == Target::Nothing;
    match effect.hazard {
        Some(Hazard::NotAnalysable) => hazards.push(hazard(
            Hazard::NotAnalysable,
            "may take any lock and change anything; its text does not show it".to_owned(),
        )),
        Some(found) if applies && facts.has_rows => {
            let consequence = found.entry().consequence.trim_end_matches('.');
            let message = match &effect.named {
                Some(named) => format!("{} {named}: {consequence}", effect.action),
                None => consequence.to_owned(),
            };
            hazards.push(hazard(found, message));
        }
        None if applies && facts.has_rows && effect.work != Work::Brief => {
            let work = doing(effect, None);
            hazards
                .extend(of_work(effect, work).map(|found| {
                    hazard(found, format!("{} of the whole database", effect.action))
                }));
        }
        _ => {}
    }
    PlannedEffect {
        action: effect.action.to_owned(),
        relation: (!applies).then(|| said(&effect.on)),
        lock: None,
        blocks: Blocks::Nobody,
        work: if applies {
            doing(effect, None)
        } else {
            Doing::Brief
        },
        bytes: None,
        rows: None,
        hazards,
    }
}

fn on_live(effect: &Effect, live: &Live) -> PlannedEffect {
    let work = doing(effect, Some(live));
    let mut planned = PlannedEffect {
        action: effect.action.to_owned(),
        relation: Some(qualified(live)),
        lock: effect.lock,
        blocks: effect.lock.map_or(Blocks::Nobody, LockLevel::blocks),
        work,
        bytes: Some(if live.has_rows { live.bytes } else { 0 }),
        rows: live.rows,
        hazards: Vec::new(),
    };
    if live.has_rows {
        let found: BTreeSet<Hazard> = effect
            .hazard
            .into_iter()
            .chain(of_work(effect, work))
            .collect();
        planned.hazards = found
            .into_iter()
            .map(|one| hazard(one, message(one, effect, live)))
            .collect();
    }
    planned
}

/// The hazard of working for long while others wait.
pub(super) fn of_work(effect: &Effect, work: Doing) -> Option<Hazard> {
    let blocks = effect.lock.map_or(Blocks::Nobody, LockLevel::blocks);
    match work {
        _ if blocks == Blocks::Nobody => None,
        Doing::Scan => Some(Hazard::TableScanUnderLock),
        Doing::Rewrite => Some(Hazard::TableRewrite),
        Doing::Build => Some(Hazard::IndexBlocksWrites),
        Doing::Brief | Doing::Rows => None,
    }
}

pub(super) fn doing(effect: &Effect, live: Option<&Live>) -> Doing {
    match &effect.work {
        Work::Brief => Doing::Brief,
        Work::Scan => Doing::Scan,
        Work::Rewrite => Doing::Rewrite,
        Work::Build => Doing::Build,
        Work::Rows => Doing::Rows,
        Work::ScanUnlessNotNull(column) => match live {
            Some(live) if live.not_null.contains(column) => Doing::Brief,
            _ => Doing::Scan,
        },
        Work::RewriteUnlessSame { column, to, using } => {
            let same = live
                .and_then(|live| live.columns.get(column))
                .is_some_and(|from| stored_alike(from, to));
            if same && !using {
                Doing::Brief
            } else {
                Doing::Rewrite
            }
        }
    }
}

fn message(hazard: Hazard, effect: &Effect, live: &Live) -> String {
    let table = format!("{} ({})", qualified(live), size(live));
    let blocks = effect.lock.map_or("nobody", |lock| lock.blocks().words());
    match hazard {
        Hazard::DataLoss => format!("deletes rows or values of {table}"),
        Hazard::UpdateAllRows => format!("overwrites every row of {table}"),
        Hazard::TableRewrite => {
            format!("blocks {blocks} on {table} while every row is written anew")
        }
        Hazard::TableScanUnderLock => format!("blocks {blocks} on {table} while every row is read"),
        Hazard::IndexBlocksWrites => format!("blocks {blocks} on {table} while the index is built"),
        Hazard::BreaksRunningCode => format!(
            "code that uses {} under its present name fails",
            qualified(live)
        ),
        Hazard::WeakensIsolation => {
            format!("rows of {table} are shown to every role that may read it")
        }
        other => other.entry().consequence.to_owned(),
    }
}

/// Locks are kept to the end of the transaction: one that blocks everybody, taken before long work, is
/// a hazard of its own. Work that blocks everybody on the same table adds nothing to its own hazard.
pub(super) fn keep_locks(statements: &mut [PlannedStatement]) {
    let full = |effect: &PlannedEffect| effect.bytes.is_some_and(|bytes| bytes > 0);
    let mut workers: Vec<(usize, usize, PlannedEffect)> = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        let working = statement
            .effects
            .iter()
            .filter(|one| full(one) && one.work != Doing::Brief);
        workers.extend(working.map(|one| (at, statement.line, one.clone())));
    }
    for (at, statement) in statements.iter_mut().enumerate() {
        for effect in &mut statement.effects {
            if effect.blocks != Blocks::ReadsAndWrites || !full(effect) {
                continue;
            }
            let worse = workers.iter().find(|(later, _, worker)| {
                let same = worker.relation == effect.relation && worker.blocks == effect.blocks;
                *later > at && !same
            });
            if let Some((_, line, _)) = worse {
                let table = effect.relation.clone().unwrap_or_default();
                effect.hazards.push(hazard(
                    Hazard::ExclusiveLock,
                    format!("blocks reads and writes on {table} until the file ends, while line {line} works on many rows"),
                ));
            }
        }
    }
}

fn hazard(id: Hazard, message: String) -> PlannedHazard {
    PlannedHazard {
        id,
        message,
        allowed: None,
        stops: false,
    }
}

pub(super) fn qualified(live: &Live) -> String {
    format!("{}.{}", quote_ident(&live.schema), quote_ident(&live.name))
}

fn said(target: &Target) -> String {
    match target {
        Target::Relation(it) | Target::Index(it) => match &it.schema {
            Some(schema) => format!("{}.{}", quote_ident(schema), quote_ident(&it.name)),
            None => quote_ident(&it.name),
        },
        Target::Schema(schema) => format!("schema {}", quote_ident(schema)),
        Target::Nothing => "the whole database".to_owned(),
    }
}

/// A size in words, with the rows where they are known.
fn size(live: &Live) -> String {
    let bytes = super::guard::human_bytes(live.bytes);
    match live.rows {
        Some(rows) => format!("{bytes}, about {rows} rows"),
        None => bytes,
    }
}

/// A foreign key of a table without rows is proved at once: nobody waits for the table it points at.
pub(super) fn relieve_references(effects: &mut [PlannedEffect]) {
    let from_nothing = effects.iter().any(|effect| {
        effect.action == "ADD FOREIGN KEY" && effect.bytes.is_none_or(|bytes| bytes == 0)
    });
    if !from_nothing {
        return;
    }
    for effect in effects
        .iter_mut()
        .filter(|effect| effect.action == "REFERENCES")
    {
        effect.work = Doing::Brief;
        effect
            .hazards
            .retain(|hazard| hazard.id != Hazard::TableScanUnderLock);
    }
}
