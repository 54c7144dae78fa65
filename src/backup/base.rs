//! Base backups: the whole server as files.

use std::fs;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::program;
use super::store::Store;
use crate::failure::{Failure, Result};
use crate::pg::Server;
use crate::progress::{Progress, Report};
use crate::server::Runtime;

/// An unfinished copy, deleted unless it was kept.
struct Partial<'a>(Option<&'a Path>);

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.0 {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Copies `server` into `store`. The folder has its name only when `pg_verifybackup` found it whole.
///
/// # Errors
/// Exit 5 with the program's words: the role needs REPLICATION, the server a free WAL sender.
pub async fn take(
    runtime: &Runtime,
    server: &Server,
    store: &Store,
    report: Report<'_>,
) -> Result<PathBuf> {
    let (partial, whole) = store.begin_base(server.database(), OffsetDateTime::now_utc())?;
    let mut unfinished = Partial(Some(&partial));
    let mut command = runtime.command("pg_basebackup");
    command
        .envs(server.client_environment())
        .args(["--no-password", "--checkpoint=fast", "--wal-method=stream"])
        .args(["--progress", "--verbose", "--pgdata"])
        .arg(&partial);
    report(Progress::stage("copying the server"));
    program::run(command, |line| report(Progress::Detail(line.to_owned()))).await?;
    report(Progress::stage("looking through the copy"));
    let mut verify = runtime.command("pg_verifybackup");
    // WAL of the copy itself needs pg_waldump, which client packages lack.
    verify.args(["--quiet", "--no-parse-wal"]).arg(&partial);
    program::run(verify, |_| {}).await?;
    fs::rename(&partial, &whole)
        .map_err(|e| Failure::io(format!("write \"{}\"", whole.display()), &e))?;
    unfinished.0 = None;
    report(Progress::Done);
    Ok(whole)
}
