//! What can go wrong when a migration meets a live database: one table of names, consequences and fixes.
//!
//! A hazard's id never changes: it stands in files after `-- edu: allow`. Which statement has which
//! hazard is the business of [`super::effect`]; whether it stops a run is the plan's.

use serde::{Deserialize, Serialize};

/// A hazard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hazard {
    /// Rows or values go and do not come back.
    DataLoss,
    /// Every row is overwritten in one statement.
    UpdateAllRows,
    /// A lock that blocks everybody is kept while other work goes on.
    ExclusiveLock,
    /// The table is written anew under a lock that blocks everybody.
    TableRewrite,
    /// The table is read to its end under a lock that blocks.
    TableScanUnderLock,
    /// An index is built while writers wait.
    IndexBlocksWrites,
    /// Code that runs now uses a name that goes.
    BreaksRunningCode,
    /// Row-level security is taken off.
    WeakensIsolation,
    /// Somebody reaches more rows, or may do more, than before.
    WidenedAccess,
    /// An index of a graph's label table is built concurrently.
    ConcurrentIndexOnGraph,
    /// What the statement does is not in its text.
    NotAnalysable,
}

/// What an allowance can do about a hazard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// It stops a run until the file allows it.
    Needed,
    /// It never stops a run.
    NotNeeded,
    /// It always stops a run.
    Refused,
}

/// All that is said about a hazard.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The hazard.
    pub hazard: Hazard,
    /// Its name in files and reports.
    pub id: &'static str,
    /// One sentence: what it is.
    pub title: &'static str,
    /// What happens to users of the database.
    pub consequence: &'static str,
    /// SQL that has it.
    pub example: &'static str,
    /// What to do instead.
    pub fix: &'static str,
    /// SQL without it, or the line that takes it on.
    pub fixed: &'static str,
    /// What an allowance can do.
    pub allowance: Allowance,
}

