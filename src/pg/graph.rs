//! The graph: labels, keys, property indexes and isolation, as the ontology declares them.
//!
//! What is there is read first; what is missing becomes a list of steps, and the list is run in one
//! transaction, so that a broken-off run leaves nothing. Indexes on label tables are never built
//! CONCURRENTLY: beside an open Cypher SET that corrupts them silently.
//!
//! Every form here runs on AGE 1.5 and 1.8: names go in as literals, because the functions take
//! `name` in one and `cstring` in the other; `ag_catalog` is on the path, but never first.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::error::failure;
use super::session;
use crate::catalog::name::{Name, quote_ident, quote_literal};
use crate::failure::{Failure, Result};
use crate::progress::{Progress, Report, Unit};
use crate::spec::manifest::Manifest;
use crate::spec::ontology::{GraphIndex, IndexKind, Isolation, LabelKind, Ontology};

/// The two tables that all label tables inherit from. Source: AGE, `ag_label.h`.
const PARENTS: [(&str, LabelKind); 2] = [
    ("_ag_label_vertex", LabelKind::Vertex),
    ("_ag_label_edge", LabelKind::Edge),
];

/// The policy that edu puts on every label table.
const POLICY: &str = "edu_tenant";

/// The constraint that edu puts on both parents: AGE before 1.7 ignores WITH CHECK, but no version
/// ignores a constraint.
const GUARD: &str = "edu_tenant_guard";

/// One thing that is missing, and the statement that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it makes: "label Concept", "index idx_concept_id on Concept".
    pub what: String,
    /// The statement.
    pub sql: String,
}

/// What is there of a graph.
#[derive(Debug, Default)]
struct Live {
    graph: bool,
    labels: BTreeMap<String, Table>,
    /// AGE keeps a cache of the graph that direct SQL writes have to invalidate (1.8).
    cache_trigger: bool,
}

/// What is there of a label's table.
#[derive(Debug, Default)]
struct Table {
    kind: Option<LabelKind>,
    indexes: BTreeSet<String>,
    unique_id: bool,
    policies: BTreeSet<String>,
    constraints: BTreeSet<String>,
    row_security: bool,
    forced: bool,
    triggers: BTreeSet<String>,
    application_may_write: bool,
}

/// What is missing, in the order in which it has to be made. Changes nothing.
///
/// # Errors
/// Exit 2 when a label exists as the other kind, or edu.toml lacks what isolation needs.
pub async fn missing(
    connection: &mut PgConnection,
    manifest: &Manifest,
    ontology: &Ontology,
) -> Result<Vec<Step>> {
    let live = inspect(connection, ontology, manifest.roles.application.as_deref()).await?;
    steps(manifest, ontology, &live)
}

/// Makes what is missing, in one transaction, as the owner. The lock is held by the caller. Returns
/// what was made.
///
/// # Errors
/// By SQLSTATE; nothing was changed then.
pub async fn apply(
    connection: &mut PgConnection,
    manifest: &Manifest,
    ontology: &Ontology,
    report: Report<'_>,
) -> Result<Vec<String>> {
    session::reset(connection).await?;
    session::become_role(connection, manifest.roles.owner.as_deref()).await?;
    let steps = missing(connection, manifest, ontology).await?;
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    report(Progress::counted(
        format!("building graph {}", ontology.graph),
        steps.len() as u64,
        Unit::Items,
    ));
    let begin = "BEGIN; SET LOCAL search_path = \"$user\", public, ag_catalog";
    session::run(connection, begin, "begin a transaction").await?;
    for (done, step) in steps.iter().enumerate() {
        report(Progress::Detail(step.what.clone()));
        if let Err(failure) =
            session::run(connection, &step.sql, &format!("make {}", step.what)).await
        {
            let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
            return Err(failure.detail("Nothing of the graph was changed."));
        }
        report(Progress::At(done as u64 + 1));
    }
    session::run(connection, "COMMIT", "commit the graph's changes").await?;
    report(Progress::Done);
    Ok(steps.into_iter().map(|step| step.what).collect())
}

async fn inspect(
    connection: &mut PgConnection,
    ontology: &Ontology,
    application: Option<&str>,
) -> Result<Live> {
    let doing = format!("look at graph \"{}\"", ontology.graph);
    let wrong = |error: sqlx::Error| failure(&doing, &error);
    let graph: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM ag_catalog.ag_graph WHERE name::text = $1)")
            .bind(&ontology.graph)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| {
                wrong(error).hint("Is the database bootstrapped? Run: edu db bootstrap")
            })?;
    let cache_trigger: bool = sqlx::query_scalar(
        "SELECT pg_catalog.to_regprocedure('ag_catalog.age_invalidate_graph_cache()') IS NOT NULL",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(wrong)?;
    let rows = sqlx::query(include_str!("inspect/label.sql"))
        .bind(&ontology.graph)
        .bind(application)
        .fetch_all(connection)
        .await
        .map_err(wrong)?;
    let mut live = Live {
        graph,
        cache_trigger,
        ..Live::default()
    };
    for row in rows {
        let set = |name: &str| row.get::<Vec<String>, _>(name).into_iter().collect();
        let kind = match row.get::<String, _>("kind").as_str() {
            "v" => LabelKind::Vertex,
            _ => LabelKind::Edge,
        };
        let table = Table {
            kind: Some(kind),
            indexes: set("indexes"),
            unique_id: row.get("unique_id"),
            policies: set("policies"),
            constraints: set("constraints"),
            row_security: row.get("row_security"),
            forced: row.get("forced"),
            triggers: set("triggers"),
            application_may_write: row.get("application_may_write"),
        };
        live.labels.insert(row.get("label"), table);
    }
    Ok(live)
}

