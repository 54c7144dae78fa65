//! The tenant column, its index, and what else a table needs.

use super::Found;
use super::tables::tables;
use crate::catalog::name::quote_ident;
use crate::posture::scene::Scene;

pub(super) fn loose(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let root = scene
        .access
        .root
        .as_ref()
        .and_then(|root| scene.named(root));
    for table in tables(scene)
        .filter(|t| t.secured && !t.partition && !scene.is_label(t.oid) && !scene.is_root(t))
    {
        let Some(column) = scene
            .tenant_column(table)
            .and_then(|name| table.column(name))
        else {
            continue;
        };
        let (name, tenant) = (table.full_name(), quote_ident(&column.name));
        if !column.not_null {
            found.push(
                Found::new(
                    &name,
                    format!(
                        "{name}.{tenant} may be NULL: such a row belongs to nobody, or to everybody"
                    ),
                )
                .fix(format!(
                    "ALTER TABLE {name} ALTER COLUMN {tenant} SET NOT NULL;"
                )),
            );
        }
        let Some(root) = root else { continue };
        let keyed = scene.posture.foreign_keys.iter().any(|key| {
            key.table == table.oid && key.target == root.oid && key.columns == [column.number]
        });
        if !keyed {
            found.push(Found::new(&name, format!("{name}.{tenant} is no foreign key to {}: a row may name a tenant that does not exist", root.full_name())));
        }
    }
    found
}

pub(super) fn unindexed(scene: &Scene<'_>) -> Vec<Found> {
    let mut led: std::collections::BTreeSet<(u32, i32)> = std::collections::BTreeSet::new();
    let whole = scene
        .posture
        .indexes
        .iter()
        .filter(|index| index.valid && !index.partial);
    led.extend(whole.filter_map(|index| Some((index.table, *index.columns.first()?))));
    tables(scene)
        .filter(|table| table.secured && !scene.is_label(table.oid))
        .filter_map(|table| {
            let number = scene.carrying_number(table).filter(|number| !led.contains(&(table.oid, *number)))?;
            let column = table.columns.iter().find(|column| column.number == number)?;
            let (name, tenant) = (table.full_name(), &column.name);
            let found = Found::new(&name, format!("no index of {name} is led by {tenant}: every query of every tenant reads the whole table"));
            Some(found.fix(format!("CREATE INDEX ON {name} ({});", quote_ident(tenant))))
        })
        .collect()
}

pub(super) fn schema(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (table, promise) in scene.promised() {
        for role in promise.roles.keys() {
            let usable = scene.posture.schemas.iter().any(|schema| {
                schema.name.as_ref() == Some(&table.schema) && schema.used_by.contains(role)
            });
            if !usable && scene.posture.roles.iter().any(|reach| reach.role == *role) {
                let name = table.full_name();
                found.push(
                    Found::new(
                        &name,
                        format!("{role} may not use the schema of {name}: permission denied"),
                    )
                    .fix(format!(
                        "GRANT USAGE ON SCHEMA {} TO {};",
                        quote_ident(&table.schema),
                        quote_ident(role)
                    )),
                );
            }
        }
    }
    found
}

pub(super) fn immutable(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (table, promise) in scene.promised() {
        for column in promise
            .immutable
            .iter()
            .filter_map(|name| table.column(name))
        {
            for role in promise.roles.keys() {
                if table.grants(role, "W") || column.writers.contains(role) {
                    let (name, column) = (table.full_name(), quote_ident(&column.name));
                    found.push(
                        Found::new(
                            format!("{name}.{column}"),
                            format!("{role} may update {name}.{column}, which must not change"),
                        )
                        .command("UPDATE")
                        .fix(format!(
                            "REVOKE UPDATE ON {name} FROM {};",
                            quote_ident(role)
                        )),
                    );
                }
            }
        }
    }
    found
}

pub(super) fn owner(scene: &Scene<'_>) -> Vec<Found> {
    tables(scene)
        .filter(|table| table.secured && table.owner_bypasses)
        .map(|table| {
            let name = table.full_name();
            Found::new(&name, format!("{name} belongs to {}, which no policy binds: a view or function of that owner shows all tenants", table.owner))
        })
        .collect()
}
