//! Parts of a project that `edu.toml` switches on or off: the folder `options/<name>` has the form of a
//! project, and its files are added where the option is on. A file that the project has too takes its place.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::files::walk;
use super::{MANIFEST, PARTS};
use crate::failure::{Failure, Result};
use crate::spec::document::Document;

/// Where the options' files are.
const FOLDER: &str = "options";

/// The files of the options that are on, and of those that are off.
pub(super) struct Options {
    pub(super) on: Vec<Document>,
    pub(super) off: Vec<Document>,
}

/// Reads the files of every option.
///
/// # Errors
/// Exit 2 for an option without a folder, a folder that is no option, and files that cannot be read.
pub(super) fn read(root: &Path, wanted: &BTreeMap<String, bool>) -> Result<Options> {
    let folder = root.join(FOLDER);
    for name in names(&folder)? {
        if !wanted.contains_key(&name) {
            return Err(Failure::usage(format!(
                "\"{FOLDER}/{name}\" belongs to no option of {MANIFEST}"
            ))
            .hint(format!("Add to {MANIFEST}: [options] {name} = false")));
        }
    }
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for (name, wanted) in wanted {
        let folder = folder.join(name);
        if !folder.is_dir() {
            return Err(
                Failure::usage(format!("option \"{name}\" of {MANIFEST} has no files"))
                    .detail(format!("Looked for the folder {FOLDER}/{name}."))
                    .hint("Create it, or take the option out."),
            );
        }
        let documents = if *wanted { &mut on } else { &mut off };
        for part in PARTS {
            let part = folder.join(part);
            if part.is_dir() {
                walk(root, &part, documents)?;
            }
        }
    }
    Ok(Options { on, off })
}

fn names(folder: &Path) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed =
        |error: &std::io::Error| Failure::io(format!("read the folder \"{FOLDER}\""), error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| failed(&e))? {
        let entry = entry.map_err(|e| failed(&e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A file's place in the project: an option's files stand where the project's own would.
pub(super) fn place(path: &str) -> &str {
    let inside = path
        .strip_prefix(FOLDER)
        .and_then(|rest| rest.strip_prefix('/')?.split_once('/'));
    inside.map_or(path, |(_, rest)| rest)
}

/// The project's files with those of the options that are on, by place.
pub(super) fn laid_over(mut documents: Vec<Document>, on: Vec<Document>) -> Vec<Document> {
    for document in on {
        documents.retain(|other| place(&other.path) != place(&document.path));
        documents.push(document);
    }
    documents.sort_by(|a, b| place(&a.path).cmp(place(&b.path)));
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(path: &str) -> Document {
        Document {
            path: path.to_owned(),
            text: String::new(),
        }
    }

    #[test]
    fn a_file_of_an_option_stands_where_the_projects_own_would() {
        assert_eq!(place("options/audit/spec/access.toml"), "spec/access.toml");
        assert_eq!(place("spec/options/a.sql"), "spec/options/a.sql");
        let laid = laid_over(
            vec![
                document("spec/access.toml"),
                document("migrations/V1__a.sql"),
            ],
            vec![
                document("options/audit/spec/access.toml"),
                document("options/audit/migrations/V2__b.sql"),
            ],
        );
        let paths: Vec<&str> = laid.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "migrations/V1__a.sql",
                "options/audit/migrations/V2__b.sql",
                "options/audit/spec/access.toml"
            ]
        );
    }
}
