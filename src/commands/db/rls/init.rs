//! `edu db rls init`

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Invocation, Target};
use crate::failure::{Exit, Result};
use crate::pg::rls::read::Question;
use crate::pg::{rls, session};
use crate::posture::finding::Engine;
use crate::posture::scene::Scene;
use crate::posture::{Posture, Relation};
use crate::proof::{self, Verdict};
use crate::spec::access::{Access, Command};
use crate::spec::document::Document;
use crate::spec::manifest::Manifest;

/// Proposes spec/access.toml from what is there.
///
/// # Errors
/// Exit 7 when the server cannot be reached.
pub(super) fn run(target: &Target, invocation: &Invocation) -> Result<Exit> {
    let project = invocation.project_for(target)?;
    let server = invocation.server(target, &project)?;
    let roles = &project.manifest.roles;
    let subjects: Vec<String> = [&roles.application, &roles.login]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let posture = invocation.block_on(async {
        let (mut connection, _) = session::open(&server, "edu db rls init").await?;
        rls::posture(
            &mut connection,
            &Question {
                subjects,
                ..Question::default()
            },
        )
        .await
    })?;
    invocation.ui.answer(propose(&posture, &project.manifest)?);
    Ok(Exit::Done)
}

/// The columns that most often are a table's only key to one and the same other table.
fn tenancy(posture: &Posture) -> Option<(u32, String, String)> {
    let relations = posture.by_oid();
    let mut votes: BTreeMap<(u32, String, String), u32> = BTreeMap::new();
    for key in &posture.foreign_keys {
        let ([from], [to]) = (key.columns.as_slice(), key.target_columns.as_slice()) else {
            continue;
        };
        let name = |oid, number: i32| {
            let relation: &&Relation = relations.get(&oid)?;
            Some(
                relation
                    .columns
                    .iter()
                    .find(|column| column.number == number)?
                    .name
                    .clone(),
            )
        };
        if let (Some(from), Some(to)) = (name(key.table, *from), name(key.target, *to)) {
            *votes.entry((key.target, from, to)).or_default() += 1;
        }
    }
    votes
        .into_iter()
        .max_by_key(|(_, votes)| *votes)
        .map(|(key, _)| key)
}

fn propose(posture: &Posture, manifest: &Manifest) -> Result<String> {
    let relations = posture.by_oid();
    let tenancy = tenancy(posture);
    let mut out = String::from(
        "# Proposed by edu db rls init. Every line marked \"guessed\" is to be read and confirmed.\n\n",
    );
    let root = tenancy
        .as_ref()
        .and_then(|(oid, ..)| relations.get(oid))
        .map(|relation| relation.full_name());
    if let (Some(root), Some((_, column, _))) = (&root, &tenancy) {
        let _ = writeln!(
            out,
            "root = {}   # guessed: most keys of the column {column} point there",
            toml_text(root)
        );
    }
    let owner = manifest
        .roles
        .owner
        .iter()
        .map(|owner| toml_text(owner))
        .collect::<Vec<_>>()
        .join(", ");
    let _ = writeln!(out, "bypass = [{owner}]");
    let labels: BTreeSet<u32> = posture.labels.iter().map(|label| label.table).collect();
    for relation in posture
        .relations
        .iter()
        .filter(|r| r.is_table() && !r.extension && !labels.contains(&r.oid))
    {
        let tenant = tenancy
            .as_ref()
            .and_then(|(root, column, id)| match relation.oid == *root {
                true => Some(id.as_str()),
                false => relation.column(column).map(|column| column.name.as_str()),
            });
        table(posture, manifest, relation, tenant, &mut out)?;
    }
    for function in posture
        .functions
        .iter()
        .filter(|f| f.extension.is_none() && !f.trigger && !f.callers.is_empty())
    {
        let callers: Vec<String> = function
            .callers
            .iter()
            .map(|caller| toml_text(caller))
            .collect();
        let name = format!(
            "{}.{}({})",
            function.schema,
            function.name,
            function.arguments.join(", ")
        );
        let _ = writeln!(
            out,
            "\n[[function]]\nname = {}\ncallers = [{}]",
            toml_text(&name),
            callers.join(", ")
        );
    }
    exceptions(posture, manifest, &mut out)?;
    Ok(out)
}

fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The rules of one table: for each command the narrowest word that the policies are proved to give.
fn table(
    posture: &Posture,
    manifest: &Manifest,
    relation: &Relation,
    tenant: Option<&str>,
    out: &mut String,
) -> Result<()> {
    let owner = owner(posture, relation, tenant);
    let roles: Vec<&String> = posture
        .subjects
        .iter()
        .filter(|role| relation.grants(role, "rawd"))
        .collect();
    if roles.is_empty() {
        return Ok(());
    }
    let columns = |out: &mut String| {
        let _ = writeln!(
            out,
            "\n[[table]]\nname = {}",
            toml_text(&relation.full_name())
        );
        if let Some(tenant) = tenant {
            let _ = writeln!(out, "tenant = {}   # guessed", toml_text(tenant));
        }
        if let Some(owner) = &owner {
            let _ = writeln!(out, "owner = {}   # guessed", toml_text(owner));
        }
    };
    columns(out);
    let mut words: Vec<&str> = vec!["deny"];
    words.extend(owner.as_ref().and(tenant).map(|_| "own"));
    words.extend(tenant.map(|_| "tenant"));
    words.push("any");
    for role in roles {
        out.push_str(&rules(
            posture,
            manifest,
            &words,
            role,
            tenant.is_some(),
            &columns,
        )?);
    }
    Ok(())
}

/// One role's rules: the narrowest word per command that is proved.
fn rules(
    posture: &Posture,
    manifest: &Manifest,
    words: &[&str],
    role: &str,
    has_tenant: bool,
    columns: &dyn Fn(&mut String),
) -> Result<String> {
    let mut rules = Vec::new();
    for command in Command::ALL {
        let mut found = None;
        for word in words {
            let mut text = String::new();
            columns(&mut text);
            let all = Command::ALL
                .map(|c| format!("{} = \"{word}\"", c.as_str().to_lowercase()))
                .join(", ");
            let _ = writeln!(text, "access.{} = {{ {all} }}", toml_text(role));
            let access = Access::read(&Document {
                path: "spec/access.toml".into(),
                text,
            })?;
            let scene = Scene::new(posture, &access, manifest, None);
            let judged = proof::judge(&scene);
            let old = |j: &&proof::Judged| {
                j.role == role
                    && j.command == command
                    && (command != Command::Update || j.side == proof::Side::Old)
            };
            if judged
                .iter()
                .filter(old)
                .all(|judged| judged.verdict == Verdict::Proved)
            {
                found = Some(*word);
                break;
            }
        }
        let fallback = if has_tenant { "tenant" } else { "any" };
        let note = if found.is_some() { "" } else { " NOT PROVED" };
        rules.push((
            format!(
                "{} = \"{}\"",
                command.as_str().to_lowercase(),
                found.unwrap_or(fallback)
            ),
            note,
        ));
    }
    let notes: Vec<&str> = rules
        .iter()
        .map(|(_, note)| *note)
        .filter(|note| !note.is_empty())
        .collect();
    let note = if notes.is_empty() {
        String::new()
    } else {
        format!("   # guessed:{}", notes[0])
    };
    let rules: Vec<String> = rules.into_iter().map(|(rule, _)| rule).collect();
    Ok(format!(
        "access.{} = {{ {} }}{note}
",
        toml_text(role),
        rules.join(", ")
    ))
}

/// A column besides the tenant's that a policy compares: the user's.
fn owner(posture: &Posture, relation: &Relation, tenant: Option<&str>) -> Option<String> {
    let policies = posture
        .policies
        .iter()
        .filter(|policy| policy.table == relation.oid);
    let texts: Vec<&String> = policies
        .flat_map(|p| [&p.using_text, &p.check_text])
        .flatten()
        .collect();
    let compared = |name: &str| {
        texts
            .iter()
            .any(|text| text.contains(&format!("{name} = ")))
    };
    relation
        .columns
        .iter()
        .find(|column| {
            Some(column.name.as_str()) != tenant
                && column.name.ends_with("_id")
                && compared(&column.name)
        })
        .map(|column| column.name.clone())
}

/// What static checks find in the proposal, as exceptions to be argued for or mended.
fn exceptions(posture: &Posture, manifest: &Manifest, out: &mut String) -> Result<()> {
    let access = Access::read(&Document {
        path: "spec/access.toml".into(),
        text: out.clone(),
    })?;
    let scene = Scene::new(posture, &access, manifest, None);
    let mut by: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for finding in crate::check::run(&scene)
        .into_iter()
        .filter(|finding| finding.engine == Engine::Static)
    {
        if !matches!(finding.severity, crate::posture::finding::Severity::Info) {
            by.entry(finding.id).or_default().push(finding.object);
        }
    }
    if !by.is_empty() {
        let _ = writeln!(
            out,
            "\n# What is there and is not safe. Mend it, or accept it: take the marks away and give the reason."
        );
    }
    for (id, mut objects) in by {
        objects.sort();
        objects.dedup();
        let objects: Vec<String> = objects.iter().map(|object| toml_text(object)).collect();
        let _ = writeln!(
            out,
            "# [[exception]]\n# check = \"{id}\"\n# objects = [{}]\n# reason = \"\"",
            objects.join(", ")
        );
    }
    Ok(())
}