/// Every hazard, in the order of the enumeration.
pub const ALL: &[Entry] = &[
    Entry {
        hazard: Hazard::DataLoss,
        id: "data-loss",
        title: "Rows or values are deleted and can only come back from a backup.",
        consequence: "What is dropped, truncated or deleted is gone once the migration is committed, and code that still uses it fails.",
        example: "ALTER TABLE app.note DROP COLUMN body;",
        fix: "Take the object out of use in one release and drop it in a later one, after a backup; then say so in the file.",
        fixed: "-- edu: allow data-loss reason=\"unused since release 41, backed up\"\nALTER TABLE app.note DROP COLUMN body;",
        allowance: Allowance::Needed,
    },
    Entry {
        hazard: Hazard::UpdateAllRows,
        id: "update-all-rows",
        title: "An UPDATE without WHERE overwrites every row of the table.",
        consequence: "The old values are lost, every row stays locked until the end of the transaction, and the table doubles in size until it is vacuumed.",
        example: "UPDATE app.note SET lang = 'en';",
        fix: "Update in batches of some thousand rows by key range, each in its own transaction, and say which rows are meant.",
        fixed: "-- edu: no-transaction\nUPDATE app.note SET lang = 'en' WHERE lang IS NULL AND id BETWEEN 1 AND 10000;",
        allowance: Allowance::Needed,
    },
    Entry {
        hazard: Hazard::ExclusiveLock,
        id: "exclusive-lock",
        title: "A lock that blocks reads and writes is kept while a later statement works.",
        consequence: "A lock is kept until the transaction ends. Every query on the table waits for as long as the rest of the file takes.",
        example: "ALTER TABLE app.note ADD COLUMN lang text;\nCREATE INDEX note_title ON app.note (title);",
        fix: "Put the statement that needs the strong lock into a file of its own, or after the long work.",
        fixed: "-- V8__lang.sql\nALTER TABLE app.note ADD COLUMN lang text;",
        allowance: Allowance::Needed,
    },
    Entry {
        hazard: Hazard::TableRewrite,
        id: "table-rewrite",
        title: "The whole table and all its indexes are written anew.",
        consequence: "Reads and writes wait until every row is copied; the disk needs room for a second copy.",
        example: "ALTER TABLE app.note ALTER COLUMN views TYPE bigint;",
        fix: "Add a new column, fill it in batches, switch the code over, and drop the old one in a later release.",
        fixed: "ALTER TABLE app.note ADD COLUMN views_big bigint;",
        allowance: Allowance::Needed,
    },
    Entry {
        hazard: Hazard::TableScanUnderLock,
        id: "table-scan-under-lock",
        title: "Every row is checked while others wait.",
        consequence: "The lock is kept until the last row is read; writers, and for most forms readers, wait.",
        example: "ALTER TABLE app.note ADD CONSTRAINT note_len CHECK (length(title) < 200);",
        fix: "Add the constraint NOT VALID, which reads nothing, and validate it in a later file, which blocks nobody. For SET NOT NULL, validate CHECK (x IS NOT NULL) first.",
        fixed: "ALTER TABLE app.note ADD CONSTRAINT note_len CHECK (length(title) < 200) NOT VALID;\n-- in the next file:\nALTER TABLE app.note VALIDATE CONSTRAINT note_len;",
        allowance: Allowance::Needed,
    },
    Entry {
        hazard: Hazard::IndexBlocksWrites,
        id: "index-blocks-writes",
        title: "An index is built while no row can be written.",
        consequence: "INSERT, UPDATE and DELETE wait until the index is complete.",
        example: "CREATE INDEX note_title ON app.note (title);",
        fix: "Build it concurrently in a no-transaction file. A unique constraint or primary key then takes the finished index with USING INDEX. On a graph's label table build it plainly, when nobody writes, and allow the hazard.",
        fixed: "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY note_title ON app.note (title);",
        allowance: Allowance::Needed,
    },
    Entry {
        hazard: Hazard::BreaksRunningCode,
        id: "breaks-running-code",
        title: "A name or type that running code uses changes.",
        consequence: "The code that is deployed now fails from the moment of the commit until the new code runs everywhere.",
        example: "ALTER TABLE app.note RENAME COLUMN title TO headline;",
        fix: "Add the new name beside the old one, keep both in step, move the code over, and drop the old one in a later release.",
        fixed: "ALTER TABLE app.note ADD COLUMN headline text GENERATED ALWAYS AS (title) STORED;",
        allowance: Allowance::Needed,
    },
    Entry {
        hazard: Hazard::WeakensIsolation,
        id: "weakens-isolation",
        title: "Row-level security is taken off a table.",
        consequence: "From the commit on, a role with privileges on the table sees the rows of every tenant.",
        example: "ALTER TABLE app.note DISABLE ROW LEVEL SECURITY;",
        fix: "Change the policies and leave row-level security enabled and forced.",
        fixed: "ALTER POLICY note_select ON app.note USING (tenant_id = app.tenant());",
        allowance: Allowance::Needed,
    },
    Entry {
        hazard: Hazard::WidenedAccess,
        id: "widened-access",
        title: "A role reaches more rows, or may do more, than before.",
        consequence: "From the commit on the role reads or changes what was closed to it. edu db plan compares the postures before and after on a scratch database and says who, what and when.",
        example: "ALTER POLICY note_select ON app.note USING (tenant_id = app.tenant() OR is_public);",
        fix: "Take the change back, or narrow it; where it is wanted, say why in the file.",
        fixed: "-- edu: allow widened-access reason=\"published notes are for everybody\"\nALTER POLICY note_select ON app.note USING (tenant_id = app.tenant() OR is_public);",
        allowance: Allowance::Needed,
    },
    Entry {
        hazard: Hazard::ConcurrentIndexOnGraph,
        id: "concurrent-index-on-graph",
        title: "An index of a graph's label table is built or rebuilt CONCURRENTLY.",
        consequence: "Apache AGE gives its lock back before the transaction ends, so the build does not wait for it: the index misses rows silently, and a unique one holds duplicates.",
        example: "CREATE INDEX CONCURRENTLY concept_n ON g.\"Concept\" (properties);",
        fix: "Build it without CONCURRENTLY: that waits for open transactions and is right. It is refused always and cannot be allowed.",
        fixed: "CREATE INDEX concept_n ON g.\"Concept\" (properties);",
        allowance: Allowance::Refused,
    },
    Entry {
        hazard: Hazard::NotAnalysable,
        id: "not-analysable",
        title: "What the statement does cannot be read from its text.",
        consequence: "A DO block, a CALL or a function may take any lock and change anything; the plan does not show it.",
        example: "DO $$ BEGIN EXECUTE 'DROP TABLE app.note'; END $$;",
        fix: "Write plain statements where that is possible. It is a remark and never stops a run.",
        fixed: "DROP TABLE app.note;",
        allowance: Allowance::NotNeeded,
    },
];

impl Hazard {
    /// All that is said about it.
    pub fn entry(self) -> &'static Entry {
        ALL.iter()
            .find(|entry| entry.hazard == self)
            .unwrap_or(&ALL[0])
    }

    /// Its name in files and reports.
    pub fn id(self) -> &'static str {
        self.entry().id
    }

    /// The hazard of that name.
    pub fn of(id: &str) -> Option<Self> {
        ALL.iter()
            .find(|entry| entry.id == id)
            .map(|entry| entry.hazard)
    }
}

/// The hazard id that looks most like `word`, if one does.
pub fn nearest(word: &str) -> Option<&'static str> {
    ALL.iter()
        .map(|entry| (strsim::damerau_levenshtein(word, entry.id), entry.id))
        .min()
        .filter(|(distance, id)| *distance <= id.len() / 3)
        .map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hazard_has_one_entry_and_its_id_is_its_name_in_json() {
        for entry in ALL {
            assert_eq!(entry.hazard.entry().id, entry.id);
            let json = serde_json::to_string(&entry.hazard).unwrap();
            assert_eq!(json, format!("\"{}\"", entry.id));
            assert_eq!(Hazard::of(entry.id), Some(entry.hazard));
        }
        assert_eq!(ALL.len(), Hazard::NotAnalysable as usize + 1);
    }

    #[test]
    fn a_misspelt_hazard_has_a_nearest_one() {
        assert_eq!(nearest("dataloss"), Some("data-loss"));
        assert_eq!(nearest("zebra"), None);
    }
}
