//! `edu db generate`

use std::fs;
use std::path::Path;

use super::Invocation;
use super::expected::{self, ScratchServer, Sources};
use super::generated::{Content, files};
use crate::catalog::name::ColumnName;
use crate::catalog::{Catalog, Kind};
use crate::diff::{Difference, Severity, compare};
use crate::failure::{Exit, Failure, Result};
use crate::pg::scratch::{self, From, Scratch};
use crate::pg::{inspect, session};
use crate::project::{Origin, Project};
use crate::render::script::{Line, script};

/// Write the migration that brings what the migrations give to what the spec says
///
/// What it writes is proved first: run on a scratch database, it gives the spec. What it cannot
/// write is said. A rename is never guessed: name it with --rename.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The migration's name: letters, digits and "_"
    name: String,
    /// A table or column that got another name, repeatable: public.t=public.u, public.t.old=new
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<String>,
    /// Print the files, and write none
    #[arg(long)]
    dry_run: bool,
    /// The server's major [default: edu.toml's]
    #[arg(long, value_name = "N")]
    major: Option<u16>,
    /// A server to make scratch databases on [default: an embedded one, ended afterwards]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
}

/// What was found out on the scratch server.
struct Proof {
    renames: Vec<String>,
    up: Vec<Line>,
    down: Vec<Line>,
    /// What no statement was written for, or what still differs after all were run.
    left: Vec<String>,
    /// What the way back leaves as it is.
    stays: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit 5 when a generated statement does not run; nothing is written then.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project()?;
    let Origin::Folder(root) = &project.origin else {
        return Err(
            Failure::usage("a migration belongs into a project's folder")
                .hint("Go to the project's folder, or give --project DIR."),
        );
    };
    if args.name.is_empty()
        || !args
            .name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_')
    {
        return Err(
            Failure::usage(format!("\"{}\" is no name for a migration", args.name))
                .detail("It has letters, digits and \"_\" only."),
        );
    }
    let sources = Sources::load(&project)?;
    let major = args.major.unwrap_or(project.manifest.server.major);
    let scratch = expected::scratch_server(
        invocation,
        &project.manifest.needs(),
        args.scratch_url.as_deref(),
        major,
    )?;
    let proof = invocation.block_on(prove(args, invocation, &project, &sources, &scratch))?;
    for left in &proof.left {
        invocation.ui.warn(format!("left to you: {left}"));
    }
    if proof.up.is_empty() && proof.renames.is_empty() {
        invocation.ui.answer(if proof.left.is_empty() {
            "the migrations give what the spec says; nothing to write"
        } else {
            "nothing was written"
        });
        return Ok(if proof.left.is_empty() {
            Exit::Done
        } else {
            Exit::Findings
        });
    }
    let last = sources.migrations.last().map_or(0, |last| last.version);
    let content = Content {
        name: &args.name,
        last,
        renames: &proof.renames,
        up: &proof.up,
        down: &proof.down,
        stays: &proof.stays,
    };
    for (path, text) in files(&content) {
        if args.dry_run {
            invocation
                .ui
                .answer(format!("-- {}\n{text}", path.display()));
        } else {
            write(root, &path, &text)?;
            invocation.ui.answer(format!("wrote {}", path.display()));
        }
    }
    Ok(if proof.left.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

async fn prove(
    args: &Args,
    invocation: &Invocation,
    project: &Project,
    sources: &Sources,
    scratch: &ScratchServer,
) -> Result<Proof> {
    let hear = |progress| invocation.ui.hear(progress);
    let wanted = expected::build(scratch, project, sources, From::Spec, &hear).await?;
    let database = Scratch::create(&scratch.server).await?;
    let outcome = async {
        let files = sources.wanted(project);
        scratch::fill(&database.server, &files, From::Migrations(None), &hear).await?;
        on(args, project, &database, &wanted).await
    }
    .await;
    database.drop_it().await;
    outcome
}

/// Renames, compares, applies and compares again, on one scratch database.
async fn on(args: &Args, project: &Project, database: &Scratch, wanted: &Catalog) -> Result<Proof> {
    let owner = project.manifest.roles.owner.as_deref();
    let name = database.server.database().to_owned();
    let (mut connection, _) = session::open(&database.server, "edu db generate").await?;
    let renames = renames(&args.rename)?;
    let statements: Vec<&str> = renames.iter().map(String::as_str).collect();
    scratch::apply(&mut connection, owner, &statements).await?;
    let old = inspect::of_project(&mut connection, &project.manifest, &[]).await?;
    let differences: Vec<Difference> = compare(wanted, &old);
    let (mut up, left) = script(&differences, wanted, &old, &name, false);
    let mut left: Vec<String> = left.iter().map(|d| told(d)).collect();
    let superuser: Vec<Difference> = differences
        .iter()
        .filter(|d| of_superuser(d))
        .cloned()
        .collect();
    let (theirs, _) = script(&superuser, wanted, &old, &name, false);
    up.retain(|line| !theirs.contains(line));
    left.extend(superuser.iter().map(|d| {
        format!(
            "{}; it needs a superuser: put it into the bootstrap migration",
            told(d)
        )
    }));
    let statements: Vec<&str> = up.iter().map(|line| line.sql.as_str()).collect();
    scratch::apply(&mut connection, owner, &statements).await?;
    let new = inspect::of_project(&mut connection, &project.manifest, &[]).await?;
    for difference in compare(wanted, &new)
        .iter()
        .filter(|d| d.severity != Severity::Note)
    {
        let words = told(difference);
        if !left.iter().any(|known| known.starts_with(&words)) {
            left.push(words);
        }
    }
    let back = compare(&old, &new);
    let (down, stays) = script(&back, &old, &new, &name, true);
    let stays = stays.iter().map(|d| told(d)).collect();
    Ok(Proof {
        renames,
        up,
        down,
        left,
        stays,
    })
}

fn told(difference: &Difference) -> String {
    format!("{}: {}", difference.id, difference.words())
}

/// What the owner may not change.
fn of_superuser(difference: &Difference) -> bool {
    matches!(
        difference.id.kind,
        Kind::Role
            | Kind::Membership
            | Kind::Setting
            | Kind::Database
            | Kind::Extension
            | Kind::ExtensionPrivileges
            | Kind::EventTrigger
            | Kind::Subscription
    ) || matches!(difference.facet(), "leakproof" | "owner")
}

/// The statements of `--rename OLD=NEW`.
fn renames(list: &[String]) -> Result<Vec<String>> {
    list.iter()
        .map(|text| {
            let wrong = |why: String| {
                Failure::usage(format!("--rename {text} could not be read"))
                    .detail(why)
                    .hint("Write a table as public.old=public.new, a column as public.t.old=new.")
            };
            let (old, new) = text
                .split_once('=')
                .ok_or_else(|| wrong("It has no \"=\".".to_owned()))?;
            let last = |text: &str| -> Result<String> {
                crate::catalog::name::parse_ident(text.rsplit('.').next().unwrap_or(text))
                    .map_err(wrong)
            };
            let new = crate::catalog::name::quote_ident(&last(new)?);
            if old.matches('.').count() == 2 {
                let column: ColumnName = old.parse().map_err(wrong)?;
                return Ok(format!(
                    "ALTER TABLE {} RENAME COLUMN {} TO {new}",
                    column.table,
                    crate::catalog::name::quote_ident(&column.column)
                ));
            }
            let table: crate::catalog::name::Name = old.parse().map_err(wrong)?;
            Ok(format!("ALTER TABLE {table} RENAME TO {new}"))
        })
        .collect()
}

fn write(root: &Path, path: &Path, text: &str) -> Result<()> {
    let target = root.join(path);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)
            .map_err(|error| Failure::io(format!("create \"{}\"", folder.display()), &error))?;
    }
    fs::write(&target, text)
        .map_err(|error| Failure::io(format!("write \"{}\"", path.display()), &error))
}
