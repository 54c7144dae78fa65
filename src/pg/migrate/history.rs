//! The schema history: refinery's table, kept as it is, and what it says beside the files.
//!
//! refinery decides what is pending and what contradicts; this module words its verdict.

mod refinery;

use sqlx::Row;
use sqlx::postgres::PgConnection;

use crate::failure::{Exit, Failure, Result};
use crate::pg::error::failure;
use crate::pg::message::answered;
use crate::spec::migration::Migration;

pub(super) use self::refinery::{as_refinery, contradiction, pending_of, runner};
pub use self::refinery::{checksum, create, files, pending};

/// The schema history table, qualified.
pub const TABLE: &str = "public.refinery_schema_history";

/// An expression over a row `h` of `pg_class`: what keeps a table from being a history, or NULL.
pub(super) const FLAW: &str = include_str!("flaw.sql");

/// A query for the names of the triggers that run after a row of the history was written.
pub(super) const WATCHERS: &str = "SELECT pg_catalog.string_agg(t.tgname::text, ', ' ORDER BY t.tgname) FROM pg_catalog.pg_trigger t
    WHERE t.tgrelid = 'public.refinery_schema_history'::regclass AND NOT t.tgisinternal AND t.tgenabled <> 'D'";

/// What is wrong with a history that has such a row, as [`unfit`] takes it.
pub(super) const NO_VERSION: &str = "has a row without a version";

/// Reads the history whatever type a version has there.
pub(super) const READ: &str =
    "SELECT version::int8 AS version, name::text, applied_on::text, checksum::text, NULL::text AS fingerprint
     FROM public.refinery_schema_history ORDER BY version";

/// Like [`READ`], with what edu itself remembers of each version.
const READ_WITH_MEMORY: &str =
    "SELECT h.version::int8 AS version, h.name::text, h.applied_on::text, h.checksum::text, m.fingerprint
     FROM public.refinery_schema_history h LEFT JOIN edu.migration m ON m.version = h.version
     ORDER BY h.version";

/// One row of the schema history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Applied {
    /// The version: an integer or a timestamp.
    pub version: i64,
    /// The name, without version and ending.
    pub name: String,
    /// When it was applied, as refinery wrote it (RFC 3339).
    pub applied_on: String,
    /// refinery's checksum over name, version and text.
    pub checksum: String,
    /// edu's own checksum, which harmless edits do not change; none where edu did not apply it.
    #[serde(skip)]
    pub fingerprint: Option<String>,
}

/// Reads the schema history. Shape: by version, ascending; empty when there is no table.
///
/// # Errors
/// When the table cannot be read or is not a plain table.
pub async fn read(connection: &mut PgConnection) -> Result<Vec<Applied>> {
    let doing = "read the schema history";
    answered(doing, read_all(connection, doing)).await
}

async fn read_all(connection: &mut PgConnection, doing: &str) -> Result<Vec<Applied>> {
    let found: Option<(Option<String>, bool)> = sqlx::query_as(concat!(
        "SELECT ",
        include_str!("flaw.sql"),
        ",
                EXISTS (SELECT FROM pg_catalog.pg_class c
                        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = 'edu' AND c.relname = 'migration' AND c.relkind = 'r'
                          AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                          AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))
         FROM pg_catalog.pg_class h WHERE h.oid = pg_catalog.to_regclass($1)",
    ))
    .bind(TABLE)
    .fetch_optional(&mut *connection)
    .await
    .map_err(|error| failure(doing, &error))?;
    let Some((flaw, memory)) = found else {
        return Ok(Vec::new());
    };
    if let Some(flaw) = flaw {
        return Err(unfit(&flaw));
    }
    let rows = sqlx::query(if memory { READ_WITH_MEMORY } else { READ })
        .fetch_all(connection)
        .await
        .map_err(|e| failure(doing, &e))?;
    rows.iter().map(applied).collect()
}

