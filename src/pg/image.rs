//! Proofs that a running server can do what a project asks of it, in scratch databases.
//!
//! Each proof returns what it found, or the failure with its way out. Dump and restore need client
//! programs, which a caller runs; here stands what is looked at before and after.

use std::cell::Cell;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::Server;
use super::bootstrap;
use super::error::failure;
use super::session::{self, Identity};
use crate::catalog::name::quote_ident;
use crate::failure::{Exit, Failure, Result};
use crate::spec::manifest::Manifest;

/// How edu calls itself on these connections.
const APPLICATION: &str = "edu image check";

/// Rows of the vector proof.
const ROWS: i64 = 500;

/// The two databases that a check makes and drops: one to work in, one to restore into.
#[derive(Debug)]
pub struct Scratch {
    /// The database that is worked in, a copy of the server's default template.
    pub name: String,
    /// The database that a dump is restored into. It comes from `template0`, because a copy of
    /// `template1` may hold an `ag_catalog` already.
    pub copy: String,
    begun: Cell<bool>,
}

impl Scratch {
    /// Two names that no other run has. Nothing is created yet.
    pub fn named() -> Self {
        let suffix = uuid::Uuid::new_v4().simple().to_string();
        let name = format!("edu_check_{}", &suffix[..12]);
        Self {
            copy: format!("{name}_copy"),
            name,
            begun: Cell::new(false),
        }
    }

    /// Creates both databases.
    ///
    /// # Errors
    /// By SQLSTATE; [`Scratch::drop`] removes what was made.
    pub async fn create(&self, connection: &mut PgConnection) -> Result<()> {
        self.begun.set(true);
        let (name, copy) = (quote_ident(&self.name), quote_ident(&self.copy));
        let doing = "create a scratch database";
        session::run(connection, &format!("CREATE DATABASE {name}"), doing).await?;
        let bare = format!("CREATE DATABASE {copy} TEMPLATE template0");
        session::run(connection, &bare, doing).await
    }

