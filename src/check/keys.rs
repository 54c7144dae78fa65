//! Keys: foreign keys and unique indexes ignore policies, so the tenant has to be part of them.

use super::Found;
use crate::catalog::name::quote_ident;
use crate::posture::scene::Scene;
use crate::posture::{Column, ForeignKey, Index, Relation};

pub(super) fn without_tenant(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for key in scene
        .posture
        .foreign_keys
        .iter()
        .filter(|key| !key.inherited)
    {
        let (Some(table), Some(target)) = (
            scene.relations.get(&key.table),
            scene.relations.get(&key.target),
        ) else {
            continue;
        };
        let (Some(from), Some(to)) = (scene.tenant_number(table), scene.tenant_number(target))
        else {
            found.extend(indirect(scene, key, table, target));
            continue;
        };
        if key
            .columns
            .iter()
            .zip(&key.target_columns)
            .any(|pair| pair == (&from, &to))
        {
            continue;
        }
        let (name, other) = (table.full_name(), target.full_name());
        let object = format!("{name}.{}", quote_ident(&key.name));
        let message = format!(
            "a row of tenant A in {name} can point at a row of tenant B in {other}: its id is confirmed, and deleting one touches the other"
        );
        found.push(Found::new(object, message).fix(composite(
            table,
            target,
            key.columns.as_slice(),
            &key.target_columns,
            (from, to),
        )));
    }
    found
}

/// A key where one side has its tenant from another table. The key that leads there is no other tenant's.
fn indirect(
    scene: &Scene<'_>,
    key: &ForeignKey,
    table: &Relation,
    target: &Relation,
) -> Option<Found> {
    let carrying = |relation: &Relation| scene.carrying_number(relation);
    let owner = |relation: &Relation| {
        let promise = scene.promise(relation)?;
        let number = relation.column(promise.owner.as_ref()?.first())?.number;
        Some((number, promise.tenant.is_none()))
    };
    // A table of which everybody reads the own rows alone.
    if let Some((_, true)) = owner(target)
        && owner(table).is_none_or(|(number, _)| key.columns != [number])
    {
        let (name, other) = (table.full_name(), target.full_name());
        let object = format!("{name}.{}", quote_ident(&key.name));
        let message = format!(
            "a row of {name} can point at another user's row in {other}: its id is confirmed"
        );
        return Some(Found::new(object, message));
    }
    let _ = carrying(target)?;
    let Some(from) = carrying(table) else {
        return open_to_protected(scene, key, table, target);
    };
    let leads = scene.tenant_number(table).is_none() && key.columns == [from];
    if leads {
        return None;
    }
    let (name, other) = (table.full_name(), target.full_name());
    Some(Found::new(
        format!("{name}.{}", quote_ident(&key.name)),
        format!(
            "a row of tenant A in {name} can point at a row of tenant B in {other}, and no key can hold both to one tenant: one of them has it from another table"
        ),
    ))
}

/// A key from a table that is everybody's to one whose rows are not.
fn open_to_protected(
    scene: &Scene<'_>,
    key: &ForeignKey,
    table: &Relation,
    target: &Relation,
) -> Option<Found> {
    let writes = |role: &String| table.grants(role, "a");
    let written = scene.promise(table).is_some() && scene.applications.iter().any(writes);
    let (name, other) = (table.full_name(), target.full_name());
    (written && !scene.is_root(target)).then(|| {
        Found::new(
            format!("{name}.{}", quote_ident(&key.name)),
            format!(
                "a row of {name}, which belongs to no tenant, can point at a row of tenant B in {other}: its id is confirmed"
            ),
        )
    })
}

