//! Names in a function's text, looked up as PostgreSQL would in every session.

use super::{Function, Oid, Posture, Relation};

/// The relation that a name means. Shape: nothing when another session could mean another one.
pub(super) fn relation<'a>(
    posture: &'a Posture,
    function: &Function,
    schema: Option<&str>,
    name: &str,
) -> Option<&'a Relation> {
    let in_schema = |schema: &str| {
        posture
            .relations
            .iter()
            .find(|relation| relation.schema == schema && relation.name == name)
    };
    if let Some(schema) = schema {
        return in_schema(schema);
    }
    match path(function) {
        Some(path) => path.iter().find_map(|schema| in_schema(schema)),
        None if function.definer => None,
        None => {
            let mut all = posture
                .relations
                .iter()
                .filter(|relation| relation.name == name);
            all.next().filter(|_| all.next().is_none())
        }
    }
}

/// The schemas of the function's search_path. Shape: nothing when it has none of its own, or when a
/// temporary table could stand in front: pg_temp has to be named, last.
pub(super) fn path(function: &Function) -> Option<Vec<String>> {
    let setting = function
        .settings
        .iter()
        .find_map(|setting| setting.strip_prefix("search_path="))?;
    let mut schemas: Vec<String> = setting
        .split(',')
        .map(|schema| schema.trim().trim_matches('"').to_owned())
        .collect();
    let last = schemas.pop()?;
    let fixed = schemas
        .iter()
        .all(|schema| schema != "$user" && !schema.starts_with("pg_temp"));
    let first = !schemas.iter().skip(1).any(|schema| schema == "pg_catalog");
    (last == "pg_temp" && fixed && first).then_some(schemas)
}

/// A function of the database by its name and number of arguments, where there is one.
pub(super) fn function(
    posture: &Posture,
    schema: Option<&str>,
    name: &str,
    arguments: usize,
) -> Option<Oid> {
    let mut all = posture.functions.iter().filter(|function| {
        function.name == name
            && function.arguments.len() == arguments
            && schema.is_none_or(|schema| function.schema == schema)
    });
    let found = all.next()?;
    all.next().is_none().then_some(found.oid)
}
