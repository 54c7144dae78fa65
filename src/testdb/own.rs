//! A server of one's own in well under a second: a copy of a stopped one that has all of it already.

use std::fs;
use std::path::{Path as File, PathBuf};
use std::time::{Duration, SystemTime};

use super::fill;
use super::site::{Seeds, Site, UNUSED_MAX, block_on};
use crate::config::Environment;
use crate::failure::{Failure, Result};
use crate::pg::testdb::admin::Path;
use crate::pg::{Server, bootstrap, testdb};
use crate::progress::{Progress, Report, silent};
use crate::project::Project;
use crate::server::account::Account;
use crate::server::cluster::SUPERUSER;
use crate::server::ephemeral::Options;
use crate::server::{Ephemeral, Runtime, place};

/// How long the server that is to be copied may take to stop and to be copied away.
const STOP_MAX: Duration = Duration::from_secs(120);

/// Starts a server that holds the project's database, migrated, seeded and verified. The first one of a
/// state of the files makes what the others are copies of. `edu` is the program that guards it.
///
/// # Errors
/// Those of the project's files; exit 3 when they do not give what the spec says; those of installing
/// and starting a server. Nothing is left behind.
pub fn start(
    environment: &Environment,
    project: Project,
    seeds: Seeds,
    major: u16,
    edu: &File,
    report: Report<'_>,
) -> Result<(Ephemeral, Server)> {
    let runtime = Runtime::ensure(environment, major, &project.manifest.needs(), report)?;
    let name = project.manifest.name.clone();
    let nowhere = Server::from_url("postgresql://localhost/postgres", "the own server")?;
    let mut site = Site::new(
        environment,
        project,
        nowhere,
        Path::Direct,
        seeds,
        "edu testdb",
    )?;
    let hash = fill::hash(&site, &versions(&site, &runtime))?;
    let cache = place::cache(environment, &Account::for_server()?, &silent)?.join("testdb");
    place::open_folder(&cache)?;
    let stem = format!("{}-", testdb::slug(&name));
    let original = cache.join(format!("{stem}{major}-{}", &hash[..16]));
    let lock = File::new(&cache).join(format!("{stem}{major}.lock"));
    let lock = crate::server::lock_file(&lock)?;
    lock.lock()
        .map_err(|e| Failure::io(format!("lock \"{}\"", cache.display()), &e))?;
    if !original.join("data").is_dir() {
        report(Progress::Note(format!(
            "making the server that others of {name} are copied from"
        )));
        forget(&cache, &stem);
        make(&mut site, &runtime, edu, &original, report)?;
    }
    // Its time of change says when it was last asked for.
    let _ = fs::write(original.join("used"), "");
    drop(lock);
    let options = Options {
        copy_of: Some(original),
        ..Options::default()
    };
    let own = Ephemeral::start(&runtime, edu, &options)?;
    let server = server(&own, &site.project.manifest.database)?;
    Ok((own, server))
}

fn server(own: &Ephemeral, database: &str) -> Result<Server> {
    Server::from_url(&own.url(database, SUPERUSER), "the own server")
}

fn versions(site: &Site, runtime: &Runtime) -> String {
    let mut text = format!("{:?} PostgreSQL {}", runtime.bin, runtime.major);
    for name in site.project.manifest.extensions.keys() {
        let version = runtime.extension_version(name).unwrap_or_default();
        text.push_str(&format!(", {name} {version}"));
    }
    text
}

/// Fills a server, stops it cleanly, and puts its data directory where copies are made from.
fn make(
    site: &mut Site,
    runtime: &Runtime,
    edu: &File,
    original: &File,
    report: Report<'_>,
) -> Result<()> {
    let own = Ephemeral::start(runtime, edu, &Options::default())?;
    site.server = server(&own, "postgres")?;
    let database = server(&own, &site.project.manifest.database)?;
    block_on(async {
        bootstrap::create_database(&database, report).await?;
        fill::fill(site, &database, report).await
    })?;
    report(Progress::stage("stopping the server, to be copied"));
    let outcome = own.leave_data(original, STOP_MAX);
    report(Progress::Done);
    outcome
}

/// Removes originals that nobody has asked for in a while.
fn forget(cache: &File, stem: &str) {
    let old = |path: &PathBuf| {
        let used = path
            .join("used")
            .metadata()
            .and_then(|meta| meta.modified());
        let age = used
            .ok()
            .and_then(|used| SystemTime::now().duration_since(used).ok());
        age.is_none_or(|age| age > UNUSED_MAX)
    };
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let path = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(stem);
        if ours && path.is_dir() && old(&path) {
            let _ = fs::remove_dir_all(path);
        }
    }
}
