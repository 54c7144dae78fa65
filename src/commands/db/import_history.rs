//! `edu db import-history`

use clap::ValueEnum;

use super::{Invocation, Target, Waiting};
use crate::catalog::name::Name;
use crate::failure::{Exit, Failure, Result};
use crate::pg::foreign::{self, Tool};
use crate::pg::migrate::adopt::{self, Known};
use crate::pg::migrate::history::{self, Applied, TABLE};
use crate::pg::{Work, session};
use crate::plan::adopt::{Mapped, map};
use crate::spec::migration::Migration;
use crate::ui::clean;

/// Take over the history of another migration tool; its own table is only read
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The tool that applied the migrations so far
    #[arg(long, value_enum, value_name = "TOOL")]
    from: From,
    /// Where its history is [default: the one table of that tool's name]
    #[arg(long, value_name = "SCHEMA.TABLE")]
    table: Option<Name>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// Say which row means which file, and record nothing
    #[arg(long)]
    dry_run: bool,
}

/// The tools, as they are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum From {
    Sqlx,
    Refinery,
    Flyway,
    Dbmate,
    Drizzle,
    Prisma,
    Sqitch,
    GolangMigrate,
}

impl From {
    const fn tool(self) -> Tool {
        match self {
            Self::Sqlx => Tool::Sqlx,
            Self::Refinery => Tool::Refinery,
            Self::Flyway => Tool::Flyway,
            Self::Dbmate => Tool::Dbmate,
            Self::Drizzle => Tool::Drizzle,
            Self::Prisma => Tool::Prisma,
            Self::Sqitch => Tool::Sqitch,
            Self::GolangMigrate => Tool::GolangMigrate,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Those of [`foreign::read`] and [`map`]; exit 8 when the bootstrap is to come first.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let migrations = project.migrations()?;
    let server = invocation.server(&args.target, &project)?;
    let ui = &invocation.ui;
    let report = |progress| ui.hear(progress);
    let owner = project.manifest.roles.owner.as_deref();
    invocation.block_on(async {
        if args.dry_run {
            let (mut connection, _) = session::open(&server, "edu db import-history").await?;
            let (table, rows) =
                foreign::read(&mut connection, args.from.tool(), args.table.as_ref()).await?;
            let applied = history::read(&mut connection).await?;
            let new = new(&table, map(&rows, &migrations)?, &applied, &migrations)?;
            for one in &new {
                ui.answer(clean(&told("would record", one)));
            }
            tell_rest(&new, &applied, &migrations, invocation);
            return Ok(Exit::Done);
        }
        let timeout = args.waiting.lock_timeout.into();
        let mut work = Work::begin(&server, "edu db import-history", timeout, &report).await?;
        let (table, rows) =
            foreign::read(&mut work.connection, args.from.tool(), args.table.as_ref()).await?;
        let applied = history::read(&mut work.connection).await?;
        let new = new(&table, map(&rows, &migrations)?, &applied, &migrations)?;
        let known: Vec<Known<'_>> = new
            .iter()
            .map(|one| Known {
                migration: one.migration,
                applied_at: one.applied_at,
            })
            .collect();
        if !known.is_empty() {
            adopt::record(
                &mut work.connection,
                &work.lock,
                owner,
                &project.manifest.name,
                &known,
            )
            .await?;
        }
        for one in &new {
            ui.answer(clean(&told("recorded", one)));
        }
        tell_rest(&new, &applied, &migrations, invocation);
        work.end().await;
        Ok(Exit::Done)
    })
}

/// What is not recorded yet.
fn new<'a>(
    table: &Name,
    mapped: Vec<Mapped<'a>>,
    applied: &[Applied],
    migrations: &[Migration],
) -> Result<Vec<Mapped<'a>>> {
    if table.to_string() == TABLE {
        return Err(
            Failure::usage(format!("{TABLE} is edu's own history already"))
                .hint("There is nothing to take over: edu db status"),
        );
    }
    let recorded = |version: i64| applied.iter().any(|row| row.version == version);
    let new: Vec<Mapped<'a>> = mapped
        .into_iter()
        .filter(|one| !recorded(one.migration.version))
        .collect();
    let covered =
        |version: i64| recorded(version) || new.iter().any(|one| one.migration.version == version);
    let last = new.last().map_or(-1, |one| one.migration.version);
    let bootstrap = migrations
        .iter()
        .find(|one| one.needs_superuser() && one.version < last && !covered(one.version));
    match bootstrap {
        None => Ok(new),
        Some(first) => Err(Failure::refused(format!(
            "\"{}\" comes before the imported migrations and is not applied",
            first.up.document.path
        ))
        .detail("It would be out of order afterwards. Nothing was recorded.")
        .hint("Run first: edu db bootstrap")),
    }
}

fn told(what: &str, one: &Mapped<'_>) -> String {
    let when = match one.applied_at {
        Some(at) => format!("applied {} {:02}:{:02}", at.date(), at.hour(), at.minute()),
        None => "at a time that tool does not keep".to_owned(),
    };
    format!(
        "{what} {} ← {} (by {}; {when})",
        one.migration.up.document.path,
        one.label,
        one.by.words()
    )
}

/// Says what is left: nothing at all, or files that the other tool passed over.
fn tell_rest(
    new: &[Mapped<'_>],
    applied: &[Applied],
    migrations: &[Migration],
    invocation: &Invocation,
) {
    if new.is_empty() {
        invocation.ui.answer("nothing to do");
    }
    let recorded = |version: i64| {
        applied.iter().any(|row| row.version == version)
            || new.iter().any(|one| one.migration.version == version)
    };
    let last = migrations
        .iter()
        .map(|one| one.version)
        .filter(|version| recorded(*version))
        .max();
    for gap in migrations
        .iter()
        .filter(|one| Some(one.version) < last && !recorded(one.version))
    {
        invocation.ui.warn(format!(
            "\"{}\" is in neither history and older than the last one: edu db migrate --allow-out-of-order applies it",
            gap.up.document.path
        ));
    }
}
