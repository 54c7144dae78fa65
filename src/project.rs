//! Finding the project and reading its files: a folder with an `edu.toml`, or the project that is
//! built into the binary.
//!
//! Only the places that the project form knows are read, every file once. Links that lead out of
//! the folder, and things that are no regular text files, are refused by name.

use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::failure::{Failure, Result};
use crate::spec::access::Access;
use crate::spec::concurrent;
use crate::spec::document::Document;
use crate::spec::fixture::Fixture;
use crate::spec::manifest::{Image, Manifest};
use crate::spec::migration::{self, Migration};
use crate::spec::ontology::Ontology;
use crate::spec::query::{self, Query};
use crate::spec::seed::Seed;
use crate::spec::vectors::VectorSpec;

mod options;

use options::place;

/// The file that makes a folder a project.
pub const MANIFEST: &str = "edu.toml";

/// No project file may be larger. Units: bytes.
/// The largest file of data. Units: bytes.
const DATA_SIZE_MAX: u64 = 512 << 20;

const FILE_SIZE_MAX: u64 = 64 * 1024 * 1024;

static EMBEDDED_MANIFEST: &str = include_str!("../edu.toml");
static EMBEDDED_DOCKERFILE: &str = include_str!("../Dockerfile.postgres-age");
static EMBEDDED: [(&str, Dir<'_>); 4] = [
    ("migrations", include_dir!("$CARGO_MANIFEST_DIR/migrations")),
    ("spec", include_dir!("$CARGO_MANIFEST_DIR/spec")),
    ("graph", include_dir!("$CARGO_MANIFEST_DIR/graph")),
    ("seeds", include_dir!("$CARGO_MANIFEST_DIR/seeds")),
];

/// Where a project's files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A folder, as an absolute path.
    Folder(PathBuf),
    /// The binary itself.
    Embedded,
}

/// A project: its manifest, and its files as texts.
#[derive(Debug, Clone)]
pub struct Project {
    /// Where the files come from.
    pub origin: Origin,
    /// The content of `edu.toml`.
    pub manifest: Manifest,
    /// All other files, by their place; those of an option that is on among them.
    pub documents: Vec<Document>,
    /// The files of the options that are off.
    off: Vec<Document>,
}

/// The text that an image is built from.
#[derive(Debug, Clone)]
pub struct Dockerfile {
    /// Its path and text.
    pub document: Document,
    /// Whether it is a file in the project's folder, and not the one that is built into the binary.
    pub in_folder: bool,
}

/// A project's folder and its `edu.toml`, without its other files: enough for what concerns the
/// server, which must work while those are being edited.
#[derive(Debug, Clone)]
pub struct Home {
    /// The folder, as an absolute path without links.
    pub root: PathBuf,
    /// The content of `edu.toml`.
    pub manifest: Manifest,
}

impl Home {
    /// The project in `folder` or, without one, in the nearest folder upwards from `here`.
    ///
    /// Returns nothing when no folder was asked for and none has an `edu.toml`.
    ///
    /// # Errors
    /// Exit 2 when `folder` is no project, or its `edu.toml` is wrong.
    pub fn find(folder: Option<&Path>, here: &Path) -> Result<Option<Self>> {
        let root = match folder {
            Some(folder) => Some(named_folder(folder, here)?),
            None => here
                .ancestors()
                .find(|dir| dir.join(MANIFEST).is_file())
                .map(Path::to_owned),
        };
        root.map(|root| Self::read(&root)).transpose()
    }

    /// The project in the folder `root`.
    ///
    /// # Errors
    /// Exit 2 when its `edu.toml` cannot be read or is wrong.
    pub fn read(root: &Path) -> Result<Self> {
        let root = root
            .canonicalize()
            .map_err(|e| Failure::io(format!("enter \"{}\"", root.display()), &e))?;
        let manifest = Manifest::read(&read(&root, &root.join(MANIFEST))?)?;
        Ok(Self { root, manifest })
    }
}

