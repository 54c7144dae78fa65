//! Makes a new data directory, and writes private files beside and inside it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::account::Account;
use super::cluster::SUPERUSER;
use super::runtime::Runtime;
use super::settings::Durability;
use crate::failure::{Exit, Failure, Result};

/// Runs `initdb` into the empty directory `data` and includes `edu.conf` in its configuration.
pub(super) fn init(
    runtime: &Runtime,
    account: &Account,
    data: &Path,
    secret: &Path,
    durability: Durability,
) -> Result<()> {
    let mut command = runtime.server_command(account, "initdb");
    command
        .arg("--pgdata")
        .arg(data)
        .arg("--pwfile")
        .arg(secret)
        .args([
            "--username",
            SUPERUSER,
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
        ])
        .args(["--auth-local", "trust", "--auth-host", "scram-sha-256"])
        .args([
            "--text-search-config",
            "english",
            "--data-checksums",
            "--no-instructions",
        ]);
    if runtime.major >= 17 {
        command.args([
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
        ]);
    }
    if durability == Durability::Thrown {
        command.arg("--no-sync");
    }
    let output = command.output().map_err(|e| {
        Failure::io(format!("run \"{}\"", command.get_program().display()), &e)
            .hint(super::WAYS_OUT)
    })?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(
            Exit::Unreachable,
            format!("the cluster \"{}\" could not be created", data.display()),
        )
        .detail(text.trim().to_owned())
        .hint(if text.contains("could not look up effective user ID") {
            "This user has no entry in /etc/passwd: run edu as one that has."
        } else {
            "Free some space or permissions as the detail says, and run it again."
        }));
    }
    OpenOptions::new()
        .append(true)
        .open(data.join("postgresql.conf"))
        .and_then(|mut file| file.write_all(b"\ninclude_if_exists = 'edu.conf'\n"))
        .map_err(|e| {
            Failure::io(
                format!("write \"{}\"", data.join("postgresql.conf").display()),
                &e,
            )
        })
}

/// Writes a 0600 file of `account`, replacing what is there and following no link.
pub(super) fn write_private(path: &Path, text: &str, account: &Account) -> Result<()> {
    let failed = |e| Failure::io(format!("write \"{}\"", path.display()), &e);
    let partial = path.with_extension("new");
    let _ = fs::remove_file(&partial);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    account.own(&partial)?;
    fs::rename(&partial, path).map_err(failed)
}