    /// Drops what [`Scratch::create`] made, if it was begun.
    ///
    /// # Errors
    /// With the names of the databases that may be left.
    pub async fn drop(&self, server: &Server) -> Result<()> {
        if !self.begun.get() {
            return Ok(());
        }
        let (mut connection, _) = session::open(server, APPLICATION).await?;
        self.unmade(&mut connection).await?;
        for name in [&self.name, &self.copy] {
            let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_ident(name));
            session::run(&mut connection, &sql, &format!("drop database \"{name}\"")).await?;
        }
        Ok(())
    }

    /// Waits until no session works on them any more: one whose client is gone may be about to finish what it makes.
    async fn unmade(&self, connection: &mut PgConnection) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < UNMADE_MAX {
            let works: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.state = 'active'
                 AND a.pid <> pg_catalog.pg_backend_pid() AND pg_catalog.strpos(a.query, $1) > 0)",
            )
            .bind(&self.name)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failure("look for work on the scratch databases", &error))?;
            if !works {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// How long the server may take to end what a cancelled check made it do.
const UNMADE_MAX: Duration = Duration::from_secs(30);

/// Connects for a check.
///
/// # Errors
/// Those of [`session::open_for_writing`]; exit 8 when the role is not a superuser.
pub async fn open(server: &Server) -> Result<(PgConnection, Identity)> {
    let (connection, identity) = session::open_for_writing(server, APPLICATION).await?;
    if identity.superuser {
        return Ok((connection, identity));
    }
    Err(
        Failure::refused(format!("role \"{}\" is not a superuser", identity.user))
            .detail("The check creates and drops two scratch databases (CREATEDB) and creates extensions in them, which needs a superuser.")
            .hint("Give the URL of a superuser. Nothing was created."),
    )
}

/// Proves the server's major.
///
/// # Errors
/// When it is another one than `wanted`.
pub async fn major(
    connection: &mut PgConnection,
    identity: &Identity,
    wanted: u16,
) -> Result<String> {
    let version = text(
        connection,
        "SELECT pg_catalog.current_setting('server_version')",
    )
    .await?;
    if identity.major() == wanted {
        return Ok(format!("PostgreSQL {version}"));
    }
    Err(found(format!("PostgreSQL is {version}, wanted is {wanted}"))
        .hint(format!("Use an image of the wanted major (edu image build --major {wanted}), or say what you want: --major {}", identity.major())))
}

/// Proves that the server preloads AGE. Shape: the list of preloaded libraries.
///
/// # Errors
/// When it does not.
pub async fn preload(connection: &mut PgConnection) -> Result<String> {
    let libraries = text(
        connection,
        "SELECT pg_catalog.current_setting('shared_preload_libraries')",
    )
    .await?;
    if libraries.split(',').any(|name| name.trim() == "age") {
        return Ok(libraries);
    }
    Err(
        found(format!("age is not in shared_preload_libraries ('{libraries}')"))
            .detail("Every session must load it before it can speak Cypher, and DDL behind its back can break a graph.")
            .hint("Set shared_preload_libraries = 'age' in postgresql.conf and restart the server."),
    )
}

/// Proves that every extension of `edu.toml` is available, in its range, and can be created.
/// `connection` is in the scratch database. Shape: names and versions.
///
/// # Errors
/// With the extension that is not.
pub async fn extensions(
    connection: &mut PgConnection,
    identity: &Identity,
    manifest: &Manifest,
) -> Result<String> {
    bootstrap::missing_extensions(connection, identity, manifest).await?;
    // AGE first: where it is preloaded, creating others fails in a database without it.
    let mut names: Vec<&String> = manifest.extensions.keys().collect();
    names.sort_by_key(|name| (name.as_str() != "age", name.as_str()));
    for name in &names {
        let sql = format!("CREATE EXTENSION IF NOT EXISTS {}", quote_ident(name));
        session::run(connection, &sql, &format!("create extension \"{name}\"")).await?;
    }
    let wrong = bootstrap::missing_extensions(connection, identity, manifest).await?;
    if !wrong.is_empty() {
        let mut failure = found("an extension is not what edu.toml wants".to_owned());
        failure.detail = wrong;
        return Err(failure.hint("Update it in template1: ALTER EXTENSION … UPDATE"));
    }
    let rows = sqlx::query_scalar::<_, String>(
        "SELECT extname || ' ' || extversion FROM pg_catalog.pg_extension
         WHERE extname::text = ANY ($1) ORDER BY extname",
    )
    .bind(names)
    .fetch_all(connection)
    .await
    .map_err(|error| failure("look at the extensions", &error))?;
    Ok(rows.join(", "))
}

/// Proves that a graph is created, written and read. `connection` is in the scratch database.
///
/// # Errors
/// By SQLSTATE, or when the answer is wrong.
pub async fn cypher(connection: &mut PgConnection) -> Result<String> {
    // A superuser may load it; so this proof does not depend on the one for preloading.
    let write = "LOAD 'age'; SET search_path = public, ag_catalog;
        SELECT ag_catalog.create_graph('edu_check');
        SELECT * FROM ag_catalog.cypher('edu_check', $$
            CREATE (:Person {name: 'Ada'})-[:KNOWS {since: 1843}]->(:Person {name: 'Charles'})
        $$) AS (v ag_catalog.agtype)";
    session::run(connection, write, "write a graph").await?;
    graph_answers(connection).await?;
    Ok("a graph is created, written and read".to_owned())
}

async fn graph_answers(connection: &mut PgConnection) -> Result<()> {
    let read = "SELECT ag_catalog.agtype_out(friend)::text FROM ag_catalog.cypher('edu_check', $$
            MATCH (:Person {name: 'Ada'})-[:KNOWS]->(f:Person) RETURN f.name
        $$) AS (friend ag_catalog.agtype)";
    let friend = text(connection, read).await?;
    if friend == "\"Charles\"" {
        return Ok(());
    }
    Err(found(format!(
        "the graph answered {friend}, wanted is \"Charles\""
    )))
}

