//! One run: every engine on one database.

use std::collections::BTreeSet;

use super::super::isolation::{Promise, attempts};
use super::scratch::Scratch;
use super::{Args, EngineWord, tell};
use crate::failure::Result;
use crate::pg::rls::Probed;
use crate::pg::rls::read::Question;
use crate::pg::{Server, rls, session};
use crate::posture::finding::{Engine, Finding, Severity};
use crate::posture::scene::Scene;
use crate::posture::{Posture, fingerprint};
use crate::project::Project;
use crate::{check, proof};

/// One run: where, what, and against which promise.
pub(super) struct Run<'a> {
    pub(super) server: Server,
    pub(super) scratch: Server,
    pub(super) project: &'a Project,
    pub(super) promise: &'a Promise,
    pub(super) engines: BTreeSet<EngineWord>,
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

    pub(super) async fn examine(&self, args: &Args) -> Result<tell::Report> {
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
                true => attempts(&mut connection, &scene, identity.superuser, true).await?,
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
        let mut probed = attempts(&mut connection, &scene, identity.superuser, false).await?;
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
