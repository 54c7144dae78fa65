//! What pending migrations do to access, for `edu db plan` and `edu db migrate`: each is applied to a scratch database, and the
//! posture before is compared with the one after.

use super::Invocation;
use super::expected::{self, Sources};
use super::isolation::Promise;
use crate::failure::{Failure, Result};
use crate::pg::scratch::{self, From, Scratch};
use crate::pg::{Server, rls, session};
use crate::plan::{Plan, Planned, PlannedAccess, shortened};
use crate::posture::Posture;
use crate::project::Project;
use crate::proof::compare::{Change, Moved, compare};
use crate::spec::migration::Migration;
use crate::sql::hazard::Hazard;
use crate::sql::split::Statement;

/// The words that statements about access begin with.
const WORDS: [&str; 17] = [
    "GRANT",
    "REVOKE",
    "CREATE POLICY",
    "ALTER POLICY",
    "DROP POLICY",
    "CREATE ROLE",
    "ALTER ROLE",
    "CREATE USER",
    "ALTER USER",
    "ALTER DEFAULT",
    "CREATE FUNCTION",
    "CREATE OR REPLACE",
    "CREATE VIEW",
    "CREATE PUBLICATION",
    "DO",
    "CALL",
    "SELECT",
];

/// Whether a statement may change who reaches what.
fn concerns(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let upper = words.join(" ").to_uppercase();
    let alters = upper.starts_with("ALTER")
        && [
            " ROW LEVEL SECURITY",
            " OWNER TO",
            " FUNCTION ",
            " VIEW ",
            " DATABASE ",
            " SCHEMA ",
            " PUBLICATION ",
        ]
        .iter()
        .any(|word| upper.contains(word));
    alters
        || upper.starts_with("CREATE TABLE")
        || upper.starts_with("CREATE MATERIALIZED VIEW")
        || upper.starts_with("CREATE PROCEDURE")
        || upper.starts_with("DROP FUNCTION")
        || WORDS.iter().any(|word| upper.starts_with(word))
}

/// Why it was not said what a plan does to access.
#[derive(Debug)]
pub(super) enum Unsaid {
    /// Nothing was there before that could be widened.
    AllNew,
    /// There is no database to try it on: in words.
    NoScratch(String),
}

impl std::fmt::Display for Unsaid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AllNew => f.write_str("everything is new: edu db rls judges it"),
            Self::NoScratch(words) => f.write_str(words),
        }
    }
}

/// The planned statements that may change who reaches what, in words; and whether every file that has one takes
/// on that access is widened. The files are asked: a plan shortens what they say.
pub(super) fn concerning(plan: &Plan, project: &Project) -> Result<(Vec<String>, bool)> {
    let migrations = project.migrations()?;
    let planned = |one: &&Migration| plan.migrations.iter().any(|p| p.version == one.version);
    let (mut found, mut allowed) = (Vec::new(), true);
    for migration in migrations.iter().filter(planned) {
        let up = &migration.up;
        let all = up.script.statements.iter();
        let own: Vec<&Statement> = all.filter(|one| concerns(&one.text)).collect();
        let id = Hazard::WidenedAccess.id();
        allowed &= own.is_empty() || up.header.allow.iter().any(|allow| allow.hazard == id);
        found.extend(own.into_iter().map(|one| {
            let (path, text) = (&up.document.path, shortened(&one.text));
            format!("{path}, line {}: {text}", one.line)
        }));
    }
    Ok((found, allowed))
}

/// Refuses a plan that widens an access which its file does not allow.
///
/// # Errors
/// Exit 8 with every such access. Nothing ran.
pub(super) fn refuse_widened(plan: &Plan) -> Result<()> {
    let widened: Vec<(&str, &PlannedAccess)> = plan
        .migrations
        .iter()
        .flat_map(|one| one.access.iter().map(|access| (one.path.as_str(), access)))
        .filter(|(_, access)| access.stops)
        .collect();
    let Some((path, _)) = widened.first() else {
        return Ok(());
    };
    let id = Hazard::WidenedAccess.id();
    let mut failure =
        Failure::refused(format!("\"{path}\" widens access, which it does not allow"));
    for (path, access) in &widened {
        let PlannedAccess {
            role,
            object,
            command,
            what,
            ..
        } = access;
        failure = failure.detail(format!("{path}: {role} {command} {object}: {what}."));
    }
    Err(failure.detail("Nothing was run.").hint(format!(
        "See edu explain {id}; or take it on at the top of the file:\n-- edu: allow {id} reason=\"…\""
    )))
}

