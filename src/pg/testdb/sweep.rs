//! Finding what there is, and dropping what is left over.
//!
//! Nothing is dropped on what was seen a moment ago: the lock of a name is taken first, and the
//! database looked at again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::admin::{Admin, Class, key};
use super::clone::drop_database;
use super::mark::{Lease, Mark};
use super::state::{self, Found, Process, Rules, State};
use super::{CLONE, TEMPLATE, is_ours, template};
use crate::failure::{Failure, Result};
use crate::pg::error::{failure, sqlstate};

/// How often the server is asked whether it has noticed that a process is gone.
const POLL: Duration = Duration::from_millis(20);

/// How long the server may take to end a session whose process is gone.
const NOTICE_MAX: Duration = Duration::from_secs(10);

/// What is looked at, and what counts as left over.
pub struct Scope<'a> {
    /// The project whose databases are meant.
    pub project: &'a str,
    /// Those of all other projects too.
    pub every_project: bool,
    /// The template that the files give now.
    pub current: Option<String>,
    /// How long a template may go unused. Units: seconds.
    pub unused_seconds: i64,
    /// Databases that are not looked at: those just made.
    pub spared: Vec<String>,
    /// What is known of the process that made a clone.
    pub process: &'a (dyn Fn(&Lease) -> Process + Send + Sync),
}

/// A database and what becomes of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The database.
    pub found: Found,
    /// It is a template, or was to become one.
    pub is_template: bool,
    /// What becomes of it.
    pub state: State,
}

/// What was done about a database that is left over.
#[derive(Debug)]
pub struct Swept {
    /// Its name.
    pub name: String,
    /// Why it was left over.
    pub state: State,
    /// What kept it from being dropped.
    pub failure: Option<Failure>,
}

/// The databases of edu's that `scope` means, by name.
///
/// # Errors
/// When the server does not answer.
pub async fn list(admin: &mut Admin, scope: &Scope<'_>) -> Result<Vec<Judged>> {
    let (judged, _) = look(admin, scope, None).await?;
    Ok(judged)
}

/// Drops what is left over. Waits up to `patience` for sessions whose process may be gone without the
/// server having noticed.
///
/// # Errors
/// When the server does not answer; what could not be dropped is told in the answer.
pub async fn sweep(admin: &mut Admin, scope: &Scope<'_>, patience: Duration) -> Result<Vec<Swept>> {
    let begun = Instant::now();
    let (mut judged, first) = look(admin, scope, None).await?;
    let mut unsettled = first.clone();
    while unsettled.intersection(&first).next().is_some() && begun.elapsed() < patience {
        tokio::time::sleep(POLL).await;
        (judged, unsettled) = look(admin, scope, None).await?;
    }
    let mut swept = Vec::new();
    for one in judged.into_iter().filter(|one| one.state.is_left_over()) {
        match drop_left_over(admin, scope, &one, patience).await {
            Ok(false) => {}
            outcome => swept.push(Swept {
                name: one.found.name,
                state: one.state,
                failure: outcome.err(),
            }),
        }
    }
    Ok(swept)
}

/// Drops the clone `name`, whoever it belongs to. Somebody who works with it must be overruled by
/// `force`. Shape: whether there was one.
///
/// # Errors
/// Exit 8 for what is no test database, and for one in use.
pub async fn drop_named(
    admin: &mut Admin,
    scope: &Scope<'_>,
    name: &str,
    force: Force,
) -> Result<bool> {
    let (judged, _) = look(admin, scope, Some(name)).await?;
    let Some(one) = judged.into_iter().next() else {
        return match exists(admin, name).await? {
            false => Ok(false),
            true => Err(Failure::refused(format!("\"{name}\" is no test database"))
                .detail("It has no mark of edu's, so edu does not drop it.")
                .hint("See which there are: edu testdb list")),
        };
    };
    if one.state == State::InUse && force == Force::No {
        let whose = state::lease(&one.found).map_or("somebody".to_owned(), |lease| {
            format!("process {} on \"{}\"", lease.owner.pid, lease.owner.host)
        });
        return Err(Failure::refused(format!("\"{name}\" is in use by {whose}"))
            .hint("End that process, or take it away: edu testdb drop --force"));
    }
    if let Some(holder) = one.found.holder {
        terminate(admin, holder).await?;
    }
    let class = class(&one);
    if !lock_within(admin, class, name, NOTICE_MAX).await? {
        return Err(Failure::refused(format!("\"{name}\" is still in use")));
    }
    let outcome = remove(admin, &one).await;
    admin.unlock(class, name).await?;
    outcome.map(|()| true)
}

