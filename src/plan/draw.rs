//! Drawing the plan: files and facts in, a plan out.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Live, stored_alike};
use super::{
    Doing, FORMAT, Fingerprint, Plan, Planned, PlannedEffect, PlannedHazard, PlannedStatement,
};
use crate::catalog::name::quote_ident;
use crate::spec::migration::{Migration, SqlFile};
use crate::sql::effect::{Effect, Relation, Target, Work, effects};
use crate::sql::fingerprint::checksum;
use crate::sql::hazard::{Allowance, Hazard};
use crate::sql::header::Role;
use crate::sql::lock::{Blocks, LockLevel};

/// A migration that is next in line.
#[derive(Debug, Clone, Copy)]
pub struct Pending<'a> {
    /// The migration.
    pub migration: &'a Migration,
    /// Which of its files would run: the way there, or the way back.
    pub file: &'a SqlFile,
    /// Older than the last applied migration.
    pub out_of_order: bool,
}

/// The targets whose facts a plan for `files` needs. Shape: sorted, each once.
pub fn needed<'a>(files: impl IntoIterator<Item = &'a SqlFile>) -> Vec<Target> {
    let all: BTreeSet<Target> = files
        .into_iter()
        .flat_map(|file| file.script.statements.iter().flat_map(effects))
        .map(|effect| effect.on)
        .filter(|on| *on != Target::Nothing)
        .collect();
    all.into_iter().collect()
}

