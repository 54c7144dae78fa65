//! Drawing the plan: files and facts in, a plan out.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::judge::{doing, here_and_now, keep_locks, of_work, qualified, relieve_references};
use super::{Doing, FORMAT, Fingerprint, Plan, Planned, PlannedHazard, PlannedStatement};
use crate::secret::hidden;
use crate::spec::migration::{Migration, SqlFile};
use crate::sql::body::Runs;
use crate::sql::effect::{Effect, Relation, Target, effects};
use crate::sql::fingerprint::checksum;
use crate::sql::hazard::{Allowance, Hazard};
use crate::sql::header::Role;
use crate::sql::lock::LockLevel;
use crate::sql::target::{StrongLock, file_locks};
use crate::sql::unfold::{Inner, unfold};

/// A migration that is next in line, its statements looked at once.
#[derive(Debug, Clone)]
pub struct Pending<'a> {
    migration: &'a Migration,
    file: &'a SqlFile,
    out_of_order: bool,
    /// Of each statement alone.
    own: Vec<Vec<Effect>>,
    /// Of each statement, with what stands in its text.
    effects: Vec<Vec<Effect>>,
}

/// Hazards that count whatever a statement turns out to be for: its names are put in when it runs.
pub const WHATEVER: &[Hazard] = &[
    Hazard::WeakensIsolation,
    Hazard::DataLoss,
    Hazard::ConcurrentIndexOnGraph,
];

/// Hazards that count in a function that somebody has to call first: what it is for may well be to delete.
pub const WHEN_CALLED: &[Hazard] = &[Hazard::WeakensIsolation, Hazard::ConcurrentIndexOnGraph];

impl<'a> Pending<'a> {
    /// `file` is the one that would run: the migration's way there, or its way back. `out_of_order` when it
    /// is older than the last applied migration.
    pub fn new(migration: &'a Migration, file: &'a SqlFile, out_of_order: bool) -> Self {
        let statements = &file.script.statements;
        let own: Vec<Vec<Effect>> = statements.iter().map(effects).collect();
        let mut all = own.clone();
        for one in unfold(statements) {
            all[one.outer].extend(of_inner(&one));
        }
        Self {
            migration,
            file,
            out_of_order,
            own,
            effects: all,
        }
    }

    /// The migration's version, and the strong locks that the file asks for. Those of a block are left out: it may
    /// not come to them.
    pub fn locks(&self) -> (i64, Vec<StrongLock>) {
        (self.migration.version, file_locks(&self.own))
    }
}

/// What a statement within another one does. That its own text says nothing is told of the outer one.
fn of_inner(inner: &Inner) -> Vec<Effect> {
    let all = effects(&inner.statement).into_iter();
    let counts =
        |effect: &Effect, hazards: &[Hazard]| effect.hazard.is_some_and(|it| hazards.contains(&it));
    match inner.runs {
        Runs::AtOnce => all
            .filter(|effect| effect.hazard != Some(Hazard::NotAnalysable))
            .collect(),
        Runs::AtOnceNamedLater => all
            .filter(|effect| counts(effect, WHATEVER))
            .map(Effect::on_whatever)
            .collect(),
        Runs::WhenCalled => all
            .filter(|effect| effect.concurrent_index || counts(effect, WHEN_CALLED))
            .collect(),
    }
}