/// Whether a database that is in use is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// It is refused.
    No,
    /// Its sessions are ended.
    Yes,
}

/// Drops a database that was left over, if it still is. Shape: whether it was dropped.
///
/// Whoever holds the lock of its name is its lost user's session, which the server has not missed yet, or somebody
/// else who is dropping it at this moment. So it is waited for, as long as `patience` and [`NOTICE_MAX`] allow, and
/// ended only then; without patience it is left to whom it belongs.
async fn drop_left_over(
    admin: &mut Admin,
    scope: &Scope<'_>,
    one: &Judged,
    patience: Duration,
) -> Result<bool> {
    let (name, class) = (one.found.name.clone(), class(one));
    let limit = patience.min(NOTICE_MAX);
    let mut locked = lock_within(admin, class, &name, limit).await?;
    if let (false, false, Some(holder)) = (locked, patience.is_zero(), one.found.holder)
        && one.state == State::Orphaned
    {
        terminate(admin, holder).await?;
        locked = lock_within(admin, class, &name, NOTICE_MAX).await?;
    }
    if !locked {
        return Ok(false);
    }
    let outcome = async {
        let (mut now, _) = look(admin, scope, Some(&name)).await?;
        // The lock is ours now, and does not count.
        for one in &mut now {
            one.found.holder = None;
            one.state = judge(&one.found, one.is_template, scope, admin.now().await?);
        }
        match now.first() {
            Some(now) if now.state.is_left_over() => remove(admin, now).await.map(|()| true),
            _ => Ok(false),
        }
    }
    .await;
    admin.unlock(class, &name).await?;
    outcome
}

async fn remove(admin: &mut Admin, one: &Judged) -> Result<()> {
    if one.is_template {
        template::remove(admin, &one.found.name).await
    } else {
        drop_database(admin, &one.found.name).await
    }
}

fn class(one: &Judged) -> Class {
    if one.is_template {
        Class::Template
    } else {
        Class::Clone
    }
}

