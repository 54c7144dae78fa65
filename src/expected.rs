//! A project's files as the values that databases are made from and compared with, and the committed
//! catalog that they are known to give.
//!
//! Making that catalog anew is `pg::scratch`'s; which server it is made on is the caller's.

use crate::catalog::Catalog;
use crate::catalog::snapshot::Snapshot;
use crate::failure::Result;
use crate::pg::scratch::Wanted;
use crate::project::Project;
use crate::spec::document::Document;
use crate::spec::migration::Migration;
use crate::spec::ontology::Ontology;
use crate::spec::vectors::VectorSpec;
use crate::sql::fingerprint::{checksum, fingerprint};

/// Where the committed catalog stands.
pub const SNAPSHOT: &str = "spec/catalog.json";

/// A project's files, parsed.
pub struct Sources {
    /// The migrations, by version.
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

    /// Whether the spec says anything about the structure.
    pub fn has_schema(&self) -> bool {
        !self.schema.is_empty()
    }

    /// They as `pg::scratch` wants them.
    pub fn wanted<'a>(&'a self, project: &'a Project) -> Wanted<'a> {
        Wanted {
            manifest: &project.manifest,
            migrations: &self.migrations,
            schema: &self.schema,
            ontology: self.ontology.as_ref(),
            vectors: &self.vectors,
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

/// What is committed, if it is there and was made from these files.
///
/// # Errors
/// Exit 2 when it is damaged.
pub fn snapshot(project: &Project, sources: &Sources) -> Result<Option<Snapshot>> {
    let Some(file) = project.file(SNAPSHOT) else {
        return Ok(None);
    };
    Ok(Snapshot::read(&file.text)?.filter(|snapshot| snapshot.spec == sources.hash))
}

/// The committed catalog, if it is there and was made from these files for this major.
///
/// # Errors
/// Exit 2 when it is damaged.
pub fn committed(project: &Project, sources: &Sources, major: u16) -> Result<Option<Catalog>> {
    Ok(snapshot(project, sources)?
        .map(|snapshot| snapshot.catalog)
        .filter(|catalog| catalog.major == major))
}
