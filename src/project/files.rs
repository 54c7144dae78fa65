//! Reading a project's folder: regular text files below it, and nothing that a link leads out to.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::spec::document::Document;

/// No project file may be larger. Units: bytes.
const FILE_SIZE_MAX: u64 = 64 * 1024 * 1024;

/// Reads the text files below `folder`, deeper ones included.
///
/// # Errors
/// Exit 2 with the file that cannot be read.
pub(super) fn walk(root: &Path, folder: &Path, documents: &mut Vec<Document>) -> Result<()> {
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

/// Reads one file.
///
/// # Errors
/// Exit 2 when it is no regular UTF-8 text file inside the project.
pub(super) fn read(root: &Path, path: &Path) -> Result<Document> {
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
pub(super) fn normalise(text: String) -> String {
    let text = text
        .strip_prefix('\u{feff}')
        .map_or(text.clone(), str::to_owned);
    if text.contains('\r') {
        text.replace("\r\n", "\n")
    } else {
        text
    }
}
