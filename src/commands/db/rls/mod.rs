//! `edu db rls`

use std::collections::BTreeSet;

use sqlx::postgres::PgConnection;

use super::{Invocation, Target};
use crate::failure::{Exit, Failure, Result};
use crate::pg::rls::read::Question;
use crate::pg::rls::{Manner, Probed};
use crate::pg::{Server, rls, session};
use crate::posture::finding::{Engine, Finding, Severity};
use crate::posture::scene::{Scene, subjects};
use crate::posture::{Posture, fingerprint};
use crate::project::Project;
use crate::spec::access::Access;
use crate::spec::ontology::Ontology;
use crate::{check, proof};
use scratch::Scratch;

mod scratch;
mod tell;

/// Prove that every tenant reaches its own rows and no other: static checks, proof, and attempts
///
/// Reads the catalog only; attempts are made on a scratch database built from the migrations, in one
/// transaction that is rolled back.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The engines to run
    #[arg(
        long,
        value_name = "ENGINE",
        value_delimiter = ',',
        default_value = "static,proof,probe"
    )]
    engine: Vec<EngineWord>,
    /// Tell of these tables only
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// How to print the answer
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: tell::Form,
    /// Make the attempts on this database itself; they are rolled back
    #[arg(long)]
    here: bool,
    /// Where to build the scratch database [default: beside the database itself]
    #[arg(long, value_name = "URL", conflicts_with = "here")]
    scratch_url: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// An engine by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
enum EngineWord {
    /// Catalog checks.
    Static,
    /// Proof on the policies' trees.
    Proof,
    /// Attempts.
    Probe,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the hash of everything that decides who reaches which row
    Fingerprint(FingerprintArgs),
}

#[derive(Debug, clap::Args)]
struct FingerprintArgs {
    #[command(flatten)]
    target: Target,
    /// Print what is hashed, to compare two databases
    #[arg(long)]
    lines: bool,
}

/// What the project promises about isolation.
pub(super) struct Promise {
    /// `spec/access.toml`.
    pub(super) access: Access,
    /// `graph/ontology.toml`.
    pub(super) ontology: Option<Ontology>,
}

impl Promise {
    fn of(project: &Project) -> Result<Self> {
        let file = project.file("spec/access.toml").ok_or_else(|| {
            Failure::usage("the project has no spec/access.toml")
                .detail("It says who may do what; row-level security is judged against it.")
                .hint("Propose one from a database: edu db rls init")
        })?;
        Ok(Self {
            access: Access::read(file)?,
            ontology: project.ontology()?,
        })
    }

    fn question(&self, project: &Project) -> Question {
        let context = &project.manifest.context;
        let settings = [&context.tenant, &context.user].into_iter().flatten();
        Question {
            subjects: subjects(&self.access, &project.manifest),
            words: settings
                .flat_map(|setting| setting.split('.'))
                .map(str::to_lowercase)
                .collect(),
            signatures: self
                .access
                .functions
                .iter()
                .map(|listed| listed.function.to_string())
                .collect(),
        }
    }
}

