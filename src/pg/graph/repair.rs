//! Mending what AGE's own catalog says wrongly: after a restore, a rename, or a drop without the library.
//!
//! Looked at first and shown; done in one transaction, as a superuser, because `ag_catalog` belongs to
//! one. No vertex, edge or property is touched.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::inspect;
use crate::catalog::name::{Name, quote_literal};
use crate::failure::{Failure, Result};
use crate::graph::compare::{Wanted, compare};
use crate::graph::live::Live;
use crate::graph::{Phase, Step};
use crate::pg::error::{failure, sqlstate};
use crate::pg::session::{self, Identity};
use crate::spec::manifest::Manifest;
use crate::spec::ontology::Ontology;

/// Behind a graph id's label, 48 bits count the rows. Source: AGE, `graphid.h`.
const ENTRY_MASK: u64 = (1 << 48) - 1;

/// The oids as they are, in one transaction with the foreign key out of the way.
const OIDS: &str = "\
ALTER TABLE ag_catalog.ag_label DROP CONSTRAINT IF EXISTS fk_graph_oid; \
UPDATE ag_catalog.ag_label l SET graph = g.namespace::pg_catalog.oid FROM ag_catalog.ag_graph g \
WHERE l.graph = g.graphid AND g.graphid <> g.namespace::pg_catalog.oid; \
UPDATE ag_catalog.ag_graph SET graphid = namespace::pg_catalog.oid WHERE graphid <> namespace::pg_catalog.oid; \
ALTER TABLE ag_catalog.ag_label ADD CONSTRAINT fk_graph_oid FOREIGN KEY (graph) REFERENCES ag_catalog.ag_graph (graphid)";

/// Graphs whose oids are another database's.
const STALE: &str = "SELECT pg_catalog.count(*) FROM ag_catalog.ag_graph WHERE graphid <> namespace::pg_catalog.oid";

const DANGLING_GRAPHS: &str = "\
DELETE FROM ag_catalog.ag_label l USING ag_catalog.ag_graph g WHERE l.graph = g.graphid \
AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = g.namespace::pg_catalog.oid); \
DELETE FROM ag_catalog.ag_graph g \
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = g.namespace::pg_catalog.oid)";

const DANGLING_LABELS: &str = "\
DELETE FROM ag_catalog.ag_label l \
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = l.relation::pg_catalog.oid)";

/// What is to be mended, in order. Changes nothing.
///
/// # Errors
/// Exit 8 when the database has no AGE or the user may not look at the graph's tables.
pub async fn plan(
    connection: &mut PgConnection,
    manifest: &Manifest,
    ontology: &Ontology,
) -> Result<Vec<Step>> {
    let wanted = Wanted { manifest, ontology };
    session::run(connection, "BEGIN READ ONLY", "begin a transaction").await?;
    let steps = steps(connection, wanted).await;
    session::run(connection, "ROLLBACK", "end the transaction").await?;
    steps
}

async fn steps(connection: &mut PgConnection, wanted: Wanted<'_>) -> Result<Vec<Step>> {
    let live = inspect::live(connection, wanted).await?;
    let findings = compare(wanted, &live)?;
    let found = |id: &str| findings.iter().any(|finding| finding.code.id == id);
    let mut steps = Vec::new();
    for (id, what, sql) in [
        (
            "graph-namespace-missing",
            "removal of graphs whose schema is gone",
            DANGLING_GRAPHS,
        ),
        (
            "label-table-missing",
            "removal of labels whose table is gone",
            DANGLING_LABELS,
        ),
        (
            "graph-oid-stale",
            "oids of the graphs and their labels",
            OIDS,
        ),
    ] {
        if found(id) {
            steps.push(step(what.to_owned(), sql.to_owned()));
        }
    }
    for finding in findings
        .iter()
        .filter(|finding| finding.code.id == "label-id-default")
    {
        let label = finding.object.trim_start_matches("label ");
        steps.push(id_default(wanted, label)?);
    }
    steps.extend(sequences(connection, wanted, &live).await?);
    Ok(steps)
}

fn step(what: String, sql: String) -> Step {
    Step {
        what,
        sql,
        phase: Phase::Superuser,
        rows: 0,
    }
}

fn id_default(wanted: Wanted<'_>, label: &str) -> Result<Step> {
    let graph = &wanted.ontology.graph;
    let table = Name::new(graph.clone(), label)?;
    let sequence = Name::new(graph.clone(), format!("{label}_id_seq"))?.to_string();
    let (graph, name, sequence) = (
        quote_literal(graph)?,
        quote_literal(label)?,
        quote_literal(&sequence)?,
    );
    Ok(step(
        format!("default of ids in {label}"),
        format!(
            "ALTER TABLE ONLY {table} ALTER COLUMN id SET DEFAULT ag_catalog._graphid((ag_catalog._label_id({graph}::name, {name}::name))::integer, \
             pg_catalog.nextval({sequence}::pg_catalog.regclass))"
        ),
    ))
}

