//! Writes down what tenant A observes in a world with tenant B and in one without, and compares.

use sqlx::postgres::PgConnection;

use super::attempt::{attempt, one, run, undo};
use super::probe::Prober;
use super::seed;
use crate::failure::Result;
use crate::posture::finding::{Engine, Finding, Severity};
use crate::probe::attempt::Context;
use crate::probe::transcript::{Item, items};
use crate::probe::world::Who;

impl Prober<'_> {
    /// What tenant A observes, with tenant B and without.
    pub(super) async fn interference(&mut self, connection: &mut PgConnection) -> Result<()> {
        if !self.manner.in_use {
            seed::refresh(connection, self.world).await?;
        }
        let with = self.observe(connection, true).await?;
        run(connection, "ROLLBACK TO SAVEPOINT edu_world").await?;
        seed::rows(
            connection,
            self.world,
            &[Who::A1, Who::A2],
            self.manner.superuser,
        )
        .await?;
        seed::variants(connection, self.world, &[Who::A2]).await?;
        if !self.manner.in_use {
            seed::refresh(connection, self.world).await?;
        }
        let without = self.observe(connection, false).await?;
        let again = self.observe(connection, false).await?;
        for (((role, context, item, seen), (.., alone)), (.., repeated)) in
            with.iter().zip(&without).zip(&again)
        {
            if seen != alone && alone == repeated {
                let message = format!(
                    "{}, as {role}, {}: the outcome depends on tenant B (with it: {}; without: {})",
                    context.as_str(),
                    item.what,
                    short(seen),
                    short(alone)
                );
                self.probed.findings.push(
                    Finding::new(
                        Engine::Probe,
                        Severity::Error,
                        "tenants-interfere",
                        item.object.clone(),
                        message,
                    )
                    .reproduce(item.sql.clone()),
                );
            }
        }
        Ok(())
    }

    async fn observe(
        &mut self,
        connection: &mut PgConnection,
        guarded: bool,
    ) -> Result<Vec<(String, Context, Item, String)>> {
        let foreign = seed::foreign(self.world);
        let before = one(connection, &foreign).await?;
        let mut all = Vec::new();
        for role in &self.world.scene.applications {
            for context in [Context::Empty, Context::A1] {
                run(connection, &self.enter(context, role, false)?).await?;
                for item in items(self.world, role, context) {
                    if let Some((check, object)) = &item.accepted_by
                        && self.world.scene.access.exception(check, object).is_some()
                    {
                        continue;
                    }
                    let outcome = attempt(connection, &item.sql).await?;
                    self.probed.attempts += 1;
                    if guarded && item.writes && outcome.error.is_none() {
                        run(connection, "RESET ROLE; RESET SESSION AUTHORIZATION").await?;
                        if one(connection, &foreign).await? != before {
                            let message = format!(
                                "{}, as {role}, {}: rows of tenant B changed",
                                context.as_str(),
                                item.what
                            );
                            self.probed.findings.push(
                                Finding::new(
                                    Engine::Probe,
                                    Severity::Error,
                                    "foreign-rows-changed",
                                    item.object.clone(),
                                    message,
                                )
                                .reproduce(item.sql.clone()),
                            );
                        }
                    }
                    undo(connection).await?;
                    let seen = match outcome.error {
                        // A constraint's error names the constraint, and which of two is met first is told by
                        // the finding about the other.
                        Some(code) if code.starts_with("23") => code,
                        Some(code) => format!("{code} {}", outcome.message),
                        None => format!("{} {}", outcome.rows, outcome.text),
                    };
                    all.push((role.clone(), context, item, seen));
                }
                run(
                    connection,
                    "ROLLBACK TO SAVEPOINT edu_context; RELEASE SAVEPOINT edu_context",
                )
                .await?;
            }
        }
        Ok(all)
    }
}

fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(60).collect()
}