/// Renders what is missing. Pure: the catalog's content comes in, statements come out.
fn steps(manifest: &Manifest, ontology: &Ontology, live: &Live) -> Result<Vec<Step>> {
    let mut steps = Steps {
        ontology,
        list: Vec::new(),
    };
    let graph = quote_literal(&ontology.graph)?;
    if !live.graph {
        steps.add(
            format!("graph \"{}\"", ontology.graph),
            format!("SELECT ag_catalog.create_graph({graph})"),
        );
    }
    for label in &ontology.labels {
        match live.labels.get(&label.name).map(|table| table.kind) {
            None => {
                let maker = if label.kind == LabelKind::Vertex {
                    "create_vlabel"
                } else {
                    "create_elabel"
                };
                let name = quote_literal(&label.name)?;
                steps.add(
                    format!("label {}", label.name),
                    format!("SELECT ag_catalog.{maker}({graph}, {name})"),
                );
            }
            Some(kind) if kind == Some(label.kind) => {}
            Some(_) => {
                return Err(Failure::usage(format!(
                    "label \"{}\" exists as the other kind",
                    label.name
                ))
                .detail("A label is for vertices or for edges, and its kind cannot be changed.")
                .hint(
                    "Give the label in graph/ontology.toml another name, or drop the existing one.",
                )
                .at(ontology.excerpt(label.span.clone(), "here")));
            }
        }
    }
    let none = Table::default();
    let table_of = |label: &str| live.labels.get(label).unwrap_or(&none);
    for index in ontology.indexes() {
        // AGE 1.8 makes the keys and the edge indexes itself, in the moment the label is made: hence
        // IF NOT EXISTS, and no step where one is there under any name.
        let table = table_of(&index.label);
        let there = table.indexes.contains(&index.name)
            || (index.kind == IndexKind::PrimaryKey && table.unique_id);
        if !there {
            steps.index(&index)?;
        }
    }
    if live.cache_trigger {
        for label in &ontology.labels {
            let seen = live.labels.get(&label.name);
            if seen.is_some_and(|table| !table.triggers.contains("_age_cache_invalidate")) {
                steps.cache_trigger(&label.name)?;
            }
        }
    }
    grants(manifest, ontology, live, &mut steps)?;
    if ontology.isolation == Isolation::Enforced {
        isolation(manifest, ontology, live, &mut steps)?;
    }
    Ok(steps.list)
}

struct Steps<'a> {
    ontology: &'a Ontology,
    list: Vec<Step>,
}

impl Steps<'_> {
    fn add(&mut self, what: String, sql: String) {
        self.list.push(Step { what, sql });
    }

    fn table(&self, label: &str) -> Result<Name> {
        Name::new(self.ontology.graph.clone(), label)
    }

    fn index(&mut self, index: &GraphIndex) -> Result<()> {
        let table = self.table(&index.label)?;
        let name = quote_ident(&index.name);
        let what = format!("index {} on {}", index.name, index.label);
        if index.kind == IndexKind::PrimaryKey {
            // AGE 1.8 makes this key with the label: looked at again when the step runs.
            let relation = quote_literal(&table.to_string())?;
            let sql = format!(
                "DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indrelid = {relation}::pg_catalog.regclass \
                 AND indisunique AND indnkeyatts = 1 AND indkey[0] = 1 AND indpred IS NULL) \
                 THEN ALTER TABLE {table} ADD CONSTRAINT {name} PRIMARY KEY (id); END IF; END $do$"
            );
            self.add(what, sql);
            return Ok(());
        }
        let unique = if index.unique { "UNIQUE " } else { "" };
        let on = match index.kind {
            IndexKind::Start => "USING btree (start_id)".to_owned(),
            IndexKind::End => "USING btree (end_id)".to_owned(),
            IndexKind::Match => "USING gin (properties)".to_owned(),
            IndexKind::Contains => format!("USING gin ({})", expressions(index, contained)?),
            IndexKind::Where => format!("USING btree ({})", expressions(index, accessed)?),
            IndexKind::Sql | IndexKind::PrimaryKey => {
                format!("USING btree ({})", expressions(index, texted)?)
            }
        };
        self.add(
            what,
            format!("CREATE {unique}INDEX IF NOT EXISTS {name} ON {table} {on}"),
        );
        Ok(())
    }

    fn cache_trigger(&mut self, label: &str) -> Result<()> {
        let table = self.table(label)?;
        self.add(
            format!("cache trigger on {label}"),
            format!(
                "CREATE TRIGGER _age_cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION ag_catalog.age_invalidate_graph_cache()"
            ),
        );
        Ok(())
    }
}

