//! `edu db introspect`

use std::fs;
use std::path::PathBuf;

use super::{Invocation, Target, expected};
use crate::catalog::name::{parse_ident, quote_ident, quote_literal};
use crate::catalog::{Catalog, Id, Kind};
use crate::diff::{Difference, Severity, compare};
use crate::failure::{Exit, Failure, Result};
use crate::pg::scratch::{self, Scratch};
use crate::pg::{Server, inspect, session};
use crate::render::script::{Line, script};

/// Write a project folder that describes a live database and verifies clean against it
///
/// Reads the catalog only. What is written is proved on a scratch database first; what it cannot
/// describe is said. Passwords are never read: give roles theirs where you deploy.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The folder to write; it must not be a project yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A server to make scratch databases on [default: an embedded one, ended afterwards]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
}

/// What the folder is made of.
struct Found {
    bootstrap: String,
    schema: String,
    left: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 when the folder is a project already; exit 5 when what was rendered does not run.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    if args.folder.join("edu.toml").exists() {
        return Err(Failure::usage(format!(
            "\"{}\" is a project already",
            args.folder.display()
        ))
        .hint("Name a folder that has no edu.toml."));
    }
    let server = match invocation.named_server(&args.target)? {
        Some(server) => server,
        None => invocation.server(&args.target, &invocation.project()?)?,
    };
    let live = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db introspect").await?;
        inspect::inspect(&mut connection, &[]).await
    })?;
    let extensions: Vec<String> = live
        .of(Kind::Extension)
        .filter_map(|(id, _)| parse_ident(&id.name).ok())
        .collect();
    let needs: Vec<&str> = extensions.iter().map(String::as_str).collect();
    let url = args.scratch_url.as_deref();
    let scratch = expected::scratch_server(invocation, &needs, url, live.major)?;
    let found = invocation.block_on(prove(&live, &scratch.server))?;
    let name = word(server.database());
    for (path, text) in files(&name, server.database(), &live, &found) {
        let target = args.folder.join(&path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)
                .map_err(|error| Failure::io(format!("create \"{}\"", folder.display()), &error))?;
        }
        fs::write(&target, text)
            .map_err(|error| Failure::io(format!("write \"{}\"", target.display()), &error))?;
        invocation.ui.answer(format!("wrote {}", target.display()));
    }
    for left in live
        .unseen
        .iter()
        .chain(&live.unmodelled)
        .chain(&found.left)
    {
        invocation.ui.warn(format!("not described: {left}"));
    }
    Ok(if found.left.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// Renders everything and runs it on a scratch database, until that one is like the live one.
async fn prove(live: &Catalog, admin: &Server) -> Result<Found> {
    let database = Scratch::create(admin).await?;
    let outcome = rebuild(live, &database).await;
    database.drop_it().await;
    outcome
}

async fn rebuild(live: &Catalog, database: &Scratch) -> Result<Found> {
    let (mut connection, _) = session::open(&database.server, "edu db introspect").await?;
    let mut bootstrap = extensions(live);
    run_all(&mut connection, &bootstrap).await?;
    let roles = live.roles();
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    // A role's memberships follow once both roles are there.
    for _ in 0..2 {
        let begun = inspect::inspect(&mut connection, &roles).await?;
        let (of_server, _) = split(compare(live, &begun));
        // The name is filled in where the statement runs: the project is not bound to one database.
        let (lines, _) = script(&of_server, live, &begun, "%I", false);
        let statements: Vec<String> = lines.iter().map(server_statement).collect::<Result<_>>()?;
        run_all(&mut connection, &statements).await?;
        bootstrap.extend(statements);
    }

    let mut schema = graphs(live)?;
    run_all(&mut connection, &schema).await?;
    let begun = inspect::inspect(&mut connection, &roles).await?;
    let (_, own) = split(compare(live, &begun));
    let (lines, _) = script(&own, live, &begun, "%I", false);
    let statements: Vec<String> = lines
        .into_iter()
        .map(|line| line.sql.replacen("INDEX CONCURRENTLY ", "INDEX ", 1))
        .collect();
    run_all(&mut connection, &statements).await?;
    schema.extend(statements);
    let made = inspect::inspect(&mut connection, &roles).await?;
    let left = compare(live, &made)
        .iter()
        .filter(|d| d.severity != Severity::Note)
        .map(|d| format!("{}: {}", d.id, d.words()))
        .collect();
    Ok(Found {
        bootstrap: text(&bootstrap),
        schema: text(&schema),
        left,
    })
}

async fn run_all(
    connection: &mut sqlx::postgres::PgConnection,
    statements: &[String],
) -> Result<()> {
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    scratch::apply(connection, None, &statements).await
}

fn text(statements: &[String]) -> String {
    statements.iter().map(|sql| format!("{sql};\n")).collect()
}

/// What belongs to the server or the database as a whole, and the rest.
fn split(differences: Vec<Difference>) -> (Vec<Difference>, Vec<Difference>) {
    differences.into_iter().partition(|difference| {
        matches!(
            difference.id.kind,
            Kind::Database
                | Kind::Setting
                | Kind::Role
                | Kind::Membership
                | Kind::ExtensionPrivileges
        )
    })
}

/// Extensions first: AGE's library wants its extension before any other statement.
fn extensions(live: &Catalog) -> Vec<String> {
    let mut found: Vec<(&Id, &str)> = live
        .of(Kind::Extension)
        .map(|(id, facets)| (id, facets.text("schema")))
        .collect();
    found.sort_by_key(|(id, _)| (&*id.name != "age", id.name.clone()));
    let mut statements = Vec::new();
    for (id, schema) in found {
        if &*id.name == "age" {
            statements.push(
                "DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'age') \
                 THEN CREATE EXTENSION age; END IF; END $do$"
                    .to_owned(),
            );
            continue;
        }
        if !matches!(schema, "public" | "pg_catalog") {
            statements.push(format!(
                "CREATE SCHEMA IF NOT EXISTS {}",
                quote_ident(schema)
            ));
        }
        statements.push(format!(
            "CREATE EXTENSION IF NOT EXISTS {} WITH SCHEMA {}",
            id.name,
            quote_ident(schema)
        ));
    }
    statements
}

/// A statement that may run twice, and that knows the database by where it runs.
fn server_statement(line: &Line) -> Result<String> {
    let sql = &line.sql;
    if let Some(rest) = sql.strip_prefix("CREATE ROLE ") {
        let name = crate::catalog::name::parse_ident(rest.split(" NO").next().unwrap_or(rest))
            .or_else(|_| crate::catalog::name::parse_ident(rest.split(' ').next().unwrap_or(rest)))
            .map_err(Failure::bug)?;
        return Ok(format!(
            "DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {}) THEN {sql}; END IF; END $do$",
            quote_literal(&name)?
        ));
    }
    if !sql.contains("%I") {
        return Ok(sql.clone());
    }
    let format = sql.replace('%', "%%").replacen("%%I", "%I", 1);
    Ok(format!(
        "DO $do$ BEGIN EXECUTE pg_catalog.format({}, pg_catalog.current_database()); END $do$",
        quote_literal(&format)?
    ))
}

/// AGE's functions make graphs and labels; the numbers of labels are given in their order.
fn graphs(live: &Catalog) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for (graph, _) in live.of(Kind::Graph) {
        let name = crate::catalog::name::parse_ident(&graph.name).map_err(Failure::bug)?;
        let literal = quote_literal(&name)?;
        statements.push("SET search_path = \"$user\", public, ag_catalog".to_owned());
        statements.push(format!("SELECT ag_catalog.create_graph({literal})"));
        let prefix = format!("{}.", graph.name);
        let mut labels: Vec<_> = live
            .of(Kind::Label)
            .filter(|(id, _)| id.on.starts_with(&prefix) && !id.name.starts_with("_ag_label_"))
            .collect();
        labels.sort_by_key(|(_, facets)| {
            facets
                .get("number")
                .map(ToString::to_string)
                .and_then(|n| n.parse::<i64>().ok())
        });
        for (id, facets) in labels {
            let maker = if facets.text("kind") == "vertex" {
                "create_vlabel"
            } else {
                "create_elabel"
            };
            let label = crate::catalog::name::parse_ident(&id.name).map_err(Failure::bug)?;
            statements.push(format!(
                "SELECT ag_catalog.{maker}({literal}, {})",
                quote_literal(&label)?
            ));
        }
        statements.push("RESET search_path".to_owned());
    }
    Ok(statements)
}

