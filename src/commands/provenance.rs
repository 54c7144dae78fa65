//! Who runs edu, from which machine and from which state of the project: for the audit trail.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Invocation;
use crate::pg::migrate::{Context, Provenance};
use crate::project::{Origin, Project};

impl Invocation {
    /// The context of a run of `command` on `project`. git is asked when something is to be applied.
    pub fn context(&self, project: &Project, command: &str) -> Context {
        let who = self.environment.user.clone();
        let git = self.environment.find_program("git");
        let root = match &project.origin {
            Origin::Folder(root) => Some(root.clone()),
            Origin::Embedded => None,
        };
        Context::new(&project.manifest.name, command, move || {
            let (revision, dirty) = revision(git.as_ref(), root.as_ref()).unwrap_or_default();
            Provenance {
                who: who.clone().unwrap_or_else(|| "unknown".to_owned()),
                host: host(),
                application: format!("edu {}", env!("CARGO_PKG_VERSION")),
                revision,
                dirty,
            }
        })
    }
}

fn host() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// The revision of the project's folder, and whether it has changes. Nothing without git.
fn revision(
    git: Option<&PathBuf>,
    root: Option<&PathBuf>,
) -> Option<(Option<String>, Option<bool>)> {
    let output = Command::new(git?)
        .arg("-C")
        .arg(root?)
        .args(["status", "--porcelain=v2", "--branch", "--", "."])
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let revision = text
        .lines()
        .find_map(|line| line.strip_prefix("# branch.oid "))
        .filter(|revision| *revision != "(initial)")
        .map(str::to_owned);
    let dirty = text.lines().any(|line| !line.starts_with('#'));
    Some((revision, Some(dirty)))
}