/// Runs the command. Exit 1 when a finding is not accepted.
///
/// # Errors
/// Exit 2 for the project's files, 7 for the server; nothing was changed.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    if let Some(Command::Fingerprint(inner)) = &args.command {
        return print_fingerprint(inner, invocation);
    }
    let project = invocation.project_for(&args.target)?;
    let promise = Promise::of(&project)?;
    let server = invocation.server(&args.target, &project)?;
    let engines: BTreeSet<EngineWord> = args.engine.iter().copied().collect();
    let scratch = match &args.scratch_url {
        Some(url) => Server::from_url(url, "--scratch-url")?,
        None => server.clone(),
    };
    let run = Run {
        server,
        scratch,
        project: &project,
        promise: &promise,
        engines,
    };
    let report = invocation.block_on(run.examine(args))?;
    let failing = report.failing();
    invocation.ui.answer(tell::render(&report, args.output));
    Ok(if failing > 0 {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// One run: where, what, and against which promise.
struct Run<'a> {
    server: Server,
    scratch: Server,
    project: &'a Project,
    promise: &'a Promise,
    engines: BTreeSet<EngineWord>,
}

impl Run<'_> {
    fn scene<'s>(&'s self, posture: &'s Posture) -> Scene<'s> {
        Scene::new(
            posture,
            &self.promise.access,
            &self.project.manifest,
            self.promise.ontology.as_ref(),
        )
    }

    async fn examine(&self, args: &Args) -> Result<tell::Report> {
        let question = self.promise.question(self.project);
        let (mut connection, identity) = session::open(&self.server, "edu db rls").await?;
        let posture = rls::posture(&mut connection, &question).await?;
        let scene = self.scene(&posture);
        let mut report = tell::Report::new(&posture, &self.promise.access);
        if self.engines.contains(&EngineWord::Static) {
            report.add(Engine::Static, check::ALL.len(), check::run(&scene));
        }
        if self.engines.contains(&EngineWord::Proof) {
            let judged = proof::judge(&scene);
            report.add(
                Engine::Proof,
                judged.len(),
                proof::findings(&scene, &judged),
            );
        }
        if self.engines.contains(&EngineWord::Probe) {
            let probed = match args.here {
                true => {
                    self.attempt(&mut connection, &scene, identity.superuser, true)
                        .await?
                }
                false => self.on_scratch(&question, &posture).await?,
            };
            report.add(Engine::Probe, probed.attempts, probed.findings);
            report.note(probed.notes);
        }
        if !args.table.is_empty() {
            report.keep(|finding: &Finding| {
                args.table
                    .iter()
                    .any(|table| finding.object.starts_with(table.as_str()))
            });
        }
        Ok(report)
    }

    async fn attempt(
        &self,
        connection: &mut PgConnection,
        scene: &Scene<'_>,
        superuser: bool,
        in_use: bool,
    ) -> Result<Probed> {
        let run = uuid::Uuid::new_v4().to_string();
        rls::probe(
            connection,
            scene,
            &Manner {
                in_use,
                superuser,
                run,
            },
        )
        .await
    }

    /// Attempts on a scratch database; they count for the database itself where its posture is the same.
    async fn on_scratch(&self, question: &Question, live: &Posture) -> Result<Probed> {
        let scratch = Scratch::build(&self.scratch, self.project).await?;
        let probed = self.on(&scratch.server, question, live).await;
        scratch.end().await;
        probed
    }

    async fn on(&self, scratch: &Server, question: &Question, live: &Posture) -> Result<Probed> {
        let (mut connection, identity) = session::open(scratch, "edu db rls").await?;
        let posture = rls::posture(&mut connection, question).await?;
        let scene = self.scene(&posture);
        let mut probed = self
            .attempt(&mut connection, &scene, identity.superuser, false)
            .await?;
        let (here, there) = (fingerprint::lines(live), fingerprint::lines(&posture));
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these
                .iter()
                .filter(|line| those.binary_search(line).is_err())
                .take(5)
                .cloned()
                .collect()
        };
        for (place, lines) in [
            ("the database alone", only(&here, &there)),
            ("the migrations alone", only(&there, &here)),
        ] {
            for line in lines {
                let message = format!(
                    "{place} has: {line}; attempts on a database built from the migrations do not speak for this one"
                );
                probed.findings.push(Finding::new(
                    Engine::Probe,
                    Severity::Error,
                    "posture-differs",
                    &live.database,
                    message,
                ));
            }
        }
        Ok(probed)
    }
}

fn print_fingerprint(args: &FingerprintArgs, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let promise = Promise::of(&project)?;
    let server = invocation.server(&args.target, &project)?;
    let posture: Posture = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db rls fingerprint").await?;
        rls::posture(&mut connection, &promise.question(&project)).await
    })?;
    match args.lines {
        true => invocation
            .ui
            .answer(fingerprint::lines(&posture).join("\n")),
        false => invocation.ui.answer(fingerprint::fingerprint(&posture)),
    }
    Ok(Exit::Done)
}
