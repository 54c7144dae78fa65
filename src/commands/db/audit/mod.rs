//! What `edu db verify` says, and the end of `edu up` in short: whether a database is what the project's
//! files say, in all their parts, as one report.
//!
//! Each part is judged by what the command of its own uses: the catalog's reader and comparison, the
//! graph's, the vector indexes', the isolation's. Nothing is written to the database that is judged.

mod accepted;
mod catalog;
mod graph;
mod isolation;
mod vectors;

use std::collections::BTreeSet;

use super::expected::{self, Sources};
use super::{Invocation, findings};
use crate::catalog::snapshot::Snapshot;
use crate::failure::{Exit, Failure, Result};
use crate::finding::{Finding, Findings};
use crate::pg::Server;
use crate::project::Project;

/// What is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Part {
    /// Every object, against spec/, graph/ and edu.toml.
    Catalog,
    /// The graph, against graph/ontology.toml, and its queries.
    Graph,
    /// The vector indexes, against spec/vectors.toml.
    Vectors,
    /// Who reaches which row, against spec/access.toml.
    Isolation,
}

impl Part {
    /// Every part, in the order of the report.
    pub const ALL: [Self; 4] = [Self::Catalog, Self::Graph, Self::Vectors, Self::Isolation];

    /// The command that is about this part alone.
    const fn command(self) -> &'static str {
        match self {
            Self::Catalog => "edu db verify",
            Self::Graph => "edu db graph verify",
            Self::Vectors => "edu db index status",
            Self::Isolation => "edu db rls",
        }
    }

    /// The part's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Graph => "graph",
            Self::Vectors => "vectors",
            Self::Isolation => "isolation",
        }
    }
}

/// How far it goes.
#[derive(Debug, Clone, Copy)]
pub enum Depth<'a> {
    /// What can be judged without a scratch server; the rest is said.
    Quick,
    /// Everything.
    Whole(Whole<'a>),
}

/// What a whole run is told.
#[derive(Debug, Clone, Copy)]
pub struct Whole<'a> {
    /// Nothing that is committed counts.
    pub fresh: bool,
    /// Where scratch databases are made.
    pub scratch_url: Option<&'a str>,
    /// What has no model fails.
    pub strict_coverage: bool,
}

/// One database beside one project.
pub struct Audit<'a> {
    /// Printer and environment.
    pub invocation: &'a Invocation,
    /// The project.
    pub project: &'a Project,
    /// The database.
    pub server: &'a Server,
    /// What is judged.
    pub parts: BTreeSet<Part>,
    /// How far it goes.
    pub depth: Depth<'a>,
}

/// What came out.
pub struct Verdict {
    /// Findings and notes.
    pub report: Findings,
    /// 0, 3, or 4 where history and files contradict each other.
    pub exit: Exit,
    /// What was judged.
    pub judged: Vec<Part>,
    /// What was left out for want of time, in a few words each.
    pub left: Vec<String>,
}

/// A finding, and what an acceptance calls the thing that differs about its object.
struct Told {
    part: Part,
    finding: Finding,
    facet: String,
}

impl Told {
    /// One whose code is its facet.
    fn by_code(part: Part, finding: Finding) -> Self {
        let facet = finding.code.clone();
        Self {
            part,
            finding,
            facet,
        }
    }

    /// Whether it lies at an object that differs from the spec, and so follows from the difference.
    fn follows(&self, differing: &[Finding]) -> bool {
        let own = &self.finding;
        let any = |fits: &dyn Fn(&Finding) -> bool| differing.iter().any(fits);
        match self.part {
            Part::Catalog => false,
            Part::Graph => any(&|other| other.group == own.group),
            Part::Vectors => any(&|other| other.object == own.object),
            // What changed may be why an exception silences nothing.
            Part::Isolation
                if [isolation::POSTURE_DIFFERS, "exception-unused"]
                    .contains(&own.code.as_str()) =>
            {
                !differing.is_empty()
            }
            Part::Isolation => {
                // Not all of its findings quote names.
                let object = own.object.replace('"', "");
                any(&|other| object.contains(&other.group.replace('"', "")))
            }
        }
    }
}

/// A run under way.
struct Run<'a> {
    audit: &'a Audit<'a>,
    sources: Sources,
    verdict: Verdict,
    told: Vec<Told>,
    /// Whether everything that is wanted should be there by now.
    complete: bool,
    committed: Option<Snapshot>,
}

impl Audit<'_> {
    /// Judges every part that was asked for and that the project has.
    ///
    /// # Errors
    /// Exit 7 when a server cannot be reached; those of the project's files, with the place.
    pub fn run(&self) -> Result<Verdict> {
        let report = Findings {
            command: "edu db verify".to_owned(),
            target: format!("database {}", self.server.database()),
            ..Findings::default()
        };
        let sources = Sources::load(self.project)?;
        let verdict = Verdict {
            report,
            exit: Exit::Done,
            judged: Vec::new(),
            left: Vec::new(),
        };
        let mut run = Run {
            audit: self,
            committed: expected::snapshot(self.project, &sources)?,
            sources,
            verdict,
            told: Vec::new(),
            complete: true,
        };
        run.judge()?;
        Ok(run.verdict)
    }
}

impl Run<'_> {
    fn judge(&mut self) -> Result<()> {
        let live = match self.wants(Part::Catalog) {
            true => Some(self.catalog()?),
            false => None,
        };
        let mut absent = Vec::new();
        for part in [Part::Graph, Part::Vectors, Part::Isolation] {
            if !self.wants(part) {
                continue;
            }
            let there = match part {
                Part::Graph => self.graph()?,
                Part::Vectors => self.vectors()?,
                _ => self.isolation()?,
            };
            if !there {
                absent.push(part.as_str());
            }
        }
        if !absent.is_empty() {
            let note = format!("not in this project: {}", absent.join(", "));
            self.verdict.report.notes.push(note);
        }
        self.settle_accepted();
        if let Some(live) = live {
            self.tell_of_live(&live);
        }
        let report = &mut self.verdict.report;
        report.findings.sort_by_key(|finding| finding.level);
        if self.verdict.exit == Exit::Done && report.failing() > 0 {
            self.verdict.exit = Exit::Drift;
        }
        Ok(())
    }

    fn wants(&self, part: Part) -> bool {
        self.audit.parts.contains(&part)
    }

    fn note(&mut self, text: impl Into<String>) {
        self.verdict.report.notes.push(text.into());
    }

    /// Whether `part` can be judged at all yet. Says so where not.
    fn ready(&mut self, part: Part) -> bool {
        if self.complete {
            self.verdict.judged.push(part);
        } else {
            let word = part.as_str();
            self.note(format!("{word}: judged when no migration is pending"));
        }
        self.complete
    }

    /// What the role may not see is a note. Anything else stays a failure.
    fn unseen<T>(&mut self, part: Part, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(failure) if failure.exit == Exit::Refused => {
                self.note(format!("not seen: {}: {}", part.as_str(), in_one(&failure)));
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// A failure as one sentence.
fn in_one(failure: &Failure) -> String {
    let mut text = failure.error.clone();
    for detail in &failure.detail {
        text.push_str("; ");
        text.push_str(detail.trim_end_matches('.'));
    }
    text
}

/// "1 query", "3 queries".
fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
