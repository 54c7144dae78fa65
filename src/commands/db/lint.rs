//! `edu db lint`

use std::collections::{BTreeMap, BTreeSet};

use super::{Invocation, findings};
use crate::failure::{Exit, Failure, Result};
use crate::finding::{Finding, Findings, Level, Place};
use crate::graph;
use crate::lint::{self, Found, Subject};
use crate::project::Project;
use crate::report::Output;
use crate::spec::migration::{SqlFile, schema_file};
use crate::spec::ontology::Isolation;
use crate::sql::{hazard, rule};

/// Look at the SQL files alone, without a server: what blocks, breaks or exposes
///
/// Looks at migrations/, spec/schema and graph/queries: hazards on tables with rows, squawk's rules, and
/// edu's own for row-level security, vectors and graphs. A file takes a finding on with
/// `-- edu: allow <code> reason="…"`; edu explain says what each code means.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The format: text, json, junit, sarif, github, markdown; with =FILE into a file. Repeatable
    #[arg(long, value_name = "FORM[=FILE]", default_value = "text")]
    output: Vec<Output>,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 with the place of a file that cannot be read.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project()?;
    let migrations = project.migrations()?;
    let schema: Vec<SqlFile> = project
        .files("spec/schema", "sql")
        .iter()
        .map(schema_file)
        .collect::<Result<_>>()?;
    let ontology = project.ontology()?;
    let isolated: Option<BTreeSet<String>> = ontology
        .as_ref()
        .filter(|ontology| ontology.isolation == Isolation::Enforced)
        .map(|ontology| {
            ontology
                .labels
                .iter()
                .map(|label| label.name.clone())
                .collect()
        });
    let subject = Subject {
        migrations: &migrations,
        schema: &schema,
        graph: project
            .manifest
            .graph
            .as_ref()
            .map(|graph| graph.name.as_str()),
        isolated: isolated.as_ref(),
    };
    let mut all = lint::lint(&subject)
        .iter()
        .map(told)
        .collect::<Result<Vec<Finding>>>()?;
    let queries = of_queries(&project, &mut all)?;
    let report = Findings {
        called: "findings",
        command: "edu db lint".to_owned(),
        target: format!(
            "{} migrations, {} schema files, {queries} queries of {}",
            migrations.len(),
            schema.len(),
            project.manifest.name
        ),
        findings: all,
        notes: unseen(&subject),
    };
    findings::tell(&report, &args.output, invocation)?;
    Ok(match report.failing() {
        0 => Exit::Done,
        _ => Exit::Findings,
    })
}

/// What nobody sees before it runs, file by file.
fn unseen(subject: &Subject<'_>) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, line) in lint::unseen(subject) {
        places.entry(path).or_default().push(line.to_string());
    }
    places
        .into_iter()
        .map(|(path, lines)| {
            format!(
                "not seen: {path}:{} runs what it puts together then",
                lines.join(", ")
            )
        })
        .collect()
}

/// Adds what is wrong with the query files. Shape: how many there are.
fn of_queries(project: &Project, all: &mut Vec<Finding>) -> Result<usize> {
    let Some(ontology) = project.ontology()? else {
        return Ok(0);
    };
    let queries = project.queries(&ontology)?;
    for query in &queries {
        for found in graph::lint::lint(query, &ontology, None) {
            let place = place_of(&found.object);
            all.push(Finding {
                code: found.code.id.to_owned(),
                level: Level::Error,
                group: query.document.path.clone(),
                object: found.object.clone(),
                message: found.message.clone(),
                consequence: found.code.consequence.to_owned(),
                hint: Some(found.code.fix.to_owned()),
                repair: None,
                path: Some(query.document.path.clone()),
                place,
            });
        }
    }
    Ok(queries.len())
}

/// The place at the end of "path:line:column".
fn place_of(object: &str) -> Option<Place> {
    let mut parts = object.rsplit(':');
    let mut next = || parts.next()?.parse().ok();
    let (column, line) = (next()?, next()?);
    Some(Place { line, column })
}

fn told(found: &Found) -> Result<Finding> {
    let (consequence, fix) = hazard::ALL
        .iter()
        .find(|entry| entry.id == found.id)
        .map(|entry| (entry.consequence, entry.fix))
        .or_else(|| rule::of(found.id).map(|rule| (rule.consequence, rule.fix)))
        .ok_or_else(|| Failure::bug(format!("the finding \"{}\" has no explanation", found.id)))?;
    Ok(Finding {
        code: found.id.to_owned(),
        level: Level::Error,
        group: found.path.clone(),
        object: format!("{}:{}:{}", found.path, found.line, found.column),
        message: found.message.clone(),
        consequence: consequence.to_owned(),
        hint: Some(fix.to_owned()),
        repair: None,
        path: Some(found.path.clone()),
        place: Some(Place {
            line: found.line,
            column: found.column,
        }),
    })
}
