//! Whether a plan may be carried out: no hazard that was not taken on, and nothing moved since it was made.

use super::{FORMAT, Plan};
use crate::failure::{Exit, Failure, Result};
use crate::sql::hazard::Allowance;

impl Plan {
    /// Refuses a plan with a hazard that its file does not allow.
    ///
    /// # Errors
    /// Exit 8 with every such hazard, its place, and the line to put into the file. Nothing ran.
    pub fn refuse_hazards(&self) -> Result<()> {
        let stopping: Vec<_> = self
            .hazards()
            .filter(|(_, _, hazard)| hazard.stops)
            .collect();
        let Some((path, _, first)) = stopping.first() else {
            return Ok(());
        };
        let entry = first.id.entry();
        let mut failure = Failure::refused(format!(
            "\"{path}\" has the hazard {}, which it does not allow",
            entry.id
        ));
        for (path, line, hazard) in &stopping {
            failure = failure.detail(format!(
                "{path}:{line}: {}: {}.",
                hazard.id.id(),
                hazard.message
            ));
        }
        failure = failure.detail("Nothing was run.");
        if entry.allowance == Allowance::Refused {
            return Err(failure.hint(format!("{} (edu explain {})", entry.fix, entry.id)));
        }
        let mut lines: Vec<String> = Vec::new();
        for (_, _, hazard) in stopping.iter().filter(|(other, _, _)| other == path) {
            let line = format!("-- edu: allow {} reason=\"…\"", hazard.id.id());
            if hazard.id.entry().allowance == Allowance::Needed && !lines.contains(&line) {
                lines.push(line);
            }
        }
        Err(failure.hint(format!(
            "See edu explain {}; or take it on at the top of the file:\n{}",
            entry.id,
            lines.join("\n")
        )))
    }

    /// Compares this plan, made now, with one that was made before.
    ///
    /// # Errors
    /// Exit 4 when the files, the schema history or the relations differ from what the plan was made for;
    /// exit 8 when another edu or another form made it.
    pub fn refuse_if_moved(&self, before: &Plan) -> Result<()> {
        let again = "Make the plan anew: edu db plan --out plan.json";
        if before.format != FORMAT || before.edu != self.edu {
            return Err(
                Failure::refused("the plan was made by another version of edu")
                    .detail(format!(
                        "The plan: edu {}, form {}; this is edu {}, form {FORMAT}.",
                        before.edu, before.format, self.edu
                    ))
                    .hint(again),
            );
        }
        let moved = |what: String| {
            Failure::new(Exit::History, what)
                .detail("Nothing was run.")
                .hint(again)
        };
        if before.database != self.database || before.major != self.major {
            return Err(
                moved("the plan was made for another database".to_owned()).detail(format!(
                    "The plan: \"{}\" on PostgreSQL {}; this is \"{}\" on PostgreSQL {}.",
                    before.database, before.major, self.database, self.major
                )),
            );
        }
        if before.made_for.history != self.made_for.history {
            return Err(moved(
                "the schema history changed since the plan was made".to_owned(),
            ));
        }
        let files = |plan: &Plan| -> Vec<(String, String)> {
            let all = plan.migrations.iter();
            all.map(|one| (one.path.clone(), one.checksum.clone()))
                .collect()
        };
        let (then, now) = (files(before), files(self));
        if then != now {
            let changed: Vec<&str> = then
                .iter()
                .chain(&now)
                .filter(|file| !(then.contains(file) && now.contains(file)))
                .map(|(path, _)| path.as_str())
                .collect();
            let first = changed.first().copied().unwrap_or("migrations");
            return Err(moved(format!(
                "\"{first}\" changed since the plan was made"
            )));
        }
        if before.made_for.relations != self.made_for.relations {
            return Err(moved(
                "a table that the plan changes has changed since it was made".to_owned(),
            ));
        }
        Ok(())
    }
}

/// A size in words: "12 GB".
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 10 * 1024 && unit + 1 < UNITS.len() {
        value /= 1024;
        unit += 1;
    }
    format!("{value} {}", UNITS[unit])
}