/// The targets whose facts a plan needs. Shape: sorted, each once.
pub fn needed(pending: &[Pending<'_>]) -> Vec<Target> {
    let all = pending.iter().flat_map(|one| one.effects.iter().flatten());
    let targets: BTreeSet<&Target> = all
        .map(|effect| &effect.on)
        .filter(|on| **on != Target::Nothing)
        .collect();
    targets.into_iter().cloned().collect()
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
    let all = &pending.effects;
    let mut statements: Vec<PlannedStatement> = Vec::new();
    for (statement, effects) in file.script.statements.iter().zip(all) {
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
        relieve_references(&mut planned.effects);
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
    let unused_allowances = unused(file, all)
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
        access: Vec::new(),
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

/// A hazard that a statement has wherever its tables have rows.
#[derive(Debug, Clone)]
pub struct Possible {
    /// The statement, as an index into the script.
    pub statement: usize,
    /// The kind of statement or action, in upper case.
    pub action: &'static str,
    /// What it is on.
    pub on: Target,
    /// The hazard.
    pub hazard: Hazard,
}

/// What can go wrong with a file on some database: every table has rows, but those that the file makes.
/// `graph` is the schema of the label tables, if there are any.
pub fn possible(file: &SqlFile, graph: Option<&str>) -> Vec<Possible> {
    let all: Vec<Vec<Effect>> = file.script.statements.iter().map(effects).collect();
    let mut found = hazards(file, &all);
    for (statement, effect) in numbered(&all) {
        let schema = match &effect.on {
            Target::Relation(it) | Target::Index(it) => it.schema.as_deref(),
            Target::Schema(schema) => Some(schema.as_str()),
            Target::Nothing => None,
        };
        if effect.concurrent_index && schema.is_some() && schema == graph {
            found.push(seen(statement, effect, Hazard::ConcurrentIndexOnGraph));
        }
    }
    found
}

fn numbered(all: &[Vec<Effect>]) -> impl Iterator<Item = (usize, &Effect)> {
    all.iter()
        .enumerate()
        .flat_map(|(at, effects)| effects.iter().map(move |effect| (at, effect)))
}

fn seen(statement: usize, effect: &Effect, hazard: Hazard) -> Possible {
    Possible {
        statement,
        action: effect.action,
        on: effect.on.clone(),
        hazard,
    }
}

fn hazards(file: &SqlFile, all: &[Vec<Effect>]) -> Vec<Possible> {
    let mut found = Vec::new();
    let mut made = BTreeSet::new();
    let mut strong = None;
    for (statement, effect) in numbered(all) {
        if matches!(&effect.on, Target::Relation(it) if made.contains(it)) {
            continue;
        }
        if let (true, Target::Relation(relation)) = (effect.creates, &effect.on) {
            made.insert(relation.clone());
            continue;
        }
        let work = doing(effect, None);
        let own = effect.hazard.into_iter().chain(of_work(effect, work));
        found.extend(own.map(|hazard| seen(statement, effect, hazard)));
        // Work that blocks everybody on the same table adds nothing to its own hazard.
        let worse = |strong: &Effect| strong.on != effect.on || strong.lock != effect.lock;
        if let (Some((first, strong)), false) = (&strong, file.header.no_transaction)
            && work != Doing::Brief
            && *first < statement
            && worse(strong)
        {
            found.push(seen(*first, strong, Hazard::ExclusiveLock));
        }
        if strong.is_none() && effect.lock == Some(LockLevel::AccessExclusive) {
            strong = Some((statement, effect.clone()));
        }
    }
    found
}

/// Allowances that no statement can need, whatever the database holds. A table that the file itself makes
/// has no hazard. Those of rules that are no hazards are `edu db lint`'s to judge.
fn unused(file: &SqlFile, all: &[Vec<Effect>]) -> Vec<String> {
    let possible: BTreeSet<Hazard> = hazards(file, all).iter().map(|one| one.hazard).collect();
    let allowed = file.header.allow.iter().map(|allow| allow.hazard.as_str());
    allowed
        // Whether access is widened no statement says alone: the postures are compared for that.
        .filter(|id| *id != Hazard::WidenedAccess.id())
        .filter(|id| Hazard::of(id).is_some_and(|hazard| !possible.contains(&hazard)))
        .map(str::to_owned)
        .collect()
}

/// The beginning of a statement, on one line and without passwords.
pub fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = hidden(&line);
    match line.char_indices().nth(96) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
