//! How the declared indexes are: everything that can be read without a search.

use sqlx::postgres::PgConnection;

use super::existing::{self, Existing};
use super::facts::{self, Host};
use super::{Site, search};
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::session;
use crate::spec::vectors::{IterativeScan, Method, VectorIndex};
use crate::vector::definition::{Built, differences, option_of, outgrown};
use crate::vector::release;
use crate::vector::settings::bytes;

/// An index that is this many times the size its rows need has much that is empty.
const BLOAT_FACTOR: u64 = 2;
/// Below this size nobody minds. Units: bytes.
const BLOAT_BYTES_MIN: u64 = 16 << 20;

/// How one index is.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Status {
    /// The index.
    pub name: String,
    /// "valid", "missing" or "invalid".
    pub state: &'static str,
    /// Its definition in short.
    pub definition: String,
    /// Units: bytes.
    pub size_bytes: u64,
    /// Rows of the table that it covers.
    pub rows: u64,
    /// Whether the rows were counted.
    pub rows_exact: bool,
    /// Scans since the statistics were reset.
    pub scans: u64,
    /// Rows without a vector.
    pub null_vectors: u64,
    /// Rows whose vector is zero.
    pub zero_vectors: u64,
    /// What is wrong: one sentence each.
    pub findings: Vec<String>,
    /// What is worth knowing: one sentence each.
    pub remarks: Vec<String>,
}

/// Looks at every declared index. Nothing is changed.
///
/// # Errors
/// When the catalog or a table cannot be read.
pub async fn look(
    connection: &mut PgConnection,
    site: &Site<'_>,
    indexes: &[VectorIndex],
) -> Result<Vec<Status>> {
    session::become_role(connection, site.owner).await?;
    let host = facts::host(connection, site).await?;
    let mut all = Vec::new();
    for index in indexes {
        all.push(one(connection, site, &host, index).await?);
    }
    Ok(all)
}

/// What of the declared `iterative_scan` the sessions of `login` do not start with: one sentence per method
/// that the indexes use. Shape: empty when nothing is declared.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn scanning(
    connection: &mut PgConnection,
    declared: Option<IterativeScan>,
    login: Option<&str>,
    indexes: &[VectorIndex],
) -> Result<Vec<String>> {
    let Some(declared) = declared.map(IterativeScan::as_str) else {
        return Ok(Vec::new());
    };
    let mut wrong = Vec::new();
    for method in ["hnsw", "ivfflat"] {
        if !indexes.iter().any(|index| index.method.as_str() == method) {
            continue;
        }
        let name = format!("{method}.iterative_scan");
        // Source: the order in which a session's start applies pg_db_role_setting, nearest last.
        let found: Option<String> = sqlx::query_scalar(
            "SELECT pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1)
             FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
             WHERE pg_catalog.split_part(c, '=', 1) = $1
               AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
               AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $2))
             ORDER BY (s.setdatabase <> 0)::int + 2 * (s.setrole <> 0)::int DESC LIMIT 1",
        )
        .bind(&name)
        .bind(login)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| failure("read the settings of roles and database", &error))?;
        let found = found.as_deref().unwrap_or("off");
        // ivfflat knows no strict order.
        let declared = match (method, declared) {
            ("ivfflat", "strict_order") => "relaxed_order",
            _ => declared,
        };
        if found != declared {
            wrong.push(format!(
                "sessions of {} start with {name} = {found}, declared is {declared}",
                login.unwrap_or("the application")
            ));
        }
    }
    Ok(wrong)
}

/// The pgvector release, and why to have a newer one.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn release(connection: &mut PgConnection) -> Result<Vec<String>> {
    let version: Option<String> = sqlx::query_scalar(
        "SELECT extversion::text FROM pg_catalog.pg_extension WHERE extname = 'vector'",
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| failure("read pgvector's version", &error))?;
    Ok(version.map_or_else(Vec::new, |version| release::advice(&version)))
}

async fn one(
    connection: &mut PgConnection,
    site: &Site<'_>,
    host: &Host,
    index: &VectorIndex,
) -> Result<Status> {
    let outlook = facts::outlook(connection, site, host, index, 1).await?;
    let mut status = Status {
        name: index.name.to_string(),
        state: "missing",
        definition: String::new(),
        size_bytes: 0,
        rows: outlook.rows,
        rows_exact: outlook.rows_exact,
        scans: 0,
        null_vectors: 0,
        zero_vectors: 0,
        findings: Vec::new(),
        remarks: Vec::new(),
    };
    let all = existing::around(connection, index).await?;
    status
        .findings
        .extend(super::recover::foreign(&all, std::slice::from_ref(index)));
    let search = search::prepare(connection, index).await?;
    if outlook.rows_exact {
        (status.null_vectors, status.zero_vectors) = search.unfindable(connection).await?;
        tell_unfindable(&mut status, index);
    }
    let Some(there) = existing::named(&all, &index.name) else {
        status.findings.push("it is missing".to_owned());
        return Ok(status);
    };
    status.size_bytes = there.size_bytes;
    status.scans = there.scans;
    if !there.valid {
        status.state = "invalid";
        let cost = if there.ready {
            " and every write pays for it"
        } else {
            ""
        };
        status
            .findings
            .push(format!("it is invalid: no query uses it{cost}"));
        return Ok(status);
    }
    status.state = "valid";
    let mut found = there.found.clone();
    found.built = existing::built(connection, &there.name).await?;
    status.definition = definition(there, found.built);
    let wanted = existing::wanted(connection, index, site.dims).await?;
    status.findings.extend(differences(index, &wanted, &found));
    if found.built.is_none() {
        status.remarks.push(
            "what it was really built with was not checked: its first page is not on disk yet, or this \
             login may not read it (a superuser may, best with the extension pageinspect)"
                .to_owned(),
        );
    }
    grown(&mut status, index, there, outlook.rows);
    let expected = outlook.shape.index_bytes(outlook.rows);
    if there.size_bytes > BLOAT_BYTES_MIN && there.size_bytes > expected * BLOAT_FACTOR {
        status.remarks.push(format!(
            "it takes {} where its rows need about {}: a rebuild makes it smaller",
            bytes(there.size_bytes),
            bytes(expected)
        ));
    }
    Ok(status)
}

fn tell_unfindable(status: &mut Status, index: &VectorIndex) {
    if status.null_vectors > 0 {
        status.remarks.push(format!(
            "{} rows have no vector: no search by distance finds them",
            status.null_vectors
        ));
    }
    if status.zero_vectors > 0 && index.opclass.contains("cosine") {
        status.findings.push(format!(
            "{} rows have a zero vector, which has no direction: no search through the index finds them",
            status.zero_vectors
        ));
    }
}

fn grown(status: &mut Status, index: &VectorIndex, there: &Existing, rows: u64) {
    if !matches!(index.method, Method::Ivfflat { .. }) || there.found.method != "ivfflat" {
        return;
    }
    let lists = option_of(&there.found.options, "lists").unwrap_or(100);
    if let Some(why) = outgrown(lists, there.built_over(), rows) {
        status
            .findings
            .push(format!("{why}: rebuild it (edu db index rebuild)"));
    }
}

fn definition(there: &Existing, built: Option<Built>) -> String {
    let values = match built {
        Some(Built::Hnsw { m, ef_construction }) => {
            format!("built with m {m}, ef_construction {ef_construction}")
        }
        Some(Built::Ivfflat { lists }) => format!("built with {lists} lists"),
        None => there.found.options.join(", "),
    };
    format!("{} {}, {values}", there.found.method, there.found.opclass)
}
