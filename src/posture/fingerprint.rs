//! The posture fingerprint: equal on two databases exactly when nothing that decides who reaches
//! which row differs. So a verdict reached by attempts on a scratch database holds for a live one.
//!
//! Ids differ between databases and are replaced by names; estimates and the database's own name are left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::object::Relation;
use super::tree::{self, Node};
use super::{FIRST_USER_OID, Oid, Posture};

/// Where AGE keeps what is its own.
const AGE_SCHEMA: &str = "ag_catalog";

/// Where edu keeps what is its own.
const OWN_SCHEMA: &str = "edu";

/// The lines that the fingerprint is the hash of, sorted. Two postures are compared by them.
pub fn lines(posture: &Posture) -> Vec<String> {
    let posture = &*without_idle(posture);
    let names = names(posture);
    // An extension's own objects have other ids elsewhere, and their names stand in what refers to them.
    let name = |oid: &Oid| match names.ids.get(oid) {
        Some(name) => name.clone(),
        None if *oid >= FIRST_USER_OID => "?".to_owned(),
        None => oid.to_string(),
    };
    let trees: BTreeMap<&String, String> = posture
        .trees
        .iter()
        .map(|(md5, text)| (md5, canonical(text, &names)))
        .collect();
    let mut lines = vec![format!("server major {}", posture.server_version / 10_000)];
    for relation in &posture.relations {
        let mut value = json(relation);
        strip(&mut value, &["oid", "rows", "type_oid", "parents"]);
        let parents: Vec<String> = relation.parents.iter().map(name).collect();
        lines.push(format!("relation {value} parents {parents:?}"));
    }
    for policy in &posture.policies {
        let tree = |md5: &Option<String>| {
            md5.as_ref()
                .and_then(|md5| trees.get(md5))
                .cloned()
                .unwrap_or_default()
        };
        lines.push(format!(
            "policy {} {} {} {} {:?} using {} check {}",
            name(&policy.table),
            policy.name,
            policy.command,
            policy.permissive,
            policy.roles,
            tree(&policy.using_tree),
            tree(&policy.check_tree)
        ));
    }
    for function in &posture.functions {
        let mut value = json(function);
        strip(&mut value, &["oid", "tree"]);
        let tree = function.tree.as_deref().map(|text| canonical(text, &names));
        lines.push(format!("function {value} {tree:?}"));
    }
    for (kind, value, ids) in edges(posture) {
        let ends: Vec<String> = ids.iter().map(name).collect();
        lines.push(format!("{kind} {value} {ends:?}"));
    }
    lines.sort();
    lines
}

/// The posture without what decides nothing: AGE where there is no graph, for a server that preloads it wants the
/// extension in every database; and edu's own schema, which grows with what edu has done there. Both only
/// where none of the roles may use the schema.
fn without_idle(posture: &Posture) -> Cow<'_, Posture> {
    let is_closed = |name: &str| {
        let mut named = posture
            .schemas
            .iter()
            .filter(|one| one.name.as_deref() == Some(name));
        named.all(|one| one.used_by.is_empty() && one.created_by.is_empty())
    };
    let mut rest = Cow::Borrowed(posture);
    if posture.labels.is_empty() && is_closed(AGE_SCHEMA) {
        let rest = rest.to_mut();
        leave_out_schema(rest, AGE_SCHEMA, |one| one.extension);
        rest.functions
            .retain(|one| one.extension.as_deref() != Some("age"));
        rest.facts
            .retain(|one| one.kind != "extension" || one.subject != "age");
    }
    if is_closed(OWN_SCHEMA) {
        let rest = rest.to_mut();
        leave_out_schema(rest, OWN_SCHEMA, |_| true);
        rest.functions.retain(|one| one.schema != OWN_SCHEMA);
    }
    rest
}

/// Leaves a schema out, with those of its relations that are `own`.
fn leave_out_schema(posture: &mut Posture, schema: &str, own: fn(&Relation) -> bool) {
    let relations = posture.relations.iter();
    let own: BTreeSet<Oid> = relations
        .filter(|relation| relation.schema == schema && own(relation))
        .map(|relation| relation.oid)
        .collect();
    posture.relations.retain(|one| !own.contains(&one.oid));
    posture.indexes.retain(|one| !own.contains(&one.table));
    posture.foreign_keys.retain(|one| !own.contains(&one.table));
    posture.triggers.retain(|one| !own.contains(&one.table));
    posture
        .schemas
        .retain(|one| one.name.as_deref() != Some(schema));
}

