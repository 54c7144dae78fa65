//! Makes unpacked programs run on a host with another C library: their ELF interpreter becomes the
//! unpacked loader, their RPATH the unpacked libraries.
//!
//! The work is done by patchelf from the same package set, run through the unpacked loader. Only
//! programs are patched: a program's `DT_RPATH` (not `DT_RUNPATH`) also serves the libraries it
//! loads, comes before `LD_LIBRARY_PATH`, and `$ORIGIN` lets it survive a move. The interpreter has
//! to be absolute, so a moved tree is patched again.
//! Source: ld.so(8), "If a shared object dependency does not contain a slash".

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};

/// A processor family with Debian's and glibc's names for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    /// Debian's name.
    pub debian: &'static str,
    /// The folder of its libraries.
    triplet: &'static str,
    /// The file name of its loader.
    loader: &'static str,
}

impl Architecture {
    /// The architecture that Rust calls `name`.
    ///
    /// # Errors
    /// Exit 2 for one that edu has no packages for.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "x86_64" => Ok(Self {
                debian: "amd64",
                triplet: "x86_64-linux-gnu",
                loader: "ld-linux-x86-64.so.2",
            }),
            "aarch64" => Ok(Self {
                debian: "arm64",
                triplet: "aarch64-linux-gnu",
                loader: "ld-linux-aarch64.so.1",
            }),
            _ => Err(Failure::usage(format!(
                "edu cannot install PostgreSQL on the architecture \"{name}\""
            ))
            .detail("It knows x86_64 (amd64) and aarch64 (arm64).")
            .hint(super::WAYS_OUT)),
        }
    }

    /// The folder of libraries inside an unpacked tree.
    fn libraries(self, tree: &Path) -> PathBuf {
        tree.join("usr/lib").join(self.triplet)
    }

    /// The loader inside an unpacked tree.
    pub fn loader(self, tree: &Path) -> PathBuf {
        self.libraries(tree).join(self.loader)
    }
}

/// Patches the programs of `tree/usr/lib/postgresql/<major>/bin` so that they run once the tree is
/// at `home`, which may be another place than where it is now.
///
/// # Errors
/// Exit 2 with what patchelf said; programs may then be half patched, so the tree must not be used.
pub fn patch(architecture: Architecture, tree: &Path, home: &Path, major: u16) -> Result<()> {
    let bin = tree.join(format!("usr/lib/postgresql/{major}/bin"));
    let programs: Vec<PathBuf> = std::fs::read_dir(&bin)
        .map_err(|e| Failure::io(format!("read \"{}\"", bin.display()), &e))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_elf(path))
        .collect();
    let output = Command::new(architecture.loader(tree))
        .arg("--library-path")
        .arg(architecture.libraries(tree))
        .arg(tree.join("usr/bin/patchelf"))
        .arg("--set-interpreter")
        .arg(architecture.loader(home))
        .arg("--force-rpath")
        .arg("--set-rpath")
        .arg(format!("$ORIGIN/../../../{}", architecture.triplet))
        .args(&programs)
        .output()
        .map_err(|e| super::room::cannot_run(home, &e))?;
    if output.status.success() {
        return Ok(());
    }
    Err(
        Failure::usage("the unpacked programs could not be made to run here")
            .detail(String::from_utf8_lossy(&output.stderr).trim().to_owned())
            .hint(super::WAYS_OUT),
    )
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    path.symlink_metadata().is_ok_and(|meta| meta.is_file())
        && File::open(path)
            .and_then(|mut file| file.read_exact(&mut magic))
            .is_ok()
        && magic == *b"\x7fELF"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_architecture_without_packages_gets_the_other_ways() {
        let failure = Architecture::named("s390x").unwrap_err();
        assert!(failure.error.contains("s390x"));
        assert!(failure.hint.unwrap().contains("edu image build"));
    }
}