/// Adds to each migration of the plan what it does to access. Shape: why that could not be said, if so.
///
/// # Errors
/// Those of `spec/access.toml`.
pub(super) fn classify(
    invocation: &Invocation,
    project: &Project,
    plan: &mut Plan,
    scratch_url: Option<&str>,
) -> Result<Option<Unsaid>> {
    let Some(promise) = Promise::of(project)? else {
        return Ok(None);
    };
    let Some(first) = plan.migrations.iter().map(|one| one.version).min() else {
        return Ok(None);
    };
    let (concerning, _) = concerning(plan, project)?;
    if concerning.is_empty() {
        return Ok(None);
    }
    if !project
        .migrations()?
        .iter()
        .any(|one| one.version < first && !one.needs_superuser())
    {
        return Ok(Some(Unsaid::AllNew));
    }
    let server = expected::scratch_server(
        invocation,
        &project.manifest.needs(),
        scratch_url,
        plan.major,
    );
    let compared = server.and_then(|server| {
        invocation.block_on(postures(
            invocation,
            project,
            &promise,
            &server.server,
            plan,
        ))
    });
    let postures = match compared {
        Ok(postures) => postures,
        Err(failure) => {
            return Ok(Some(Unsaid::NoScratch(format!(
                "no scratch database ({}): what these statements do to access is not known:\n  {}",
                failure.error,
                concerning.join("\n  ")
            ))));
        }
    };
    let mut scenes = postures
        .iter()
        .map(|posture| promise.scene(posture, project));
    let Some(mut before) = scenes.next() else {
        return Ok(None);
    };
    for (planned, after) in plan.migrations.iter_mut().zip(scenes) {
        let moved = compare(&before, &after);
        tell(planned, project, moved)?;
        before = after;
    }
    Ok(None)
}

/// The posture before the first pending migration, and after each.
async fn postures(
    invocation: &Invocation,
    project: &Project,
    promise: &Promise,
    server: &Server,
    plan: &Plan,
) -> Result<Vec<Posture>> {
    let sources = Sources::load(project)?;
    let wanted = sources.wanted(project);
    let hear = |progress| invocation.ui.hear(progress);
    scratch::insist_on_major(server, plan.major).await?;
    let first = plan
        .migrations
        .iter()
        .map(|one| one.version)
        .min()
        .unwrap_or(0);
    let steps = std::iter::once(first - 1).chain(plan.migrations.iter().map(|one| one.version));
    let scratch = Scratch::create(server).await?;
    let mut all = Ok(Vec::new());
    for version in steps {
        let step = async {
            scratch::fill(&scratch.server, &wanted, From::Step(version), &hear).await?;
            let (mut connection, _) = session::open(&scratch.server, "edu scratch").await?;
            rls::posture(&mut connection, &promise.question(project)).await
        };
        match (step.await, &mut all) {
            (Ok(posture), Ok(all)) => all.push(posture),
            (Err(failure), _) => {
                all = Err(failure);
                break;
            }
            (_, Err(_)) => break,
        }
    }
    scratch.drop_it().await;
    all
}

fn tell(planned: &mut Planned, project: &Project, moved: Vec<Moved>) -> Result<()> {
    let id = Hazard::WidenedAccess.id();
    let migrations = project.migrations()?;
    let file = migrations.iter().find(|one| one.version == planned.version);
    let allowed = file.and_then(|one| {
        let allow = &one.up.header.allow;
        allow
            .iter()
            .find(|allow| allow.hazard == id)
            .map(|allow| allow.reason.clone())
    });
    // What is not provable may be wider. A new table holds nobody's rows yet, and edu db rls judges it.
    let doubtful = |one: &Moved| match one.change {
        Change::Widened(_) => true,
        Change::NotProvable(_) => !one.fresh,
        Change::Narrowed | Change::Unchanged => false,
    };
    let needed = moved.iter().any(doubtful);
    planned.access = moved
        .into_iter()
        .map(|one| {
            let doubtful = doubtful(&one);
            let (change, what) = match one.change {
                Change::Unchanged => ("unchanged", String::new()),
                Change::Narrowed => ("narrowed", String::new()),
                Change::Widened(what) => ("widened", what),
                Change::NotProvable(what) => ("not provable", what),
            };
            PlannedAccess {
                role: one.role,
                object: one.object,
                command: one.command,
                stops: doubtful && allowed.is_none(),
                allowed: allowed.clone().filter(|_| doubtful),
                change: change.to_owned(),
                what,
            }
        })
        .collect();
    if allowed.is_some() && !needed {
        planned.unused_allowances.push(id.to_owned());
    }
    Ok(())
}