/// Proves that an HNSW index is built, used and finds the nearest row. `connection` is in the
/// scratch database.
///
/// # Errors
/// By SQLSTATE, or when the answer is wrong.
pub async fn vectors(connection: &mut PgConnection) -> Result<String> {
    let build = format!(
        "CREATE TABLE public.edu_vector (id int PRIMARY KEY, embedding public.vector(64) NOT NULL);
         INSERT INTO public.edu_vector SELECT i, (SELECT pg_catalog.array_agg(pg_catalog.sin(i * d) ORDER BY d)
             FROM pg_catalog.generate_series(1, 64) d)::public.vector FROM pg_catalog.generate_series(1, {ROWS}) i;
         CREATE INDEX edu_vector_hnsw ON public.edu_vector USING hnsw (embedding public.vector_cosine_ops);
         SET search_path = public; SET enable_seqscan = off"
    );
    session::run(connection, &build, "build an HNSW index").await?;
    let search = "SELECT id::text FROM public.edu_vector ORDER BY embedding <=>
        (SELECT embedding FROM public.edu_vector WHERE id = 7) LIMIT 1";
    let plan = rows(connection, &format!("EXPLAIN (COSTS off) {search}")).await?;
    if !plan.iter().any(|line| line.contains("edu_vector_hnsw")) {
        return Err(found("the HNSW index is not used".to_owned()).detail(plan.join(" ")));
    }
    let nearest = text(connection, search).await?;
    if nearest != "7" {
        return Err(found(format!("the nearest row is {nearest}, wanted is 7")));
    }
    Ok(format!(
        "an HNSW index on {ROWS} rows is built, used and right"
    ))
}

/// Sets the object numbers of restored graphs to those of their namespaces.
/// Source: apache/age#2503; AGE from 1.6 on answers no MATCH before.
const REPAIR: &str = "BEGIN;
ALTER TABLE ag_catalog.ag_label DROP CONSTRAINT fk_graph_oid;
UPDATE ag_catalog.ag_label l SET graph = g.namespace::oid
  FROM ag_catalog.ag_graph g WHERE l.graph = g.graphid AND g.graphid <> g.namespace::oid;
UPDATE ag_catalog.ag_graph SET graphid = namespace::oid WHERE graphid <> namespace::oid;
ALTER TABLE ag_catalog.ag_label ADD CONSTRAINT fk_graph_oid
  FOREIGN KEY (graph) REFERENCES ag_catalog.ag_graph (graphid);
COMMIT";

/// Proves that the rows and the graph came through a dump and a restore. `copy` is the database
/// restored into. Repairs the graph's object numbers where AGE needs it.
///
/// # Errors
/// By SQLSTATE, or with what is missing.
pub async fn restored(copy: &Server, manifest: &Manifest) -> Result<String> {
    let (mut connection, _) = session::open(copy, APPLICATION).await?;
    let mut whole = Vec::new();
    if manifest.extensions.contains_key("vector") {
        let count = "SELECT pg_catalog.count(*)::text FROM public.edu_vector";
        let count = text(&mut connection, count).await?;
        if count != ROWS.to_string() {
            return Err(found(format!("{count} of {ROWS} rows came back")));
        }
        whole.push(format!("{ROWS} rows"));
    }
    if manifest.extensions.contains_key("age") {
        let stale = "SELECT pg_catalog.count(*)::text FROM ag_catalog.ag_graph
            WHERE graphid <> namespace::oid";
        let stale = text(&mut connection, stale).await? != "0";
        if stale {
            session::run(&mut connection, REPAIR, "repair the restored graph").await?;
        }
        // AGE keeps what it knows of graphs in the session: a new one must answer.
        let (mut connection, _) = session::open(copy, APPLICATION).await?;
        let path = "LOAD 'age'; SET search_path = public, ag_catalog";
        session::run(&mut connection, path, "prepare the session").await?;
        graph_answers(&mut connection).await?;
        whole.push(if stale {
            "a graph (its object numbers had to be set)".to_owned()
        } else {
            "a graph".to_owned()
        });
    }
    whole.push("the catalog".to_owned());
    Ok(format!("{} came back", whole.join(", ")))
}

/// A finding: the server works, and is not what was wanted.
fn found(error: String) -> Failure {
    Failure::new(Exit::Findings, error)
}

async fn text(connection: &mut PgConnection, sql: &str) -> Result<String> {
    let all = rows(connection, sql).await?;
    all.into_iter()
        .next()
        .ok_or_else(|| found("the server gave no row where one must be".to_owned()))
}

async fn rows(connection: &mut PgConnection, sql: &str) -> Result<Vec<String>> {
    let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .fetch_all(connection)
        .await
        .map_err(|error| failure("ask the server", &error))?;
    Ok(rows
        .iter()
        .map(|row| row.try_get(0).unwrap_or_default())
        .collect())
}
