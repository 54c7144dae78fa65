//! Finding the project and reading its files: a folder with an `edu.toml`, or the project that is
//! built into the binary.
//!
//! Only the places that the project form knows are read, every file once. Links that lead out of
//! the folder, and things that are no regular text files, are refused by name.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::spec::document::Document;
use crate::spec::manifest::Manifest;

mod content;
mod embedded;
mod files;
mod options;

use content::among;
use files::{read, walk};
use options::place;

/// The file that makes a folder a project.
pub const MANIFEST: &str = "edu.toml";

/// The folders of a project, those of its options apart.
const PARTS: [&str; 4] = ["migrations", "spec", "graph", "seeds"];

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
        for folder in PARTS {
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
        Ok(Self {
            origin: Origin::Embedded,
            manifest: Manifest::read(&embedded::manifest())?,
            documents: embedded::documents(),
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

    /// Where the project is, in words.
    pub fn place(&self) -> String {
        match &self.origin {
            Origin::Folder(folder) => folder.display().to_string(),
            Origin::Embedded => "built into this binary".to_owned(),
        }
    }
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

#[cfg(test)]
mod tests;
