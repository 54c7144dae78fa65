//! `edu db migrate`

use std::path::{Path, PathBuf};

use super::{Invocation, Target, Waiting, access};
use crate::failure::{Exit, Failure, Result};
use crate::pg::index::{Options, Site, State};
use crate::pg::migrate::{self, Budget, Plan, Stage, Tolerance, draft, fingerprint};
use crate::pg::{Server, Work, graph, index, protect, session};
use crate::plan;
use crate::progress::{Report, human_time};
use crate::project::Project;
use crate::sql::duration::Duration;
use crate::ui::clean;

/// Apply pending migrations in order, then whatever of graph and vector indexes is missing
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    /// The last version to apply [default: all]
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
    /// How long one migration may wait for locks in all, in attempts that let others through
    #[arg(long, value_name = "TIME", default_value = "10min")]
    ddl_budget: Duration,
    /// How long one statement may take, unless its file says otherwise [default: without limit]
    #[arg(long, value_name = "TIME")]
    statement_timeout: Option<Duration>,
    /// Say what would be applied, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Apply older migrations that were never applied
    #[arg(long)]
    allow_out_of_order: bool,
    /// Record the new checksum of applied files in which only comments, spaces or line ends changed
    #[arg(long)]
    accept_edits: bool,
    /// Refuse files that widen access without allowing it, on a database that is not protected too
    #[arg(long)]
    check_access: bool,
    /// On a protected database, run files that may widen access although no scratch database is there to tell
    #[arg(long, conflicts_with = "check_access")]
    unchecked_access: bool,
    /// Where to make the scratch database on which access before and after is compared [default: a server of its own]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
    /// Run this plan (edu db plan --out) and nothing else: refused when anything moved since
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// See [`migrate::run`]; exit 8 when the next migration needs a superuser, or a file widens access without
/// allowing it on a database where that is looked at.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let migrations = project.migrations()?;
    let server = invocation.server(&args.target, &project)?;
    let mut context = invocation.context(&project, "edu db migrate");
    context.budget = Budget {
        ddl: args.ddl_budget.into(),
        statement: args.statement_timeout.map(Into::into),
    };
    let before = args.plan.as_deref().map(read_plan).transpose()?;
    if let Some(before) = &before {
        access::refuse_widened(before)?;
    }
    let mut plan = Plan {
        to: args.to,
        tolerance: Tolerance {
            out_of_order: args.allow_out_of_order,
        },
        before: before.as_ref(),
        ..Plan::new(&project.manifest, &migrations, Stage::Ordinary, &context)
    };
    let options = Options {
        lock_timeout: args.waiting.lock_timeout.into(),
        ..Options::default()
    };
    let site = invocation.site(&server, &project.manifest, options, &context.cancel);
    let run = Run {
        args,
        invocation,
        project: &project,
        site: &site,
    };
    let mut judged = match invocation.block_on_until(&context.cancel, run.once(&plan, false))? {
        Ended::Done(exit) => return Ok(exit),
        Ended::Unjudged(judged) => *judged,
    };
    run.judge_access(&mut judged)?;
    // What was judged is what runs.
    if plan.before.is_none() {
        plan.before = Some(&judged);
    }
    match invocation.block_on_until(&context.cancel, run.once(&plan, true))? {
        Ended::Done(exit) => Ok(exit),
        Ended::Unjudged(_) => Err(Failure::bug("access was judged and still asked for")),
    }
}

/// How an attempt ended.
enum Ended {
    /// The command is over.
    Done(Exit),
    /// Nothing was done: it has to be known first what this plan does to access.
    Unjudged(Box<plan::Plan>),
}

/// One call of the command.
struct Run<'a> {
    args: &'a Args,
    invocation: &'a Invocation,
    project: &'a Project,
    site: &'a Site<'a>,
}