/// The labels whose sequence is behind their rows, with the highest number that is taken.
///
/// # Errors
/// By SQLSTATE, for example without SELECT on a label's table.
pub(super) async fn behind(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    live: &Live,
) -> Result<Vec<(String, i64)>> {
    let mut behind = Vec::new();
    for label in live.labels.iter().filter(|label| label.occupied) {
        let (Some(relation), Some(namespace)) = (&label.relation, &label.namespace) else {
            continue;
        };
        let table = Name::new(namespace.clone(), relation.clone())?;
        let sequence = wanted.ontology.graph.clone();
        let sequence = Name::new(sequence, format!("{}_id_seq", label.label))?;
        let sql = format!(
            "SELECT pg_catalog.max(x.taken) AS taken FROM (SELECT (ag_catalog.graphid_out(id))::text::int8 & {ENTRY_MASK} AS taken \
             FROM ONLY {table} ORDER BY id DESC LIMIT 1) x, {sequence} s \
             WHERE x.taken > CASE WHEN s.is_called THEN s.last_value ELSE s.last_value - 1 END"
        );
        let taken: Option<i64> = sqlx::query(AssertSqlSafe(sql))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| {
                failure(
                    &format!(
                        "compare the sequence of label \"{}\" with its rows",
                        label.label
                    ),
                    &error,
                )
            })?
            .get("taken");
        if let Some(taken) = taken {
            behind.push((label.label.clone(), taken));
        }
    }
    Ok(behind)
}

async fn sequences(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    live: &Live,
) -> Result<Vec<Step>> {
    session::run(
        connection,
        "SET LOCAL search_path = pg_catalog, ag_catalog",
        "set the path",
    )
    .await?;
    let mut steps = Vec::new();
    for (label, taken) in behind(connection, wanted, live).await? {
        let sequence = Name::new(wanted.ontology.graph.clone(), format!("{label}_id_seq"))?;
        let sequence = quote_literal(&sequence.to_string())?;
        steps.push(step(
            format!("sequence of {label}, which is behind {taken}"),
            format!("SELECT pg_catalog.setval({sequence}, {taken})"),
        ));
    }
    if let Some(graph) = live
        .graph
        .as_ref()
        .filter(|graph| graph.namespace.is_some())
    {
        steps.extend(label_sequence(connection, wanted, graph.namespace.as_deref()).await?);
    }
    Ok(steps)
}

/// AGE numbers new labels from a sequence of the graph's.
async fn label_sequence(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    namespace: Option<&str>,
) -> Result<Option<Step>> {
    let sequence = Name::new(namespace.unwrap_or_default(), "_label_id_seq")?;
    let sql = format!(
        "SELECT (SELECT pg_catalog.max(l.id) FROM ag_catalog.ag_label l JOIN ag_catalog.ag_graph g ON g.graphid = l.graph \
         WHERE g.name::text = $1) AS taken, (SELECT last_value FROM {sequence}) AS last"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(&wanted.ontology.graph)
        .fetch_one(connection)
        .await
        .map_err(|error| failure("look at the sequence of labels", &error))?;
    let (taken, last) = (
        row.get::<Option<i32>, _>("taken").unwrap_or(0),
        row.get::<i64, _>("last"),
    );
    let sequence = quote_literal(&sequence.to_string())?;
    Ok((i64::from(taken) > last).then(|| {
        step(
            format!("sequence of labels, which is behind {taken}"),
            format!("SELECT pg_catalog.setval({sequence}, {taken})"),
        )
    }))
}

/// Mends the oids alone, of all graphs: after a restore they are those of the database that was dumped.
/// Shape: how many graphs were mended.
///
/// # Errors
/// By SQLSTATE. Nothing was changed then.
pub async fn oids(connection: &mut PgConnection) -> Result<u64> {
    let doing = "mend the oids of the graphs";
    let stale: i64 = match sqlx::query_scalar(STALE).fetch_one(&mut *connection).await {
        Ok(stale) => stale,
        // No AGE, no graphs.
        Err(error) if sqlstate(&error) == "42P01" => 0,
        Err(error) => return Err(failure(doing, &error)),
    };
    if stale > 0 {
        session::run(connection, OIDS, doing).await?;
    }
    Ok(stale.unsigned_abs())
}

/// Does what [`plan`] says, in one transaction. edu's lock is held by the caller. Sessions that looked at
/// the graph before have to reconnect: AGE keeps what it read.
///
/// # Errors
/// Exit 8 without a superuser; else by SQLSTATE. Nothing was changed then.
pub async fn repair(
    connection: &mut PgConnection,
    identity: &Identity,
    steps: &[Step],
) -> Result<()> {
    if !identity.superuser {
        return Err(
            Failure::refused(format!("role \"{}\" is not a superuser", identity.user))
                .detail("AGE's catalog belongs to the superuser that created the extension.")
                .hint("Run this as a superuser."),
        );
    }
    session::reset(connection).await?;
    let begin =
        "BEGIN; SET LOCAL search_path = pg_catalog, ag_catalog; SET LOCAL lock_timeout = '10s'";
    session::run(connection, begin, "begin a transaction").await?;
    for step in steps {
        if let Err(failure) =
            session::run(connection, &step.sql, &format!("mend {}", step.what)).await
        {
            let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
            return Err(failure.detail("Nothing was changed."));
        }
    }
    session::run(connection, "COMMIT", "commit the repair").await
}
