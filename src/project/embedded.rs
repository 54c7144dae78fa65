//! The project that is built into the binary.

use include_dir::{Dir, include_dir};

use super::MANIFEST;
use super::files::normalise;
use crate::spec::document::Document;

static MANIFEST_TEXT: &str = include_str!("../../edu.toml");
static DOCKERFILE_TEXT: &str = include_str!("../../Dockerfile.postgres-age");
/// One for each of [`super::PARTS`].
static FOLDERS: [(&str, Dir<'_>); super::PARTS.len()] = [
    ("migrations", include_dir!("$CARGO_MANIFEST_DIR/migrations")),
    ("spec", include_dir!("$CARGO_MANIFEST_DIR/spec")),
    ("graph", include_dir!("$CARGO_MANIFEST_DIR/graph")),
    ("seeds", include_dir!("$CARGO_MANIFEST_DIR/seeds")),
];

/// Its `edu.toml`.
pub(super) fn manifest() -> Document {
    Document {
        path: MANIFEST.to_owned(),
        text: normalise(MANIFEST_TEXT.to_owned()),
    }
}

/// The Dockerfile of the image, without a path of its own.
pub(super) fn dockerfile() -> String {
    normalise(DOCKERFILE_TEXT.to_owned())
}

/// The bytes of the file at `path`, if there is one.
pub(super) fn bytes(path: &str) -> Option<Vec<u8>> {
    let file = FOLDERS.iter().find_map(|(folder, dir)| {
        let within = path.strip_prefix(folder)?.strip_prefix('/')?;
        dir.get_file(within)
    });
    file.map(|file| file.contents().to_vec())
}

/// All other files. Shape: by their place.
pub(super) fn documents() -> Vec<Document> {
    let mut documents = Vec::new();
    for (prefix, dir) in &FOLDERS {
        collect(prefix, dir, &mut documents);
    }
    documents.sort_by(|a, b| a.path.cmp(&b.path));
    documents
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
