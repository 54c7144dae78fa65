//! What `rls`, `verify` and `snapshot` share: what a project promises about isolation, and the attempts
//! to break the promise.

use sqlx::postgres::PgConnection;

use super::expected::{ScratchServer, Sources};
use crate::catalog::snapshot::Isolation;
use crate::failure::{Failure, Result};
use crate::finding::{self, Level};
use crate::pg::rls::read::Question;
use crate::pg::rls::{self, Manner, Probed};
use crate::pg::scratch::{self, From};
use crate::pg::session;
use crate::posture::Posture;
use crate::posture::finding::{Finding, Severity};
use crate::posture::fingerprint::fingerprint;
use crate::posture::scene::{Scene, subjects};
use crate::progress::{Progress, Report};
use crate::project::Project;
use crate::spec::access::Access;
use crate::spec::document::Document;
use crate::spec::ontology::Ontology;
use crate::sql::fingerprint::checksum;

/// Where the promise stands.
const ACCESS: &str = "spec/access.toml";

/// What the project promises about isolation.
pub(super) struct Promise {
    /// `spec/access.toml`.
    pub(super) access: Access,
    /// `graph/ontology.toml`.
    pub(super) ontology: Option<Ontology>,
}

impl Promise {
    /// The promise, if the project makes one.
    pub(super) fn of(project: &Project) -> Result<Option<Self>> {
        let Some(file) = project.file(ACCESS) else {
            return Ok(None);
        };
        let access = Access::read(file)?;
        members_or_setting(project, file, &access)?;
        Ok(Some(Self {
            access,
            ontology: project.ontology()?,
        }))
    }

    /// The promise, for a command that is about nothing else.
    pub(super) fn needed(project: &Project) -> Result<Self> {
        Self::of(project)?.ok_or_else(|| {
            Failure::usage(format!("the project has no {ACCESS}"))
                .detail("It says who may do what; row-level security is judged against it.")
                .hint("Propose one from a database: edu db rls init")
        })
    }

    pub(super) fn question(&self, project: &Project) -> Question {
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

    pub(super) fn scene<'s>(&'s self, posture: &'s Posture, project: &Project) -> Scene<'s> {
        Scene::new(
            posture,
            &self.access,
            &project.manifest,
            self.ontology.as_ref(),
        )
    }
}

/// One thing says which tenant a session has: a setting, or the members' table.
fn members_or_setting(project: &Project, file: &Document, access: &Access) -> Result<()> {
    let (Some(membership), context) = (&access.membership, &project.manifest.context) else {
        return Ok(());
    };
    let place = membership.span.clone();
    if context.tenant.is_some() {
        let error = "both a setting and a table of members say which tenant a session has";
        return Err(file
            .failure(place, error)
            .hint("Take context.tenant out of edu.toml, or [membership] out of this file."));
    }
    match context.user {
        Some(_) => Ok(()),
        None => Err(file
            .failure(
                place,
                "members are looked up by the session's user, and edu.toml names no setting for it",
            )
            .hint("Add to edu.toml: [context] user = \"app.user_id\"")),
    }
}

/// The checksum of everything that attempts are made from beside the database. Another release of edu
/// attempts other things.
pub(super) fn promise_hash(project: &Project) -> String {
    let manifest = &project.manifest;
    let text = |path| project.file(path).map_or("", |file| file.text.as_str());
    let parts = [
        env!("CARGO_PKG_VERSION"),
        text(ACCESS),
        text("graph/ontology.toml"),
        &format!("{:?} {:?}", manifest.roles, manifest.context),
    ];
    checksum(&parts.join("\n"))
}

/// Makes every attempt, in transactions that are rolled back.
///
/// # Errors
/// See [`rls::probe`].
pub(super) async fn attempts(
    connection: &mut PgConnection,
    scene: &Scene<'_>,
    superuser: bool,
    in_use: bool,
) -> Result<Probed> {
    let run = uuid::Uuid::new_v4().to_string();
    let manner = Manner {
        in_use,
        superuser,
        run,
    };
    let mut probed = rls::probe(connection, scene, &manner).await?;
    if superuser {
        let more = rls::helper::probe(connection, scene, &manner.run).await?;
        probed.attempts += more.attempts;
        probed.findings.extend(more.findings);
        probed.notes.extend(more.notes);
    } else {
        probed.notes.push("not a superuser: attempts were made by SET ROLE alone, so ways back out of the role were not tried".to_owned());
    }
    Ok(probed)
}

/// A finding in the shape that every command's reports have.
pub(super) fn shared(one: &Finding) -> finding::Finding {
    finding::Finding {
        code: one.id.to_owned(),
        level: match one.severity {
            Severity::Error => Level::Critical,
            Severity::Warning => Level::Error,
            Severity::Info => Level::Note,
        },
        group: one.object.clone(),
        object: one.object.clone(),
        message: one.message.clone(),
        consequence: String::new(),
        hint: one.reproduce.as_ref().map(|sql| format!("See it: {sql}")),
        repair: one.fix.clone(),
        path: Some(ACCESS.to_owned()),
        place: None,
    }
}

/// What attempts on a scratch database showed.
pub(super) struct Attempted {
    /// What a later run can rely on where nothing was found.
    pub isolation: Isolation,
    /// What was found. Shape: without what is only to know.
    pub findings: Vec<Finding>,
}

/// Makes the attempts on a scratch database that is built from the migrations and dropped again; where
/// `known` are attempts on the same posture for the same promise, takes those.
///
/// # Errors
/// Those of the migrations, and of [`rls::probe`].
pub(super) async fn attempted(
    scratch: &ScratchServer,
    project: &Project,
    sources: &Sources,
    promise: &Promise,
    known: Option<&Isolation>,
    report: Report<'_>,
) -> Result<Attempted> {
    let wanted = sources.wanted(project);
    let from = From::Migrations(None);
    scratch::within(&scratch.server, &wanted, from, report, async |server| {
        let (mut connection, identity) = session::open(server, "edu scratch").await?;
        let posture = rls::posture(&mut connection, &promise.question(project)).await?;
        let (posture_hash, promise_hash) = (fingerprint(&posture), promise_hash(project));
        let fits = |one: &&Isolation| one.posture == posture_hash && one.promise == promise_hash;
        if let Some(known) = known.filter(fits) {
            return Ok(Attempted {
                isolation: known.clone(),
                findings: Vec::new(),
            });
        }
        report(Progress::stage("attempting to reach foreign rows"));
        let scene = promise.scene(&posture, project);
        let mut probed = attempts(&mut connection, &scene, identity.superuser, false).await?;
        report(Progress::Done);
        probed
            .findings
            .retain(|finding| finding.severity != Severity::Info);
        Ok(Attempted {
            isolation: Isolation {
                posture: posture_hash,
                promise: promise_hash,
                attempts: probed.attempts,
            },
            findings: probed.findings,
        })
    })
    .await
}