/// Makes the plan. `history` is any text that changes when the schema history does.
pub fn draw(pending: &[Pending<'_>], facts: &Facts, history: &str) -> Plan {
    let mut made = BTreeSet::new();
    let structure: BTreeMap<String, &str> = facts
        .relations
        .iter()
        .map(|live| (qualified(live), live.fingerprint.as_str()))
        .collect();
    Plan {
        format: FORMAT,
        edu: env!("CARGO_PKG_VERSION").to_owned(),
        database: facts.database.clone(),
        major: facts.major,
        made_for: Fingerprint {
            history: checksum(history),
            relations: checksum(&format!("{structure:?}")),
        },
        migrations: pending
            .iter()
            .map(|one| planned(one, facts, &mut made))
            .collect(),
    }
}

fn planned(pending: &Pending<'_>, facts: &Facts, made: &mut BTreeSet<Relation>) -> Planned {
    let file = pending.file;
    let all: Vec<Vec<Effect>> = file.script.statements.iter().map(effects).collect();
    let mut statements: Vec<PlannedStatement> = Vec::new();
    for (statement, effects) in file.script.statements.iter().zip(&all) {
        let mut planned = PlannedStatement {
            line: statement.line,
            text: shortened(&statement.text),
            effects: Vec::new(),
        };
        for effect in effects {
            planned.effects.extend(here_and_now(effect, facts, made));
            if let (true, Target::Relation(relation)) = (effect.creates, &effect.on)
                && facts.of(&effect.on).is_empty()
            {
                made.insert(relation.clone());
            }
        }
        statements.push(planned);
    }
    if !file.header.no_transaction {
        keep_locks(&mut statements);
    }
    for statement in &mut statements {
        for effect in &mut statement.effects {
            effect
                .hazards
                .iter_mut()
                .for_each(|hazard| allow(hazard, file));
        }
    }
    let used = |id: &String| {
        let hazards = statements
            .iter()
            .flat_map(|one| &one.effects)
            .flat_map(|one| &one.hazards);
        hazards
            .into_iter()
            .any(|hazard| hazard.allowed.is_some() && hazard.id.id() == id)
    };
    let unused_allowances = unused(file, &all)
        .into_iter()
        .filter(|id| !used(id))
        .collect();
    Planned {
        version: pending.migration.version,
        name: pending.migration.name.clone(),
        path: file.document.path.clone(),
        checksum: checksum(&file.document.text),
        transactional: !file.header.no_transaction,
        out_of_order: pending.out_of_order,
        role: file.header.role.as_ref().map(|role| match role {
            Role::Superuser => "superuser".to_owned(),
            Role::Named(name) => name.clone(),
        }),
        statements,
        unused_allowances,
    }
}

fn allow(hazard: &mut PlannedHazard, file: &SqlFile) {
    let entry = hazard.id.entry();
    let allowance = file
        .header
        .allow
        .iter()
        .find(|allow| allow.hazard == entry.id);
    match entry.allowance {
        Allowance::Needed => {
            hazard.allowed = allowance.map(|allow| allow.reason.clone());
            hazard.stops = hazard.allowed.is_none();
        }
        Allowance::Refused => hazard.stops = true,
        Allowance::NotNeeded => {}
    }
}

/// One effect on each relation that it means in this database.
fn here_and_now(effect: &Effect, facts: &Facts, made: &BTreeSet<Relation>) -> Vec<PlannedEffect> {
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
            hazards.push(hazard(found, found.entry().consequence.to_owned()));
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
fn of_work(effect: &Effect, work: Doing) -> Option<Hazard> {
    let blocks = effect.lock.map_or(Blocks::Nobody, LockLevel::blocks);
    match work {
        _ if blocks == Blocks::Nobody => None,
        Doing::Scan => Some(Hazard::TableScanUnderLock),
        Doing::Rewrite => Some(Hazard::TableRewrite),
        Doing::Build => Some(Hazard::IndexBlocksWrites),
        Doing::Brief | Doing::Rows => None,
    }
}

fn doing(effect: &Effect, live: Option<&Live>) -> Doing {
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
/// a hazard of its own.
fn keep_locks(statements: &mut [PlannedStatement]) {
    let works = |effect: &PlannedEffect| {
        matches!(
            effect.work,
            Doing::Scan | Doing::Rewrite | Doing::Build | Doing::Rows
        ) && effect.bytes.is_some_and(|bytes| bytes > 0)
    };
    let Some(last) = statements
        .iter()
        .rposition(|statement| statement.effects.iter().any(works))
    else {
        return;
    };
    let worker = statements[last].line;
    for statement in &mut statements[..last] {
        for effect in &mut statement.effects {
            let blocks = effect.blocks == Blocks::ReadsAndWrites
                && effect.bytes.is_some_and(|bytes| bytes > 0);
            if blocks {
                let table = effect.relation.clone().unwrap_or_default();
                effect.hazards.push(hazard(
                    Hazard::ExclusiveLock,
                    format!("blocks reads and writes on {table} until the file ends, and line {worker} works on many rows before"),
                ));
            }
        }
    }
}

/// Allowances that no statement can need, whatever the database holds. A table that the file itself makes
/// has no hazard.
fn unused(file: &SqlFile, all: &[Vec<Effect>]) -> Vec<String> {
    let mut possible = BTreeSet::new();
    let mut made = BTreeSet::new();
    let mut strong = false;
    for effect in all.iter().flatten() {
        if matches!(&effect.on, Target::Relation(it) if made.contains(it)) {
            continue;
        }
        if let (true, Target::Relation(relation)) = (effect.creates, &effect.on) {
            made.insert(relation.clone());
            continue;
        }
        possible.extend(effect.hazard);
        let work = doing(effect, None);
        possible.extend(of_work(effect, work));
        if strong && work != Doing::Brief && !file.header.no_transaction {
            possible.insert(Hazard::ExclusiveLock);
        }
        strong |= effect.lock == Some(LockLevel::AccessExclusive);
    }
    let allowed = file.header.allow.iter().map(|allow| allow.hazard.as_str());
    allowed
        .filter(|id| !Hazard::of(id).is_some_and(|hazard| possible.contains(&hazard)))
        .map(str::to_owned)
        .collect()
}

fn hazard(id: Hazard, message: String) -> PlannedHazard {
    PlannedHazard {
        id,
        message,
        allowed: None,
        stops: false,
    }
}

fn qualified(live: &Live) -> String {
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

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(96) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