impl Project {
    /// Reads the files of the project at `home`.
    ///
    /// # Errors
    /// Exit 2 with the file that cannot be read, or the place in it that is wrong.
    pub fn load(home: Home) -> Result<Self> {
        let Home { root, manifest } = home;
        let mut documents = Vec::new();
        for (folder, _) in &EMBEDDED {
            let folder = root.join(folder);
            if folder.is_dir() {
                walk(&root, &folder, &mut documents)?;
            }
        }
        let options = options::read(&root, &manifest.options)?;
        Ok(Self {
            origin: Origin::Folder(root),
            manifest,
            documents: options::laid_over(documents, options.on),
            off: options.off,
        })
    }

    /// The project that is built into the binary.
    ///
    /// # Errors
    /// None in a released binary: its files are checked by the tests.
    pub fn embedded() -> Result<Self> {
        let text = normalise(EMBEDDED_MANIFEST.to_owned());
        let manifest = Manifest::read(&Document {
            path: MANIFEST.to_owned(),
            text,
        })?;
        let mut documents = Vec::new();
        for (prefix, dir) in &EMBEDDED {
            collect(prefix, dir, &mut documents);
        }
        documents.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            origin: Origin::Embedded,
            manifest,
            documents,
            off: Vec::new(),
        })
    }

    /// The files directly or deeper under `folder` that end in `.ending`, sorted by their place.
    pub fn files(&self, folder: &str, ending: &str) -> Vec<Document> {
        among(&self.documents, folder, ending).cloned().collect()
    }

    /// The file at `path`, if the project has it.
    pub fn file(&self, path: &str) -> Option<&Document> {
        self.documents
            .iter()
            .find(|document| place(&document.path) == path)
    }

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
                text: normalise(EMBEDDED_DOCKERFILE.to_owned()),
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
                let file = EMBEDDED.iter().find_map(|(folder, dir)| {
                    let within = path.strip_prefix(folder)?.strip_prefix('/')?;
                    dir.get_file(within)
                });
                return file.map(|file| file.contents().to_vec()).ok_or_else(|| {
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

    /// Where the project is, in words.
    pub fn place(&self) -> String {
        match &self.origin {
            Origin::Folder(folder) => folder.display().to_string(),
            Origin::Embedded => "built into this binary".to_owned(),
        }
    }
}

/// The files that stand under `folder` and end in `.ending`.
fn among<'a>(
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

fn named_folder(folder: &Path, here: &Path) -> Result<PathBuf> {
    let root = here.join(folder);
    if root.join(MANIFEST).is_file() {
        return Ok(root);
    }
    let what = if root.is_dir() {
        "has no edu.toml"
    } else {
        "is not a folder"
    };
    Err(Failure::usage(format!("\"{}\" {what}", folder.display()))
        .hint("Give the folder that holds the project's edu.toml."))
}

fn walk(root: &Path, folder: &Path, documents: &mut Vec<Document>) -> Result<()> {
    let failed =
        |e: &std::io::Error| Failure::io(format!("read the folder \"{}\"", shown(root, folder)), e);
    let entries: std::io::Result<Vec<_>> = fs::read_dir(folder).map_err(|e| failed(&e))?.collect();
    for entry in entries.map_err(|e| failed(&e))? {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let is_text = matches!(
            path.extension().and_then(|e| e.to_str()),
            Some("sql" | "toml" | "cypher" | "json")
        );
        if path.is_dir() && !is_text {
            walk(root, &path, documents)?;
        } else if is_text {
            documents.push(read(root, &path)?);
        }
    }
    Ok(())
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

fn read(root: &Path, path: &Path) -> Result<Document> {
    let name = shown(root, path);
    let failed = |e: &std::io::Error| Failure::io(format!("read \"{name}\""), e);
    let real = path.canonicalize().map_err(|e| failed(&e))?;
    if !real.starts_with(root) {
        return Err(Failure::usage(format!(
            "\"{name}\" is a link that leads out of the project"
        ))
        .detail(format!("It leads to \"{}\".", real.display()))
        .hint("Replace the link with the file itself."));
    }
    let meta = real.metadata().map_err(|e| failed(&e))?;
    if !meta.is_file() {
        return Err(Failure::usage(format!("\"{name}\" is not a regular file"))
            .hint("Remove it, or give it a name that does not end like a project file."));
    }
    if meta.len() > FILE_SIZE_MAX {
        return Err(Failure::usage(format!(
            "\"{name}\" is larger than {} MiB",
            FILE_SIZE_MAX >> 20
        )));
    }
    let bytes = fs::read(&real).map_err(|e| failed(&e))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1;
        Failure::usage(format!("\"{name}\" is not UTF-8 text (line {line})"))
            .hint("Save the file as UTF-8.")
    })?;
    if let Some(at) = text.find('\0') {
        let line = text[..at].matches('\n').count() + 1;
        return Err(Failure::usage(format!(
            "\"{name}\" holds a NUL byte (line {line})"
        )));
    }
    Ok(Document {
        path: name,
        text: normalise(text),
    })
}

