//! Becoming whoever writes a block, inside the context that it names.

use sqlx::postgres::PgConnection;

use super::value::Found;
use super::{Plan, plain};
use crate::failure::{Failure, Result};
use crate::pg::error::failure;
use crate::pg::session;
use crate::spec::manifest::Manifest;
use crate::spec::seed::{Cell, Seed, SeedTable, Value, WriterRole};

/// Whether edu.toml names what a block needs.
///
/// # Errors
/// Exit 2 with the block's place.
pub(super) fn check(manifest: &Manifest, seed: &Seed, table: &SeedTable) -> Result<()> {
    let writer = &table.writer;
    let application = writer.role == WriterRole::Application;
    let missing = [
        (
            application,
            manifest.roles.application.is_some(),
            "roles.application",
        ),
        (
            writer.tenant.is_some(),
            manifest.context.tenant.is_some(),
            "context.tenant",
        ),
        (
            writer.user.is_some(),
            manifest.context.user.is_some(),
            "context.user",
        ),
    ]
    .into_iter()
    .find(|(needed, given, _)| *needed && !given);
    match missing {
        None => Ok(()),
        Some((_, _, key)) => Err(Failure::usage(format!(
            "edu.toml does not say {key}, which this block needs"
        ))
        .at(seed.excerpt(table, table.span.clone(), "here"))),
    }
}

/// Whose context the session is in.
#[derive(Default)]
pub(super) struct Entered {
    table: Option<usize>,
    /// Settings that were given a value in this transaction. They cannot be unset, only emptied.
    set: Vec<String>,
}

impl Entered {
    /// Becomes whoever writes the block, unless the session is that already.
    pub async fn enter(
        &mut self,
        connection: &mut PgConnection,
        plan: &Plan<'_>,
        found: &Found,
        table: usize,
    ) -> Result<()> {
        if self.table == Some(table) {
            return Ok(());
        }
        self.table = Some(table);
        let (manifest, block) = (plan.manifest, &plan.seed.tables[table]);
        let role = match block.writer.role {
            WriterRole::Owner => &manifest.roles.owner,
            WriterRole::Application => &manifest.roles.application,
        };
        session::run(connection, "RESET ROLE", "enter the writer's role").await?;
        let context = block.writer.context().next().is_some();
        for (setting, cell) in [
            (&manifest.context.tenant, &block.writer.tenant),
            (&manifest.context.user, &block.writer.user),
        ] {
            let Some(setting) = setting else { continue };
            let value = match cell {
                Some(cell) => id(plan, block, cell, found)?,
                // Within a tenant's context the user is empty, not what a pool left behind.
                None if context || self.set.contains(setting) => String::new(),
                None => continue,
            };
            sqlx::query("SELECT pg_catalog.set_config($1, $2, true)")
                .bind(setting)
                .bind(value)
                .execute(&mut *connection)
                .await
                .map_err(|error| {
                    failure(&format!("enter the context for {}", block.name), &error)
                        .at(plan.seed.excerpt(block, block.span.clone(), "here"))
                })?;
            if !self.set.contains(setting) {
                self.set.push(setting.clone());
            }
        }
        session::become_role_locally(connection, role.as_deref()).await
    }
}

fn id(plan: &Plan<'_>, block: &SeedTable, cell: &Cell, found: &Found) -> Result<String> {
    match &cell.value {
        Value::Text(text) => Ok(text.clone()),
        value => match value.references().first() {
            Some(reference) => plan
                .resolve(block, cell, reference, found)
                .map(|value| plain(&value)),
            None => Ok(String::new()),
        },
    }
}