/// The failure of a history that cannot be relied on. `flaw` is what [`FLAW`] gives, to stand after the
/// table's name.
pub(super) fn unfit(flaw: &str) -> Failure {
    Failure::new(Exit::History, format!("{TABLE} {flaw}"))
        .detail("edu reads and writes its schema history there, and nothing may come between.")
        .hint(match flaw.split(' ').next() {
            Some("is") => "Rename what stands under that name.",
            _ => "Take that off the table.",
        })
}

/// Proves, inside the caller's transaction, that the history has these versions with these checksums, after
/// every trigger that runs behind a row has run.
///
/// # Errors
/// Exit 4 naming the version and the triggers.
pub(super) async fn prove(connection: &mut PgConnection, wanted: &[(i64, String)]) -> Result<()> {
    let doing = "read the schema history again";
    crate::pg::session::run(connection, "SET CONSTRAINTS ALL IMMEDIATE", doing).await?;
    let history = read(connection).await?;
    let is_there = |version: i64, checksum: &str| {
        let mut rows = history.iter();
        rows.any(|row| row.version == version && row.checksum == checksum)
    };
    let Some((version, _)) = wanted.iter().find(|(v, sum)| !is_there(*v, sum)) else {
        return Ok(());
    };
    let names: Option<String> = sqlx::query_scalar(WATCHERS)
        .fetch_one(connection)
        .await
        .map_err(|error| failure(doing, &error))?;
    Err(changed_behind(
        &format!("the row of V{version}"),
        &names.unwrap_or_default(),
    ))
}

/// The failure of a history that was changed again after it was written. `what` was written; `names` are the
/// triggers.
pub(super) fn changed_behind(what: &str, names: &str) -> Failure {
    let failure = Failure::new(
        Exit::History,
        format!("the schema history did not keep {what}"),
    );
    let failure = match names {
        "" => failure.detail(format!("Something on {TABLE} took it back or changed it.")),
        names => failure.detail(format!(
            "A trigger on {TABLE} took it back or changed it. Triggers there: {names}."
        )),
    };
    failure.hint("Take what does that off the table; a trigger that only watches may stay.")
}

/// Whether the session's role may read the history. Shape: yes when there is no table.
///
/// # Errors
/// When the privileges cannot be read.
pub async fn readable(connection: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar(
        "SELECT COALESCE(bool_and(pg_catalog.has_table_privilege(c.oid, 'SELECT')
                              AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')), true)
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relname = 'refinery_schema_history'",
    )
    .fetch_one(connection)
    .await
    .map_err(|error| failure("look at the schema history", &error))
}

fn applied(row: &sqlx::postgres::PgRow) -> Result<Applied> {
    let text = |name: &str| row.get::<Option<String>, _>(name).unwrap_or_default();
    let version: Option<i64> = row.get("version");
    Ok(Applied {
        version: version.ok_or_else(|| unfit(NO_VERSION))?,
        name: text("name"),
        applied_on: text("applied_on"),
        checksum: text("checksum"),
        fingerprint: row.get("fingerprint"),
    })
}

/// How the file of an applied migration compares with what was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is the same.
    Same,
    /// Only comments, spaces or line ends differ.
    Edited,
    /// It is another one.
    Divergent,
    /// There is none.
    NoFile,
}

impl Standing {
    /// In words, to stand after "applied".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Same => "the file is the same",
            Self::Edited => "EDITED (comments or spaces only)",
            Self::Divergent => "DIVERGENT",
            Self::NoFile => "NO FILE",
        }
    }
}

/// How the files stand to one row of the history.
///
/// # Errors
/// Exit 2 when refinery does not take the file's name.
pub fn standing(applied: &Applied, migrations: &[Migration]) -> Result<Standing> {
    let at = migrations.binary_search_by_key(&applied.version, |file| file.version);
    let Some(file) = at.ok().map(|at| &migrations[at]) else {
        return Ok(Standing::NoFile);
    };
    if applied.name == file.name && applied.checksum == checksum(file)? {
        return Ok(Standing::Same);
    }
    Ok(match super::fingerprint::is_harmless(applied, file) {
        true => Standing::Edited,
        false => Standing::Divergent,
    })
}
