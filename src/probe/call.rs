//! Calls of a function with the ids of both tenants, and with what stands in its own text.

use std::collections::BTreeSet;

use super::shape::ColumnShape;
use super::transcript::{Item, item};
use super::value::{literal, mine, uuid};
use super::world::{Who, World};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::posture::Function;

/// Whether the function is listed as a door: something that is asked before the tenant is known.
fn door(world: &World<'_>, function: &Function) -> bool {
    world.scene.access.functions.iter().any(|listed| {
        let found = world
            .scene
            .posture
            .declared_functions
            .get(&listed.function.to_string());
        listed.door.is_some() && found == Some(&function.oid)
    })
}

/// How many calls one function gets.
pub(super) const CALLS_MAX: usize = 12;

/// Values for an argument of a type, NULL last.
fn options_of(data_type: &str, ids: &[String], mined: &[String]) -> Vec<String> {
    let mut options: Vec<String> = match data_type {
        "uuid" => ids
            .iter()
            .filter(|id| id.len() > 3)
            .map(|id| format!("({id})::uuid"))
            .collect(),
        "text" | "character varying" => {
            let words = mined.iter().filter_map(|text| quote_literal(text).ok());
            ids.iter().cloned().chain(words.take(4)).collect()
        }
        "integer" | "bigint" | "smallint" => ["10", "1", "0", "2"].map(str::to_owned).to_vec(),
        "double precision" | "real" | "numeric" => vec!["0".into(), "1".into()],
        "boolean" => vec!["true".into(), "false".into()],
        "json" | "jsonb" => ids.iter().map(|id| object(data_type, id, mined)).collect(),
        _ if data_type.ends_with("[]") => {
            let element = data_type.trim_end_matches("[]");
            let mut each = options_of(element, ids, mined);
            each.truncate(each.len().saturating_sub(1));
            let each = each.into_iter();
            each.map(|one| format!("ARRAY[{one}]::{data_type}"))
                .collect()
        }
        _ => {
            let base = data_type.rsplit('.').next().unwrap_or(data_type).to_owned();
            let column = ColumnShape {
                number: 0,
                name: String::new(),
                data_type: data_type.to_owned(),
                base,
                category: String::new(),
                length: -1,
                labels: Vec::new(),
                not_null: false,
                automatic: false,
                generated: false,
                keyed: false,
                checks: Vec::new(),
            };
            literal(&column, "argument").into_iter().collect()
        }
    };
    options.push(format!("NULL::{data_type}"));
    options
}

/// An object that has an id under every name that stands in the function's text.
fn object(data_type: &str, id: &str, mined: &[String]) -> String {
    let names = mined.iter().filter_map(|text| quote_literal(text).ok());
    let pairs: Vec<String> = names.take(8).map(|name| format!("{name}, {id}")).collect();
    format!(
        "pg_catalog.jsonb_build_object({})::{data_type}",
        pairs.join(", ")
    )
}

/// Calls with the ids of both tenants, and with what stands in the function's own text.
pub(super) fn calls(world: &World<'_>, function: &Function) -> Vec<Item> {
    let mined: Vec<String> = function.body.as_deref().map(mine).unwrap_or_default();
    // A door tells whoever knows the secret; it is tried without one.
    let ids: Vec<String> = match door(world, function) {
        true => vec![
            format!("'{}'", uuid("nobody's")),
            "'%'".to_owned(),
            "''".to_owned(),
        ],
        false => [Who::B1, Who::A1]
            .into_iter()
            .flat_map(|who| [world.tenant_id(who), world.user_id(who)])
            .flatten()
            .collect(),
    };
    let options: Vec<Vec<String>> = function
        .arguments
        .iter()
        .map(|argument| options_of(argument, &ids, &mined))
        .collect();
    let width = options
        .iter()
        .map(Vec::len)
        .max()
        .unwrap_or(1)
        .min(CALLS_MAX);
    let name = format!(
        "{}.{}",
        quote_ident(&function.schema),
        quote_ident(&function.name)
    );
    let mut seen = BTreeSet::new();
    (0..width)
        .map(|round| options.iter().map(|o| o[round.min(o.len() - 1)].clone()).collect::<Vec<_>>().join(", "))
        .filter(|arguments| seen.insert(arguments.clone()))
        .map(|arguments| {
            let sql = match function.kind {
                'p' => format!("CALL {name}({arguments})"),
                'a' => format!("SELECT {name}({arguments})::text"),
                _ => format!(
                    "SELECT count(*)::text || ' rows ' || coalesce(md5(string_agg(x::text, '|' ORDER BY x::text)), '') FROM {name}({arguments}) x"
                ),
            };
            Item { writes: function.volatility == 'v', ..item(&function.signature, "calls it", sql) }
        })
        .collect()
}
