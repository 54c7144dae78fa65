//! What `verify`, `snapshot` and their kin share: the project's files, and the catalog they give.

use super::Invocation;
use crate::catalog::Catalog;
use crate::catalog::snapshot::Snapshot;
use crate::failure::{Failure, Result};
use crate::pg::Server;
use crate::pg::scratch::{self, From, Wanted};
use crate::progress::Report;
use crate::project::Project;
use crate::server::cluster::SUPERUSER;
use crate::server::ephemeral::Options;
use crate::server::{Ephemeral, Runtime};
use crate::spec::document::Document;
use crate::spec::migration::Migration;
use crate::spec::ontology::Ontology;
use crate::spec::vectors::VectorSpec;
use crate::sql::fingerprint::{checksum, fingerprint};

/// Where the committed catalog stands.
pub(super) const SNAPSHOT: &str = "spec/catalog.json";

/// A project's files, parsed.
pub(super) struct Sources {
    pub migrations: Vec<Migration>,
    schema: Vec<Document>,
    ontology: Option<Ontology>,
    vectors: VectorSpec,
    /// The checksum of all that makes the expected catalog.
    pub hash: String,
}

impl Sources {
    /// Parses the project's files.
    ///
    /// # Errors
    /// Exit 2 with the place that is wrong.
    pub fn load(project: &Project) -> Result<Self> {
        let migrations = project.migrations()?;
        let schema = project.files("spec/schema", "sql");
        let hash = hash(project, &migrations, &schema);
        Ok(Self {
            migrations,
            schema,
            ontology: project.ontology()?,
            vectors: project.vectors()?,
            hash,
        })
    }

    /// They as `pg::scratch` wants them.
    pub fn wanted<'a>(&'a self, project: &'a Project) -> Wanted<'a> {
        Wanted {
            manifest: &project.manifest,
            migrations: &self.migrations,
            schema: &self.schema,
            ontology: self.ontology.as_ref(),
            indexes: &self.vectors.indexes,
        }
    }
}

/// Comments and spaces in SQL do not count: they change nothing in the catalog.
fn hash(project: &Project, migrations: &[Migration], schema: &[Document]) -> String {
    let manifest = &project.manifest;
    let ranges: Vec<String> = manifest
        .extensions
        .iter()
        .map(|(name, range)| format!("{name} {range}"))
        .collect();
    let mut parts = vec![
        format!("{:?} {:?}", manifest.roles, manifest.context),
        format!("{:?}", manifest.graph.as_ref().map(|graph| &graph.name)),
        ranges.join(","),
    ];
    for document in schema {
        parts.push(format!("{} {}", document.path, fingerprint(&document.text)));
    }
    for migration in migrations.iter().filter(|m| m.needs_superuser()) {
        parts.push(migration.fingerprint());
    }
    for path in ["spec/vectors.toml", "graph/ontology.toml"] {
        parts.push(
            project
                .file(path)
                .map_or_else(String::new, |file| checksum(&file.text)),
        );
    }
    checksum(&parts.join("\n"))
}

/// A server for scratch databases, which ends with this value if it was started for them.
pub(super) struct ScratchServer {
    pub server: Server,
    _own: Option<Ephemeral>,
}

/// The server that `url` names, else one of its own with the extensions it needs: roles belong to a whole server, so the one that
/// is verified cannot say what roles the project wants.
///
/// # Errors
/// Exit 2 for what is no URL; those of installing and starting a server.
pub(super) fn scratch_server(
    invocation: &Invocation,
    needs: &[&str],
    url: Option<&str>,
    major: u16,
) -> Result<ScratchServer> {
    if let Some(url) = url {
        let server = Server::from_url(url, "--scratch-url")?;
        return Ok(ScratchServer { server, _own: None });
    }
    let report = |progress| invocation.ui.hear(progress);
    let runtime = Runtime::ensure(&invocation.environment, major, needs, &report)?;
    let edu = std::env::current_exe()
        .map_err(|error| Failure::io("find this program's own file", &error))?;
    let own = Ephemeral::start(&runtime, &edu, &Options::default())?;
    let server = Server::from_url(&own.url("postgres", SUPERUSER), "the scratch server")?;
    Ok(ScratchServer {
        server,
        _own: Some(own),
    })
}

/// The catalog that the project's files give.
///
/// # Errors
/// See [`scratch::catalog`].
pub(super) async fn build(
    scratch: &ScratchServer,
    project: &Project,
    sources: &Sources,
    from: From,
    report: Report<'_>,
) -> Result<Catalog> {
    scratch::catalog(&scratch.server, &sources.wanted(project), from, report).await
}

/// The committed catalog, if it is there and was made from these files for this major.
///
/// # Errors
/// Exit 2 when it is damaged.
pub(super) fn committed(
    project: &Project,
    sources: &Sources,
    major: u16,
) -> Result<Option<Catalog>> {
    let Some(file) = project.file(SNAPSHOT) else {
        return Ok(None);
    };
    Ok(Snapshot::read(&file.text)?
        .filter(|snapshot| snapshot.spec == sources.hash && snapshot.catalog.major == major)
        .map(|snapshot| snapshot.catalog))
}