fn composite(
    table: &Relation,
    target: &Relation,
    columns: &[i32],
    targets: &[i32],
    tenant: (i32, i32),
) -> String {
    let names = |relation: &Relation, first: i32, rest: &[i32]| {
        let name = |number: &i32| {
            relation
                .columns
                .iter()
                .find(|c| c.number == *number)
                .map(|c| quote_ident(&c.name))
        };
        std::iter::once(&first)
            .chain(rest)
            .filter_map(name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let theirs = names(target, tenant.1, targets);
    format!(
        "ALTER TABLE {other} ADD UNIQUE ({theirs}); ALTER TABLE {name} ADD FOREIGN KEY ({ours}) REFERENCES {other} ({theirs});",
        other = target.full_name(),
        name = table.full_name(),
        ours = names(table, tenant.0, columns)
    )
}

pub(super) fn unique(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for index in scene
        .posture
        .indexes
        .iter()
        .filter(|index| index.is_unique || index.exclusion)
    {
        let Some(table) = scene
            .relations
            .get(&index.table)
            .filter(|table| table.secured)
        else {
            continue;
        };
        let tenant = scene
            .carrying_number(table)
            .filter(|_| !scene.is_label(table.oid));
        let own = scene
            .promise(table)
            .and_then(|promise| promise.owner.as_ref());
        let own = own
            .and_then(|carried| table.column(carried.first()))
            .map(|column| column.number);
        let written = scene
            .applications
            .iter()
            .any(|role| table.grants(role, "aw"));
        let random = index.is_primary && index.columns.len() == 1 && generated(table, index);
        if written
            && !random
            && ![tenant, own]
                .into_iter()
                .flatten()
                .any(|number| index.columns.contains(&number))
        {
            let name = table.full_name();
            let object = match index.is_constraint {
                true => format!("{name}.{}", quote_ident(&index.name)),
                false => format!(
                    "{}.{}",
                    quote_ident(&index.schema),
                    quote_ident(&index.name)
                ),
            };
            let message =
                format!("a collision in {name} tells tenant A that the value exists in tenant B");
            found.push(Found::new(object, message));
        }
    }
    found
}

/// Whether the index is on one column whose values nobody chooses or guesses.
fn generated(table: &Relation, index: &Index) -> bool {
    const UUID: u32 = 2950;
    let on = |column: &&Column| Some(&column.number) == index.columns.first();
    table
        .columns
        .iter()
        .find(on)
        .is_some_and(|column| column.automatic || column.type_oid == UUID)
}

pub(super) fn unenforced(scene: &Scene<'_>) -> Vec<Found> {
    let loose = scene
        .posture
        .foreign_keys
        .iter()
        .filter(|key| !key.validated || !key.enabled);
    loose
        .filter_map(|key| {
            let name = scene.relations.get(&key.table)?.full_name();
            let constraint = quote_ident(&key.name);
            let (what, fix) = match key.validated {
                false => (
                    "is NOT VALID: rows from before may point anywhere",
                    format!("ALTER TABLE {name} VALIDATE CONSTRAINT {constraint};"),
                ),
                true => (
                    "has its triggers disabled",
                    format!("ALTER TABLE {name} ENABLE TRIGGER ALL;"),
                ),
            };
            Some(
                Found::new(
                    format!("{name}.{constraint}"),
                    format!("foreign key {constraint} of {name} {what}"),
                )
                .fix(fix),
            )
        })
        .collect()
}

pub(super) fn missing(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let tables: Vec<&Relation> = scene
        .posture
        .relations
        .iter()
        .filter(|r| r.is_table() && r.secured)
        .collect();
    let by_name: std::collections::BTreeMap<(&str, &str), &Relation> = tables
        .iter()
        .map(|table| ((table.schema.as_str(), table.name.as_str()), *table))
        .collect();
    let keyed: std::collections::BTreeSet<(u32, i32)> = scene
        .posture
        .foreign_keys
        .iter()
        .flat_map(|key| key.columns.iter().map(|column| (key.table, *column)))
        .collect();
    for table in tables.iter().filter(|table| !table.partition) {
        for column in &table.columns {
            let Some(stem) = column.name.strip_suffix("_id") else {
                continue;
            };
            let target = [stem.to_owned(), format!("{stem}s"), format!("{stem}es")]
                .iter()
                .find_map(|name| {
                    by_name
                        .get(&(table.schema.as_str(), name.as_str()))
                        .copied()
                });
            if let (Some(target), false) = (target, keyed.contains(&(table.oid, column.number))) {
                let (name, column) = (table.full_name(), quote_ident(&column.name));
                let message = format!(
                    "{name}.{column} looks like a reference to {} and has no foreign key",
                    target.full_name()
                );
                found.push(Found::new(format!("{name}.{column}"), message));
            }
        }
    }
    found
}