/// Without a byte order mark, and with LF line ends: the bytes that checksums and the server see.
fn normalise(text: String) -> String {
    let text = text
        .strip_prefix('\u{feff}')
        .map_or(text.clone(), str::to_owned);
    if text.contains('\r') {
        text.replace("\r\n", "\n")
    } else {
        text
    }
}

fn collect(prefix: &str, dir: &Dir<'_>, documents: &mut Vec<Document>) {
    for file in dir.files() {
        if let Some(text) = file.contents_utf8() {
            let path = format!("{prefix}/{}", file.path().to_string_lossy());
            documents.push(Document {
                path,
                text: normalise(text.to_owned()),
            });
        }
    }
    for dir in dir.dirs() {
        collect(prefix, dir, documents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(MANIFEST), "name = \"shop\"\n").unwrap();
        for (path, bytes) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        dir
    }

    #[test]
    fn the_nearest_manifest_upwards_makes_the_project() {
        let dir = project(&[("migrations/V1__a.sql", b"SELECT 1;")]);
        let found = Home::find(None, &dir.path().join("migrations"))
            .unwrap()
            .unwrap();
        let found = Project::load(found).unwrap();
        assert_eq!(found.manifest.name, "shop");
        assert_eq!(found.files("migrations", "sql").len(), 1);
    }

    #[test]
    fn a_folder_without_a_manifest_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let failure = Home::find(Some(dir.path()), dir.path()).unwrap_err();
        assert!(failure.error.contains("has no edu.toml"));
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_do_not_change_the_text() {
        let dir = project(&[("spec/a.sql", b"\xef\xbb\xbfSELECT\r\n1;")]);
        let found = Home::read(dir.path()).and_then(Project::load).unwrap();
        assert_eq!(found.file("spec/a.sql").unwrap().text, "SELECT\n1;");
    }

    #[test]
    fn a_link_out_of_the_project_is_refused() {
        let dir = project(&[]);
        fs::create_dir(dir.path().join("migrations")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("migrations/V1__a.sql")).unwrap();
        let failure = Home::read(dir.path()).and_then(Project::load).unwrap_err();
        assert!(failure.error.contains("leads out of the project"));
    }

    #[test]
    fn what_is_not_a_text_file_is_refused_by_name_and_line() {
        let binary = project(&[("migrations/V1__a.sql", b"a\nb\xff")]);
        assert!(
            Home::read(binary.path())
                .and_then(Project::load)
                .unwrap_err()
                .error
                .contains("not UTF-8 text (line 2)")
        );
        let nul = project(&[("migrations/V1__a.sql", b"a\n\n\0")]);
        assert!(
            Home::read(nul.path())
                .and_then(Project::load)
                .unwrap_err()
                .error
                .contains("NUL byte (line 3)")
        );
        let pipe = project(&[("migrations/V1__a.sql", b"SELECT 1;")]);
        let path = pipe.path().join("migrations/V2__b.sql");
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(
            Home::read(pipe.path())
                .and_then(Project::load)
                .unwrap_err()
                .error
                .contains("not a regular file")
        );
        let folder = project(&[("migrations/V1__a.sql/x.txt", b"")]);
        assert!(
            Home::read(folder.path())
                .and_then(Project::load)
                .unwrap_err()
                .error
                .contains("not a regular file")
        );
    }
}