impl Run<'_> {
    async fn once(&self, plan: &Plan<'_>, judged: bool) -> Result<Ended> {
        let (invocation, server, context) = (self.invocation, self.site.server, plan.context);
        if self.args.dry_run {
            return rehearse(server, plan, invocation).await.map(Ended::Done);
        }
        let report = |progress| invocation.ui.hear(progress);
        let timeout = self.args.waiting.lock_timeout.into();
        let work = Work::begin(server, "edu db migrate", timeout, &report);
        let mut work = context.cancel.or(work).await?;
        if self.args.accept_edits {
            accept(&mut work, plan, invocation).await?;
        }
        if !judged && let Some(unjudged) = self.unjudged(&mut work, plan).await? {
            work.end().await;
            return Ok(Ended::Unjudged(unjudged));
        }
        let outcome = migrate::run(&mut work.connection, &work.lock, plan, &report).await?;
        for one in &outcome.done {
            let took = human_time(std::time::Duration::from_millis(one.took_ms));
            invocation
                .ui
                .answer(format!("applied {} in {took}", one.path));
        }
        let completed = if outcome.is_complete(plan)? {
            complete(&mut work, self.project, self.site, invocation, &report).await?
        } else {
            0
        };
        work.end().await;
        if outcome.done.len() + completed == 0 {
            invocation.ui.answer("nothing to do");
        }
        Ok(Ended::Done(Exit::Done))
    }

    /// The plan whose effect on access must be known before it runs: on a protected database, or where it
    /// was asked for, and a pending statement can change access. A plan that was made before says it itself.
    async fn unjudged(&self, work: &mut Work, plan: &Plan<'_>) -> Result<Option<Box<plan::Plan>>> {
        let said = |before: &plan::Plan| before.migrations.iter().any(|one| !one.access.is_empty());
        let manifest = &self.project.manifest;
        if self.project.file("spec/access.toml").is_none() || plan.before.is_some_and(said) {
            return Ok(None);
        }
        let connection = &mut work.connection;
        let due = self.args.check_access
            || protect::why(connection, self.site.server, manifest)
                .await?
                .is_some();
        if !due {
            return Ok(None);
        }
        let drawn = draft::draft(connection, plan).await?;
        let (concerning, _) = access::concerning(&drawn.plan, self.project)?;
        Ok((!concerning.is_empty()).then(|| Box::new(drawn.plan)))
    }

    /// Compares access before and after each migration on a scratch database.
    fn judge_access(&self, plan: &mut plan::Plan) -> Result<()> {
        let (args, invocation) = (self.args, self.invocation);
        let scratch = args.scratch_url.as_deref();
        match access::classify(invocation, self.project, plan, scratch)? {
            Some(access::Unsaid::NoScratch(words)) => {
                // Files that all take it on would pass whatever the comparison gave.
                let (_, allowed) = access::concerning(plan, self.project)?;
                if args.check_access || !(allowed || args.unchecked_access) {
                    return Err(unknown(words, args.check_access));
                }
                invocation.ui.warn(clean(&format!("access: {words}")));
            }
            Some(access::Unsaid::AllNew) | None => {}
        }
        access::refuse_widened(plan)
    }
}

/// The failure of a run that nobody could say of what it does to access.
fn unknown(words: String, asked: bool) -> Failure {
    let hint = "Give a server for a scratch database: --scratch-url URL; or plan where there is one (edu db plan --out) and run that plan";
    let failure = Failure::refused("what the migrations do to access is not known")
        .detail(words)
        .detail("Nothing was run.");
    match asked {
        true => failure.hint(format!("{hint}.")),
        false => failure.detail("The database is protected.").hint(format!(
            "{hint}; or run it without that knowledge: --unchecked-access."
        )),
    }
}

/// Records the checksums of harmlessly edited files.
async fn accept(work: &mut Work, plan: &Plan<'_>, invocation: &Invocation) -> Result<()> {
    let Work {
        connection, lock, ..
    } = work;
    for path in fingerprint::accept(connection, lock, plan.owner, plan.migrations).await? {
        invocation
            .ui
            .answer(format!("accepted the edited comments or spaces of {path}"));
    }
    Ok(())
}

fn read_plan(file: &Path) -> Result<plan::Plan> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::io(format!("read \"{shown}\""), &error))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("\"{shown}\" is not a plan of this edu"))
            .detail(format!("{error}."))
            .hint("Make the plan anew: edu db plan --out plan.json")
    })
}

/// Says what would be applied.
async fn rehearse(server: &Server, plan: &Plan<'_>, invocation: &Invocation) -> Result<Exit> {
    let (mut connection, _) = session::open(server, "edu db migrate").await?;
    let due = migrate::due(&mut connection, plan).await?;
    for migration in &due {
        invocation
            .ui
            .answer(format!("would apply {}", migration.up.document.path));
    }
    if due.is_empty() {
        invocation.ui.answer("nothing to do");
    }
    Ok(Exit::Done)
}

/// Makes what of graph and vector indexes is missing. Shape: how many things were told.
async fn complete(
    work: &mut Work,
    project: &Project,
    site: &Site<'_>,
    invocation: &Invocation,
    report: Report<'_>,
) -> Result<usize> {
    let manifest = &project.manifest;
    let mut told = 0;
    if let Some(ontology) = project.ontology()? {
        let options = graph::Options::default();
        let outcome = graph::apply(&mut work.connection, manifest, &ontology, options, report);
        let outcome = site.cancel.or(outcome).await?;
        for what in &outcome.made {
            invocation.ui.answer(format!("made {what}"));
            told += 1;
        }
    }
    let wanted = project.vectors()?.indexes;
    if wanted.is_empty() {
        return Ok(told);
    }
    // It breaks off cleanly by itself.
    for outcome in index::ensure(&mut work.connection, site, &wanted, report).await? {
        if outcome.state != State::Good {
            invocation
                .ui
                .answer(format!("index {}: {}", outcome.name, outcome.state));
            told += 1;
        }
    }
    Ok(told)
}