async fn lock_within(admin: &mut Admin, class: Class, name: &str, limit: Duration) -> Result<bool> {
    let begun = Instant::now();
    loop {
        if admin.try_lock(class, name).await?.0 {
            return Ok(true);
        }
        if begun.elapsed() >= limit {
            return Ok(false);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Ends a session. One that is gone already, or that this role may not end, is left to the server.
async fn terminate(admin: &mut Admin, pid: i32) -> Result<()> {
    match sqlx::query("SELECT pg_catalog.pg_terminate_backend($1)")
        .bind(pid)
        .execute(&mut admin.connection)
        .await
    {
        Err(error) if crate::pg::error::server_error(&error).is_none() => {
            Err(failure("end a session", &error))
        }
        _ => Ok(()),
    }
}

async fn exists(admin: &mut Admin, name: &str) -> Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(&mut admin.connection)
        .await
        .map_err(|error| failure("look for a database", &error))
}

/// One row per database whose name is of edu's making, by name. Any role may run it; the size of a
/// database is known to those who may connect to it.
const DATABASES: &str = "
SELECT d.datname::text AS name, d.datistemplate AND NOT d.datallowconn AS is_template,
       pg_catalog.shobj_description(d.oid, 'pg_database') AS comment,
       (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid) AS sessions,
       CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
            THEN pg_catalog.pg_database_size(d.oid) END AS size_bytes,
       extract(epoch FROM pg_catalog.clock_timestamp())::int8 AS now
FROM pg_catalog.pg_database d
WHERE (d.datname LIKE 'edu\\_test\\_%' OR d.datname LIKE 'edu\\_template\\_%')
  AND ($1::text IS NULL OR d.datname = $1)
ORDER BY d.datname";

/// One row per lock that this room's names are held by.
const LOCKS: &str = "
SELECT l.classid::int8 AS class, l.objid::int8 AS key, l.pid
FROM pg_catalog.pg_locks l
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_catalog.pg_database
                    WHERE datname = pg_catalog.current_database())
  AND l.pid <> pg_catalog.pg_backend_pid()";

/// How often a list is asked for again, because a database went while it was measured.
const TRIES: usize = 20;

async fn databases(admin: &mut Admin, name: Option<&str>) -> Result<Vec<PgRow>> {
    let mut tries = TRIES;
    loop {
        let asked = sqlx::query(DATABASES)
            .bind(name)
            .fetch_all(&mut admin.connection)
            .await;
        match asked {
            Err(error) if tries > 0 && matches!(sqlstate(&error), "42704" | "3D000" | "58P01") => {
                tries -= 1;
            }
            asked => return asked.map_err(|error| failure("list the test databases", &error)),
        }
    }
}

/// Looks at databases, or the one called `name`. Shape: those that `scope` means; and the sessions that
/// make something, or whose process is gone.
async fn look(
    admin: &mut Admin,
    scope: &Scope<'_>,
    name: Option<&str>,
) -> Result<(Vec<Judged>, BTreeSet<i32>)> {
    let rows = databases(admin, name).await?;
    let mut holders: BTreeMap<(i64, i64), i32> = BTreeMap::new();
    for row in admin
        .rows(LOCKS, "see which test databases are in use")
        .await?
    {
        holders.insert((row.get("class"), row.get("key")), row.get("pid"));
    }
    let ours = |class: i64| class == Class::Clone as i64 || class == Class::Template as i64;
    holders.retain(|(class, _), _| ours(*class));
    let mut unsettled: BTreeSet<i32> = holders.values().copied().collect();
    let mut judged = Vec::new();
    for row in rows {
        let name: String = row.get("name");
        let comment: Option<String> = row.get("comment");
        let mark = comment.as_deref().and_then(Mark::read);
        let is_template = name.starts_with(TEMPLATE);
        let class = if is_template {
            Class::Template
        } else {
            Class::Clone
        };
        let holder = holders.get(&(class as i64, i64::from(key(&name)))).copied();
        let found = Found {
            mark,
            is_template: row.get("is_template"),
            holder,
            sessions: row.get("sessions"),
            size_bytes: row.get("size_bytes"),
            name,
        };
        let state = judge(&found, is_template, scope, row.get("now"));
        let complete = found.is_template || !is_template;
        if let (Some(holder), true, State::InUse, Some(_)) = (holder, complete, state, &found.mark)
        {
            unsettled.remove(&holder);
        }
        if means(scope, &found) {
            judged.push(Judged {
                found,
                is_template,
                state,
            });
        }
    }
    Ok((judged, unsettled))
}

fn judge(found: &Found, is_template: bool, scope: &Scope<'_>, now: i64) -> State {
    let rules = Rules {
        now,
        current: scope.current.as_deref(),
        unused_seconds: scope.unused_seconds,
    };
    if is_template {
        return state::template(found, &rules);
    }
    let process = state::lease(found).map_or(Process::Elsewhere, scope.process);
    state::clone(found, process, &rules)
}

/// Whether a database is one of those that are looked at. One without a mark is known by its name.
fn means(scope: &Scope<'_>, found: &Found) -> bool {
    if scope.spared.contains(&found.name) {
        return false;
    }
    let named = |prefix| is_ours(&found.name, prefix, scope.project);
    match &found.mark {
        Some(mark) => scope.every_project || mark.project == scope.project,
        None => named(CLONE) || named(TEMPLATE),
    }
}
