//! What tenant A can observe at all: every relation it reads, every function it calls, the outcome of
//! every write. In a world with tenant B it must be the same as in one without.

use super::attempt::Context;
use super::call::calls;
use super::world::{Row, Who, World, insert};
use crate::catalog::name::quote_ident;
use crate::posture::Relation;
use crate::spec::access::Rule;

/// One observation.
#[derive(Debug, Clone)]
pub struct Item {
    /// The object in reports.
    pub object: String,
    /// What is done, in words.
    pub what: String,
    /// The statement; a query gives rows whose text is compared.
    pub sql: String,
    /// The check that accepts a difference, with the object it accepts.
    pub accepted_by: Option<(&'static str, String)>,
    /// It may have changed rows that are not tenant A's.
    pub writes: bool,
}

/// Everything that `role` can observe in a context.
pub fn items(world: &World<'_>, role: &str, context: Context) -> Vec<Item> {
    let mut all = Vec::new();
    // Graph ids come from sequences, which no rollback resets: labels have attempts of their own.
    let readable = world
        .scene
        .posture
        .relations
        .iter()
        .filter(|r| !r.extension && r.kind != 'S' && !world.scene.is_label(r.oid));
    let readable = readable.filter(|relation| relation.grants(role, "r"));
    for relation in readable.filter(|relation| !everybodys(world, relation, role)) {
        all.push(read(relation));
    }
    let callable = world
        .scene
        .posture
        .functions
        .iter()
        .filter(|f| !f.trigger && f.extension.is_none() && matches!(f.kind, 'f' | 'p' | 'a'));
    for function in callable.filter(|function| function.callers.iter().any(|caller| caller == role))
    {
        all.extend(calls(world, function));
    }
    if context == Context::A1 {
        for relation in world
            .scene
            .posture
            .relations
            .iter()
            .filter(|relation| !relation.extension)
        {
            all.extend(writes(world, relation, role));
        }
    }
    all
}

/// Every row is promised to the role, whoever wrote it: what it shows depends on others, and is to.
fn everybodys(world: &World<'_>, relation: &Relation, role: &str) -> bool {
    let promise = world.scene.promise(relation);
    promise
        .and_then(|promise| promise.roles.get(role))
        .is_some_and(|rules| rules.select == Rule::Any)
}

pub(super) fn item(object: &str, what: impl Into<String>, sql: String) -> Item {
    Item {
        object: object.to_owned(),
        what: what.into(),
        sql,
        accepted_by: None,
        writes: false,
    }
}

fn read(relation: &Relation) -> Item {
    let name = relation.full_name();
    // What a materialized view will hold is what its query gives now; refreshing it would block its readers.
    let (back, from) = match &relation.query {
        Some(query) => (
            "RESET ROLE; RESET SESSION AUTHORIZATION; ",
            format!("({query})"),
        ),
        None => ("", name.clone()),
    };
    let sql = format!(
        "{back}SELECT count(*)::text || ' rows ' || coalesce(md5(string_agg(x::text, '|' ORDER BY x::text)), '') FROM {from} x"
    );
    item(&name, "reads it", sql)
}

fn writes(world: &World<'_>, relation: &Relation, role: &str) -> Vec<Item> {
    let mut all = Vec::new();
    let name = relation.full_name();
    if relation.kind == 'v' {
        if let Some(column) = relation.columns.iter().find(|_| relation.grants(role, "w")) {
            let column = quote_ident(&column.name);
            all.push(Item {
                writes: true,
                ..item(
                    &name,
                    "changes rows through it",
                    format!("UPDATE {name} SET {column} = {column}"),
                )
            });
        }
        if relation.grants(role, "d") {
            all.push(Item {
                writes: true,
                ..item(
                    &name,
                    "deletes rows through it",
                    format!("DELETE FROM {name}"),
                )
            });
        }
        return all;
    }
    if world.shape(relation.oid).is_none() || world.scene.promise(relation).is_none() {
        return all;
    }
    let own = world.row(relation.oid, Who::A1, "write");
    if relation.grants(role, "a") {
        let returning = |row: &Row| {
            format!(
                "{} RETURNING md5({}::text)",
                insert(relation, row),
                quote_ident(&relation.name)
            )
        };
        all.push(Item {
            writes: true,
            ..item(&name, "adds a row", returning(&own))
        });
        all.extend(references(world, relation, &own, role));
        if !everybodys(world, relation, role) {
            all.extend(collisions(world, relation, &own));
        }
    }
    let keyed = world.condition(relation.oid, &world.row(relation.oid, Who::A1, ""));
    if let (true, Some(column)) = (relation.grants(role, "w"), relation.columns.last()) {
        let column = quote_ident(&column.name);
        let sql = format!("UPDATE {name} SET {column} = {column} WHERE {keyed}");
        all.push(Item {
            writes: true,
            ..item(&name, "changes its own row", sql)
        });
    }
    if relation.grants(role, "d") {
        all.push(Item {
            writes: true,
            ..item(
                &name,
                "deletes its own row",
                format!("DELETE FROM {name} WHERE {keyed}"),
            )
        });
    }
    all
}

/// For each foreign key: a row of A's that points at B's.
fn references(world: &World<'_>, relation: &Relation, own: &Row, role: &str) -> Vec<Item> {
    let theirs = world.row(relation.oid, Who::B1, "");
    let tenant = world.scene.tenant_number(relation);
    let keys = world.keys(relation.oid).iter().filter(|key| {
        !key.inherited
            && Some(key.target)
                != world
                    .scene
                    .access
                    .root
                    .as_ref()
                    .and_then(|root| world.scene.named(root))
                    .map(|r| r.oid)
    });
    let secret = |target: &Relation| !everybodys(world, target, role);
    keys.filter(|key| key.target != relation.oid)
        .filter(|key| {
            let target = world.scene.relations.get(&key.target);
            target.is_none_or(|target| secret(target))
        })
        .map(|key| {
            let pointed = |column: &String| {
                let number = relation.column(column).map(|column| column.number);
                number.is_some_and(|number| key.columns.contains(&number) && Some(number) != tenant)
            };
            let row: Row = own
                .iter()
                .map(|(column, value)| {
                    let foreign = theirs
                        .iter()
                        .find(|(name, _)| name == column && pointed(name));
                    (
                        column.clone(),
                        foreign.map_or_else(|| value.clone(), |(_, value)| value.clone()),
                    )
                })
                .collect();
            let object = format!("{}.{}", relation.full_name(), quote_ident(&key.name));
            Item {
                accepted_by: Some(("foreign-key-without-tenant", object.clone())),
                ..item(
                    &object,
                    "adds a row that points at tenant B's",
                    insert(relation, &row),
                )
            }
        })
        .collect()
}

/// For each unique index: a row of A's with B's value.
fn collisions(world: &World<'_>, relation: &Relation, own: &Row) -> Vec<Item> {
    let theirs = world.row(relation.oid, Who::B1, "");
    let tenant = world.scene.tenant_number(relation);
    // The key itself collides whatever else does: it is random, and judged by the static check.
    let keyed = |number: i32| {
        world
            .shape(relation.oid)
            .is_some_and(|shape| shape.key.contains(&number))
    };
    let carrying = world.scene.carrying_number(relation);
    let unique = world.scene.posture.indexes.iter().filter(|index| {
        index.table == relation.oid
            && index.is_unique
            && !carrying.is_some_and(|number| index.columns.contains(&number))
            && !index.is_primary
            && !index.columns.contains(&0)
    });
    unique
        .map(|index| {
            let row: Row = own
                .iter()
                .map(|(column, value)| {
                    let number = relation.column(column).map(|column| column.number);
                    let taken = number.is_some_and(|number| {
                        index.columns.contains(&number) && Some(number) != tenant && !keyed(number)
                    });
                    let foreign = theirs.iter().find(|(name, _)| name == column && taken);
                    (
                        column.clone(),
                        foreign.map_or_else(|| value.clone(), |(_, value)| value.clone()),
                    )
                })
                .collect();
            let object = match index.is_constraint {
                true => format!("{}.{}", relation.full_name(), quote_ident(&index.name)),
                false => format!(
                    "{}.{}",
                    quote_ident(&index.schema),
                    quote_ident(&index.name)
                ),
            };
            Item {
                accepted_by: Some(("unique-without-tenant", object.clone())),
                ..item(
                    &object,
                    "adds a row with tenant B's value",
                    insert(relation, &row),
                )
            }
        })
        .collect()
}