/// A project's name has letters, digits, "-" and "_" only.
fn word(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .collect()
}

fn files(name: &str, database: &str, live: &Catalog, found: &Found) -> Vec<(String, String)> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut manifest = format!(
        "# Written by edu db introspect.\nname = {}\ndatabase = {}\n\n[server]\nmajor = {}\n\n[extensions]\n",
        quoted(name),
        quoted(database),
        live.major
    );
    for (id, _) in live.of(Kind::Extension) {
        manifest.push_str(&format!("{} = \"*\"\n", quoted(id.name.trim_matches('"'))));
    }
    let mut files = vec![("edu.toml".to_owned(), manifest)];
    if !found.bootstrap.is_empty() {
        files.push((
            "migrations/V0000__bootstrap.sql".to_owned(),
            format!(
                "-- edu: role superuser\n-- edu: no-transaction\n\
                 -- Intent: extensions, roles and settings, as they were found. Roles get no password here.\n\n{}",
                found.bootstrap
            ),
        ));
    }
    if !found.schema.is_empty() {
        files.push((
            "migrations/V0001__schema.sql".to_owned(),
            format!("-- Intent: everything that was found.\n\nSET LOCAL check_function_bodies = off;\n{}", found.schema),
        ));
        files.push((
            "spec/schema/10_schema.sql".to_owned(),
            format!(
                "-- Everything that was found.\n\nSET LOCAL check_function_bodies = off;\n{}",
                found.schema
            ),
        ));
    }
    files
}
