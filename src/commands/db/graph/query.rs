//! `edu db graph query`

use std::collections::BTreeMap;
use std::io::Read;

use comfy_table::{Table, presets};
use serde_json::Value;

use super::{Invocation, Output, Target};
use crate::failure::{Exit, Failure, Result};
use crate::graph::cypher;
use crate::graph::query::Runnable;
use crate::pg::graph::query::{self, Answer, Asker};
use crate::pg::session;
use crate::project::Project;
use crate::spec::document::{Document, nearest};
use crate::spec::ontology::{LabelKind, Ontology};
use crate::spec::query::{Language, Query};
use crate::sql::duration::Duration;

/// Run a query as the application, inside a tenant's context, with real parameters
///
/// A name takes the declared query from graph/queries; everything else is a file, or "-" for standard
/// input. What it writes is rolled back unless --write is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// A declared query's name, a file, or "-"
    #[arg(value_name = "QUERY")]
    query: String,
    /// The tenant whose context it runs in
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// The user whose context it runs in
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// A parameter; JSON where its type is no text
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    params: Vec<(String, String)>,
    /// A label for a constant of the query
    #[arg(long = "label", value_name = "NAME=LABEL", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// Read the text as SQL [default: by the file's ending, else Cypher]
    #[arg(long)]
    sql: bool,
    /// Keep what it writes
    #[arg(long)]
    write: bool,
    /// How long it may run
    #[arg(long, value_name = "TIME", default_value = "30s")]
    timeout: Duration,
    /// How the rows are printed
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Output,
}

fn pair(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command.
///
/// # Errors
/// Exit 2 for a query, parameter or label that is not known; see [`query::ask`].
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(&args.target)?;
    let Some(ontology) = project.ontology()? else {
        return Err(Failure::usage("the project has no graph/ontology.toml"));
    };
    let runnable = runnable(args, &project, &ontology)?;
    let values = values(args, &runnable)?;
    let server = invocation.server(&args.target, &project)?;
    let asker = Asker {
        tenant: args.tenant.clone(),
        user: args.user.clone(),
    };
    let manifest = &project.manifest;
    let answer = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db graph query").await?;
        query::enter(&mut connection, manifest, &asker, args.timeout.into()).await?;
        let answer = query::ask(&mut connection, &ontology.graph, &runnable, &values).await?;
        let end = if args.write { "COMMIT" } else { "ROLLBACK" };
        session::run(&mut connection, end, "end the transaction").await?;
        Ok(answer)
    })?;
    tell(args, invocation, &answer);
    if runnable.writes && !args.write {
        invocation
            .ui
            .status("Rolled back. To keep what it writes: --write");
    }
    Ok(Exit::Done)
}

fn tell(args: &Args, invocation: &Invocation, answer: &Answer) {
    if args.output == Output::Json {
        let rows: Vec<Value> = answer
            .rows
            .iter()
            .map(|row| {
                answer
                    .columns
                    .iter()
                    .cloned()
                    .zip(row.iter().cloned())
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            })
            .collect();
        let value = serde_json::json!({ "version": 1, "columns": answer.columns, "rows": rows });
        invocation.ui.answer(value.to_string());
        return;
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(&answer.columns);
    for row in &answer.rows {
        table.add_row(row.iter().map(|value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }));
    }
    invocation.ui.answer(crate::ui::clean(&table.trim_fmt()));
    let rows = answer.rows.len();
    invocation
        .ui
        .status(format!("{rows} {}", if rows == 1 { "row" } else { "rows" }));
}

fn runnable(args: &Args, project: &Project, ontology: &Ontology) -> Result<Runnable> {
    let declared = project.queries(ontology)?;
    if let Some(query) = declared.iter().find(|query| query.name == args.query) {
        return with_labels(args, query, ontology);
    }
    let document = read(args, &declared)?;
    let sql = args.sql || document.path.ends_with(".sql");
    let language = if sql { Language::Sql } else { Language::Cypher };
    let names: Vec<String> = match language {
        Language::Sql => args.params.iter().map(|(name, _)| name.clone()).collect(),
        Language::Cypher => {
            let used = cypher::tokens(&document.text).into_iter();
            let mut names: Vec<String> = used
                .filter(|token| token.kind == cypher::Kind::Parameter)
                .map(|token| token.text.to_owned())
                .collect();
            names.sort();
            names.dedup();
            names
        }
    };
    let writing = [
        "CREATE", "MERGE", "SET", "DELETE", "REMOVE", "INSERT", "UPDATE",
    ];
    let writes = cypher::tokens(&document.text)
        .iter()
        .any(|token| writing.iter().any(|word| token.is(word)));
    Ok(Runnable::ad_hoc(language, &document.text, &names, writes))
}

fn read(args: &Args, declared: &[Query]) -> Result<Document> {
    let path = &args.query;
    let text = if path == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::io("read standard input", &error))?;
        text
    } else {
        std::fs::read_to_string(path).map_err(|error| {
            let failure = Failure::io(format!("read \"{path}\""), &error);
            match nearest(path, declared.iter().map(|query| query.name.as_str())) {
                Some(near) => failure.hint(format!("Did you mean the declared query `{near}`?")),
                None => failure,
            }
        })?
    };
    Ok(Document {
        path: path.clone(),
        text,
    })
}

/// A declared query with its constants: given with --label, else the example's.
fn with_labels(args: &Args, query: &Query, ontology: &Ontology) -> Result<Runnable> {
    for (name, label) in &args.labels {
        let Some(constant) = query
            .constants
            .iter()
            .find(|constant| constant.name == *name)
        else {
            return Err(Failure::usage(format!(
                "query \"{}\" has no constant \"{name}\"",
                query.name
            )));
        };
        let fits = ontology
            .label(label)
            .is_some_and(|found| found.kind == constant.kind);
        if !fits {
            let kind = if constant.kind == LabelKind::Vertex {
                "vertex"
            } else {
                "edge"
            };
            return Err(Failure::usage(format!(
                "\"{label}\" is no {kind} label of the ontology"
            )));
        }
    }
    Ok(Runnable::declared(query, |constant| {
        let given = args.labels.iter().find(|(name, _)| *name == constant.name);
        given.map_or_else(|| constant.example.clone(), |(_, label)| label.clone())
    }))
}

fn values(args: &Args, runnable: &Runnable) -> Result<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    for (name, text) in &args.params {
        let Some((_, kind)) = runnable.parameters.iter().find(|(known, _)| known == name) else {
            let failure = Failure::usage(format!("the query has no parameter \"{name}\""));
            let known = runnable.parameters.iter().map(|(name, _)| name.as_str());
            return Err(match nearest(name, known) {
                Some(near) => failure.hint(format!("Did you mean `{near}`?")),
                None => failure,
            });
        };
        let json = matches!(kind.as_str(), "int" | "float" | "bool" | "array");
        let value = match serde_json::from_str(text) {
            Ok(value) if json || kind == "agtype" => value,
            _ if json => {
                return Err(Failure::usage(format!(
                    "parameter \"{name}\" is no {kind}: {text}"
                )));
            }
            _ => Value::from(text.as_str()),
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}