fn expressions(index: &GraphIndex, one: fn(&str) -> Result<String>) -> Result<String> {
    let parts: Result<Vec<String>> = index
        .properties
        .iter()
        .map(|property| Ok(format!("({})", one(property)?)))
        .collect();
    Ok(parts?.join(", "))
}

/// `properties ->> 'p'`: what policies and plain SQL read. The key is a text literal; a bare one
/// would be taken for agtype.
fn texted(property: &str) -> Result<String> {
    Ok(format!(
        "properties OPERATOR(ag_catalog.->>) {}::text",
        quote_literal(property)?
    ))
}

/// `properties -> 'p'`.
fn contained(property: &str) -> Result<String> {
    Ok(format!(
        "properties OPERATOR(ag_catalog.->) {}::text",
        quote_literal(property)?
    ))
}

/// What Cypher makes of `v.p`.
fn accessed(property: &str) -> Result<String> {
    let key = quote_literal(&serde_json::Value::from(property).to_string())?;
    Ok(format!(
        "ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, {key}::ag_catalog.agtype])"
    ))
}

fn grants(
    manifest: &Manifest,
    ontology: &Ontology,
    live: &Live,
    steps: &mut Steps<'_>,
) -> Result<()> {
    let Some(application) = manifest.roles.application.as_deref() else {
        return Ok(());
    };
    let role = quote_ident(application);
    let schema = quote_ident(&ontology.graph);
    let all = PARENTS
        .iter()
        .map(|(name, _)| *name)
        .chain(ontology.labels.iter().map(|l| l.name.as_str()));
    let lacking = all.filter(|label| {
        !live
            .labels
            .get(*label)
            .is_some_and(|table| table.application_may_write)
    });
    if lacking.count() > 0 {
        steps.add(
            format!("privileges of {application} on the graph"),
            format!(
                "GRANT USAGE ON SCHEMA {schema} TO {role}; \
                 GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}; \
                 GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"
            ),
        );
    }
    Ok(())
}

/// Policies on every label and both parents (an unlabelled pattern reads the parents' policies
/// alone), forced, and the guard on writes. The expressions are built-ins in line: on AGE 1.8 a
/// sub-select in a policy breaks every Cypher write, and a function can end the server.
fn isolation(
    manifest: &Manifest,
    ontology: &Ontology,
    live: &Live,
    steps: &mut Steps<'_>,
) -> Result<()> {
    let lacks = |key: &str| {
        Failure::usage(format!("isolation = \"enforced\" needs {key} in edu.toml"))
            .hint("Name it there, or declare isolation = \"property\".")
    };
    let application = manifest
        .roles
        .application
        .as_deref()
        .ok_or_else(|| lacks("roles.application"))?;
    let setting = manifest
        .context
        .tenant
        .as_deref()
        .ok_or_else(|| lacks("context.tenant"))?;
    let context = format!(
        "NULLIF(pg_catalog.current_setting({}, true), '')",
        quote_literal(setting)?
    );
    let property = texted(&ontology.tenant_property)?;
    let role = quote_ident(application);
    let none = Table::default();
    let labels = PARENTS
        .iter()
        .map(|(name, _)| *name)
        .chain(ontology.labels.iter().map(|l| l.name.as_str()));
    for label in labels {
        let table = steps.table(label)?;
        let seen = live.labels.get(label).unwrap_or(&none);
        if !(seen.row_security && seen.forced) {
            steps.add(
                format!("row-level security on {label}"),
                format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"),
            );
        }
        if !seen.policies.contains(POLICY) {
            let rule = format!("(({property}) = {context})");
            steps.add(
                format!("policy {POLICY} on {label}"),
                format!("CREATE POLICY {POLICY} ON {table} FOR ALL TO {role} USING {rule} WITH CHECK {rule}"),
            );
        }
    }
    for (parent, _) in PARENTS {
        if !live
            .labels
            .get(parent)
            .is_some_and(|table| table.constraints.contains(GUARD))
        {
            let table = steps.table(parent)?;
            let rule = format!(
                "current_user <> {} OR ({property}) IS NOT DISTINCT FROM {context}",
                quote_literal(application)?
            );
            steps.add(
                format!("tenant guard on {parent}"),
                format!("ALTER TABLE {table} ADD CONSTRAINT {GUARD} CHECK ({rule}) NOT VALID"),
            );
        }
    }
    Ok(())
}
