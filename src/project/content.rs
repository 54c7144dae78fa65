//! What a project's files say, read as what each of them is.

use std::fs;

use super::files::read;
use super::options::place;
use super::{Dockerfile, Origin, Project, embedded};
use crate::failure::{Failure, Result};
use crate::spec::access::Access;
use crate::spec::concurrent;
use crate::spec::document::Document;
use crate::spec::fixture::Fixture;
use crate::spec::manifest::Image;
use crate::spec::migration::{self, Migration};
use crate::spec::ontology::Ontology;
use crate::spec::query::{self, Query};
use crate::spec::seed::Seed;
use crate::spec::vectors::VectorSpec;

/// The largest file of data. Units: bytes.
const DATA_SIZE_MAX: u64 = 512 << 20;

impl Project {
    /// The image's Dockerfile: the project's, or the one that is built into the binary where the
    /// project names none.
    ///
    /// # Errors
    /// Exit 2 when the file that edu.toml names cannot be read.
    pub fn dockerfile(&self) -> Result<Dockerfile> {
        let path = &self.manifest.image.dockerfile;
        if let Origin::Folder(root) = &self.origin {
            let file = root.join(path);
            if file.exists() || *path != Image::default().dockerfile {
                let document = read(root, &file)?;
                return Ok(Dockerfile {
                    document,
                    in_folder: true,
                });
            }
        }
        Ok(Dockerfile {
            document: Document {
                path: path.clone(),
                text: embedded::dockerfile(),
            },
            in_folder: false,
        })
    }

    /// The migrations, by version.
    ///
    /// # Errors
    /// Exit 2 with the file and place that is wrong.
    pub fn migrations(&self) -> Result<Vec<Migration>> {
        self.checked(&self.files("migrations", "sql"))
    }

    /// The migrations that a database may have, by version: those of the options that are off as well,
    /// which are undone before they are gone.
    ///
    /// # Errors
    /// As [`Self::migrations`].
    pub fn migrations_to_undo(&self) -> Result<Vec<Migration>> {
        let mut files = self.files("migrations", "sql");
        files.extend(among(&self.off, "migrations", "sql").cloned());
        self.checked(&files)
    }

    fn checked(&self, files: &[Document]) -> Result<Vec<Migration>> {
        let migrations = migration::migrations(files)?;
        if let Some(graph) = &self.manifest.graph {
            for file in migrations
                .iter()
                .flat_map(|one| std::iter::once(&one.up).chain(&one.down))
            {
                concurrent::refuse_on_graph(&graph.name, &file.document, &file.script)?;
            }
        }
        Ok(migrations)
    }

    /// The graph's ontology, if the project has one.
    ///
    /// # Errors
    /// Exit 2 with the place that is wrong, or when `edu.toml` names another graph.
    pub fn ontology(&self) -> Result<Option<Ontology>> {
        let Some(file) = self.file("graph/ontology.toml") else {
            return Ok(None);
        };
        let ontology = Ontology::read(file)?;
        match &self.manifest.graph {
            Some(graph) if graph.name != ontology.graph => Err(Failure::usage(format!(
                "graph/ontology.toml is about graph \"{}\", edu.toml about \"{}\"",
                ontology.graph, graph.name
            ))
            .hint("Give both the same name.")),
            _ => Ok(Some(ontology)),
        }
    }

    /// The graph's declared queries, checked against its ontology.
    ///
    /// # Errors
    /// Exit 2 with the file and place that is wrong.
    pub fn queries(&self, ontology: &Ontology) -> Result<Vec<Query>> {
        let files: Vec<Document> = self
            .documents
            .iter()
            .filter(|document| place(&document.path).starts_with("graph/queries/"))
            .cloned()
            .collect();
        let queries = query::queries(&files)?;
        query::check_against(&queries, ontology)?;
        Ok(queries)
    }

    /// What the declared queries return over a few vertices and edges.
    ///
    /// # Errors
    /// Exit 2 with the file and place that is wrong.
    pub fn fixtures(&self, ontology: &Ontology, queries: &[Query]) -> Result<Vec<Fixture>> {
        let files = self.files("graph/fixtures", "toml");
        let read = |file| Fixture::read(file, ontology, queries);
        files.iter().map(read).collect()
    }

    /// The vector indexes; none when the project declares none.
    ///
    /// # Errors
    /// Exit 2 with the place that is wrong.
    pub fn vectors(&self) -> Result<VectorSpec> {
        let file = self.file("spec/vectors.toml");
        let vectors = file.map(VectorSpec::read).transpose()?.unwrap_or_default();
        if let Some(graph) = &self.manifest.graph
            && let Some(index) = vectors
                .indexes
                .iter()
                .find(|index| index.table.schema == graph.name)
        {
            let name = index.name.to_string();
            let failure = Failure::usage(concurrent::refused(&name, &graph.name));
            return Err(concurrent::refusal(failure));
        }
        Ok(vectors)
    }

    /// The rows of a seed profile; nothing when it has no files.
    ///
    /// # Errors
    /// Exit 2 with the place that is wrong.
    pub fn seed(&self, profile: &str) -> Result<Option<Seed>> {
        let files = self.files(&format!("seeds/{profile}"), "toml");
        if files.is_empty() {
            Ok(None)
        } else {
            let mut seed = Seed::read(&files)?;
            seed.fetch(|path| self.bytes(path))?;
            Ok(Some(seed))
        }
    }

    /// The bytes of a file of data: of an array that seed rows take numbers from.
    ///
    /// # Errors
    /// Exit 2 when there is no such file in the project, or it is larger than [`DATA_SIZE_MAX`].
    pub fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let failed = |e: &std::io::Error| Failure::io(format!("read \"{path}\""), e);
        let root = match &self.origin {
            Origin::Folder(root) => root,
            Origin::Embedded => {
                return embedded::bytes(path).ok_or_else(|| {
                    Failure::usage(format!("\"{path}\" is not built into this binary"))
                });
            }
        };
        let real = root.join(path).canonicalize().map_err(|e| failed(&e))?;
        if !real.starts_with(root) {
            return Err(Failure::usage(format!(
                "\"{path}\" leads out of the project"
            )));
        }
        let meta = real.metadata().map_err(|e| failed(&e))?;
        if !meta.is_file() || meta.len() > DATA_SIZE_MAX {
            return Err(Failure::usage(format!(
                "\"{path}\" is no file, or larger than {} MiB",
                DATA_SIZE_MAX >> 20
            )));
        }
        fs::read(&real).map_err(|e| failed(&e))
    }

    /// Who may do what, if the project says it.
    ///
    /// # Errors
    /// Exit 2 with the place that is wrong.
    pub fn access(&self) -> Result<Option<Access>> {
        self.file("spec/access.toml").map(Access::read).transpose()
    }
}

/// The files that stand under `folder` and end in `.ending`.
pub(super) fn among<'a>(
    documents: &'a [Document],
    folder: &str,
    ending: &str,
) -> impl Iterator<Item = &'a Document> {
    let (prefix, suffix) = (format!("{folder}/"), format!(".{ending}"));
    documents.iter().filter(move |document| {
        let path = place(&document.path);
        path.starts_with(&prefix) && path.ends_with(&suffix)
    })
}