/// The fingerprint. Shape: 64 hexadecimal digits.
pub fn fingerprint(posture: &Posture) -> String {
    let mut hash = Sha256::new();
    for line in lines(posture) {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What is a value with ids in it.
fn edges(posture: &Posture) -> Vec<(&'static str, Value, Vec<Oid>)> {
    let mut all = Vec::new();
    let mut add = |kind, mut value: Value, ids: Vec<Oid>| {
        strip(
            &mut value,
            &["oid", "table", "target", "function", "reader", "read"],
        );
        all.push((kind, value, ids));
    };
    for key in &posture.foreign_keys {
        add("foreign key", json(key), vec![key.table, key.target]);
    }
    for index in &posture.indexes {
        add("index", json(index), vec![index.table]);
    }
    for trigger in &posture.triggers {
        let ids = [Some(trigger.table), trigger.function]
            .into_iter()
            .flatten()
            .collect();
        add("trigger", json(trigger), ids);
    }
    for read in &posture.reads {
        add("read", json(read), vec![read.reader, read.read]);
    }
    for role in &posture.roles {
        add("role", json(role), vec![]);
    }
    for schema in &posture.schemas {
        add("schema", json(schema), vec![]);
    }
    for label in &posture.labels {
        add("label", json(label), vec![label.table]);
    }
    for fact in &posture.facts {
        if !matches!(
            fact.kind.as_str(),
            "equality" | "inequality" | "keyword" | "routine" | "never" | "enum_value"
        ) {
            add("fact", json(fact), vec![fact.oid]);
        }
    }
    all
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn strip(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !keys.contains(&key.as_str()));
            map.values_mut().for_each(|inner| strip(inner, keys));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| strip(inner, keys)),
        _ => {}
    }
}

/// What ids are called.
struct Names {
    ids: BTreeMap<Oid, String>,
    /// Values of enumerations, by type and value: a constant holds the value's id.
    values: BTreeMap<(Oid, Oid), String>,
}

impl Names {
    /// What a constant of an enumeration says.
    fn enum_value(&self, fields: &[(String, Vec<Node>)]) -> Option<&String> {
        let field = |name: &str| fields.iter().find(|(field, _)| field == name);
        let Node::Word(of_type) = field("consttype")?.1.first()? else {
            return None;
        };
        let Node::Bytes(bytes) = field("constvalue")?.1.last()? else {
            return None;
        };
        // A value that is passed by value stands in the order of the server's bytes.
        let id: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
        let of_type: Oid = of_type.parse().ok()?;
        [Oid::from_le_bytes(id), Oid::from_be_bytes(id)]
            .iter()
            .find_map(|id| self.values.get(&(of_type, *id)))
    }
}

/// The names of everything with an id. Ids of PostgreSQL's own objects are the same everywhere.
fn names(posture: &Posture) -> Names {
    let relations = posture.relations.iter().map(|r| (r.oid, r.full_name()));
    let functions = posture
        .functions
        .iter()
        .map(|f| (f.oid, f.signature.clone()));
    let operators = posture.facts("operator").map(|f| (f.oid, f.text.clone()));
    let types = posture.relations.iter().flat_map(|r| &r.columns);
    let types = types.map(|c| {
        (
            c.type_oid,
            c.data_type.split('(').next().unwrap_or_default().to_owned(),
        )
    });
    let values = posture.facts("enum_value").filter_map(|fact| {
        let of_type = fact.subject.parse().ok()?;
        Some(((of_type, fact.oid), fact.text.clone()))
    });
    Names {
        values: values.collect(),
        ids: types
            .chain(operators)
            .chain(functions)
            .chain(relations)
            .collect(),
    }
}

/// A tree with names for ids. A tree that cannot be read stands for itself.
fn canonical(text: &str, names: &Names) -> String {
    let Some(node) = tree::parse(text) else {
        return text.to_owned();
    };
    let mut out = String::new();
    render(&node, names, &mut out);
    out
}

fn render(node: &Node, names: &Names, out: &mut String) {
    match node {
        Node::Struct(tag, fields) => {
            let _ = write!(out, "{{{tag}");
            let value = names.enum_value(fields).filter(|_| tag == "CONST");
            for (field, values) in fields {
                let _ = write!(out, " :{field}");
                if let Some(value) = value.filter(|_| field == "constvalue") {
                    let _ = write!(out, " {value}");
                    continue;
                }
                for value in values {
                    out.push(' ');
                    render(value, names, out);
                }
            }
            out.push('}');
        }
        Node::List(items) => {
            out.push('(');
            for item in items {
                render(item, names, out);
                out.push(' ');
            }
            out.push(')');
        }
        Node::Word(word) => match word.parse::<Oid>() {
            Ok(oid) if oid >= FIRST_USER_OID => {
                out.push_str(names.ids.get(&oid).map_or("?", String::as_str))
            }
            _ => out.push_str(word),
        },
        Node::Bytes(bytes) => {
            let _ = write!(out, "{bytes:?}");
        }
    }
}
