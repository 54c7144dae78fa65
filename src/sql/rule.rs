//! What `edu db lint` finds beside hazards: one table of names, consequences and fixes.
//!
//! A rule's id never changes: it stands in files after `-- edu: allow`. Which statement breaks which rule is
//! the business of the room `lint`. The ids of the last part are squawk's own.

/// All that is said about a rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name in files and reports.
    pub id: &'static str,
    /// One sentence: what it is.
    pub title: &'static str,
    /// What happens to users of the database.
    pub consequence: &'static str,
    /// SQL that breaks it.
    pub example: &'static str,
    /// What to do instead.
    pub fix: &'static str,
    /// SQL that keeps it, or the line that takes it on.
    pub fixed: &'static str,
}

/// Every rule, by what it is about: isolation, vectors and graphs, files, then those that squawk checks.
pub const ALL: &[Rule] = &[
    Rule {
        id: "rls-without-policy",
        title: "Row-level security is enabled on a table that no policy is for.",
        consequence: "Everybody but the owner sees no row and can write none.",
        example: "ALTER TABLE app.note ENABLE ROW LEVEL SECURITY;",
        fix: "Create the policies in the same file, or say that the table is closed on purpose.",
        fixed: "ALTER TABLE app.note ENABLE ROW LEVEL SECURITY;\nCREATE POLICY note_tenant ON app.note USING (tenant_id = app.tenant());",
    },
    Rule {
        id: "policy-without-rls",
        title: "A policy is created on a table whose row-level security is never enabled.",
        consequence: "The policy is not applied: every role with privileges on the table sees every row.",
        example: "CREATE POLICY note_tenant ON app.note USING (tenant_id = app.tenant());",
        fix: "Enable row-level security on the table.",
        fixed: "ALTER TABLE app.note ENABLE ROW LEVEL SECURITY;\nCREATE POLICY note_tenant ON app.note USING (tenant_id = app.tenant());",
    },
    Rule {
        id: "policy-context-fragile",
        title: "A policy raises an error when the session's context is missing or empty.",
        consequence: "A setting that was set on the connection before is the empty text and not NULL: without NULLIF every query on a pooled connection fails, and without `true` every query of a session that never set it.",
        example: "CREATE POLICY note_tenant ON app.note USING (tenant_id = current_setting('app.tenant')::uuid);",
        fix: "Let a missing setting be NULL and an empty one, too: such a session then sees no row.",
        fixed: "CREATE POLICY note_tenant ON app.note\n    USING (tenant_id = NULLIF(current_setting('app.tenant', true), '')::uuid);",
    },
    Rule {
        id: "definer-without-search-path",
        title: "A SECURITY DEFINER function has no search_path of its own.",
        consequence: "It resolves names by the caller's search_path: a caller with a schema of his own puts his functions and tables in place of yours and runs them with the owner's rights.",
        example: "CREATE FUNCTION app.find(k text) RETURNS uuid LANGUAGE sql SECURITY DEFINER AS 'SELECT id FROM app.note WHERE key = k';",
        fix: "Pin the search_path and write every name with its schema.",
        fixed: "CREATE FUNCTION app.find(k text) RETURNS uuid LANGUAGE sql SECURITY DEFINER\n    SET search_path = pg_catalog, pg_temp AS 'SELECT id FROM app.note WHERE key = k';\nREVOKE ALL ON FUNCTION app.find(text) FROM PUBLIC;",
    },
    Rule {
        id: "definer-open-to-public",
        title: "A SECURITY DEFINER function can be called by everybody.",
        consequence: "PostgreSQL gives EXECUTE on a new function to PUBLIC: every role runs it with the owner's rights, past row-level security.",
        example: "CREATE FUNCTION app.find(k text) RETURNS uuid LANGUAGE sql SECURITY DEFINER\n    SET search_path = pg_catalog, pg_temp AS 'SELECT id FROM app.note WHERE key = k';",
        fix: "Revoke it from PUBLIC in the same file and grant it to whom it is for.",
        fixed: "CREATE FUNCTION app.find(k text) RETURNS uuid LANGUAGE sql SECURITY DEFINER\n    SET search_path = pg_catalog, pg_temp AS 'SELECT id FROM app.note WHERE key = k';\nREVOKE ALL ON FUNCTION app.find(text) FROM PUBLIC;",
    },
    Rule {
        id: "view-without-invoker",
        title: "A view reads with its owner's rights in a database with row-level security.",
        consequence: "Whoever may read the view sees the rows of every tenant.",
        example: "CREATE VIEW app.titles AS SELECT title FROM app.note;",
        fix: "Make it read with the reader's rights. A materialized view cannot: give nobody but the owner access to it.",
        fixed: "CREATE VIEW app.titles WITH (security_invoker = true) AS SELECT title FROM app.note;",
    },
    Rule {
        id: "grant-to-public",
        title: "A privilege is given to everybody, roles to come included.",
        consequence: "Every login of the server that can connect has it, whatever it was made for.",
        example: "GRANT SELECT ON app.note TO PUBLIC;",
        fix: "Name the role that it is for.",
        fixed: "GRANT SELECT ON app.note TO app_reader;",
    },
    Rule {
        id: "ag-catalog-first",
        title: "search_path begins with ag_catalog.",
        consequence: "What is created without a schema from then on lands in Apache AGE's own, the migration history included, and a pooled connection keeps the path.",
        example: "SET search_path = ag_catalog, \"$user\", public;",
        fix: "Cypher needs ag_catalog on the path, not at its head.",
        fixed: "SET search_path = \"$user\", public, ag_catalog;",
    },
    Rule {
        id: "graph-label-without-policy",
        title: "A migration makes a label of a graph whose tenants are kept apart, and nothing keeps them apart there.",
        consequence: "Labels inherit no policy from their parents: a query that names the label reads every tenant's vertices or edges.",
        example: "SELECT create_vlabel('g', 'Draft');",
        fix: "Declare the label in graph/ontology.toml: edu db graph makes it with its policies, and verify watches over them. Or write the policy in a migration.",
        fixed: "SELECT create_vlabel('g', 'Draft');\nALTER TABLE g.\"Draft\" ENABLE ROW LEVEL SECURITY;\nCREATE POLICY draft_tenant ON g.\"Draft\" USING (properties ->> 'tenant_id'::text = current_setting('app.tenant', true));",
    },
    Rule {
        id: "ivfflat-before-load",
        title: "A migration builds an ivfflat index.",
        consequence: "The centres of its lists are computed from the rows that are there: on a new database none are, and searches miss most neighbours until it is built anew.",
        example: "CREATE INDEX note_vector ON app.note USING ivfflat (embedding vector_cosine_ops) WITH (lists = 100);",
        fix: "Declare the index in spec/vectors.toml: edu db index builds it after the load and measures what it finds.",
        fixed: "-- edu: no-transaction\n-- edu: allow ivfflat-before-load reason=\"the table was loaded in release 12\"\nCREATE INDEX CONCURRENTLY note_vector ON app.note USING ivfflat (embedding vector_cosine_ops) WITH (lists = 100);",
    },
    Rule {
        id: "concurrent-if-not-exists",
        title: "An index is built CONCURRENTLY unless its name is taken.",
        consequence: "A build that is broken off leaves an invalid index of that name: the next run takes it for a finished one, and no query uses it.",
        example: "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS note_title ON app.note (title);",
        fix: "Leave IF NOT EXISTS out: edu finds what a broken build left and removes it.",
        fixed: "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY note_title ON app.note (title);",
    },
    Rule {
        id: "migration-without-way-back",
        title: "A migration has no down file.",
        consequence: "A release that fails cannot be taken back with edu db rollback.",
        example: "-- V7__lang.sql\nALTER TABLE app.note ADD COLUMN lang text;",
        fix: "Write V….down.sql beside it, or say that there is no way back.",
        fixed: "-- edu: irreversible\nALTER TABLE app.note ADD COLUMN lang text;",
    },
    Rule {
        id: "allowance-unused",
        title: "A file allows something that it does not do.",
        consequence: "The line would silently let it pass later.",
        example: "-- edu: allow ag-catalog-first reason=\"old\"\nSELECT 1;",
        fix: "Take the line out.",
        fixed: "SELECT 1;",
    },
    Rule {
        id: "adding-required-field",
        title: "A column is added that must not be NULL and has no default.",
        consequence: "The statement fails as soon as the table has a row, and code that does not know the column cannot insert any more.",
        example: "ALTER TABLE app.note ADD COLUMN lang text NOT NULL;",
        fix: "Add it with a default, or without NOT NULL; fill it, and demand it in a later release.",
        fixed: "ALTER TABLE app.note ADD COLUMN lang text NOT NULL DEFAULT 'en';",
    },
    Rule {
        id: "ban-drop-not-null",
        title: "A column that was never NULL may be from now on.",
        consequence: "Code that reads it and does not expect NULL fails.",
        example: "ALTER TABLE app.note ALTER COLUMN title DROP NOT NULL;",
        fix: "Let the code expect NULL first, then say so in the file.",
        fixed: "-- edu: allow ban-drop-not-null reason=\"readers expect NULL since release 41\"\nALTER TABLE app.note ALTER COLUMN title DROP NOT NULL;",
    },
    Rule {
        id: "require-concurrent-index-deletion",
        title: "An index is dropped under a lock that blocks everybody.",
        consequence: "Reads and writes of its table wait behind the drop, which waits for every query that runs.",
        example: "DROP INDEX app.note_title;",
        fix: "Drop it concurrently in a no-transaction file.",
        fixed: "-- edu: no-transaction\nDROP INDEX CONCURRENTLY app.note_title;",
    },
    Rule {
        id: "require-concurrent-partition-detach",
        title: "A partition is detached under a lock that blocks everybody.",
        consequence: "Reads and writes of the whole partitioned table wait.",
        example: "ALTER TABLE app.event DETACH PARTITION app.event_2024;",
        fix: "Detach it concurrently in a no-transaction file.",
        fixed: "-- edu: no-transaction\nALTER TABLE app.event DETACH PARTITION app.event_2024 CONCURRENTLY;",
    },
    Rule {
        id: "ban-char-field",
        title: "A column has the type char(n).",
        consequence: "Values are padded with spaces that comparisons ignore and concatenations keep.",
        example: "CREATE TABLE app.code (id char(8));",
        fix: "Use text, with a CHECK where the length matters.",
        fixed: "CREATE TABLE app.code (id text CHECK (length(id) = 8));",
    },
    Rule {
        id: "identifier-too-long",
        title: "A name is longer than PostgreSQL keeps.",
        consequence: "It is cut after 63 bytes: two such names become one, and files no longer say what the object is called.",
        example: "CREATE INDEX a_name_that_goes_on_and_on_until_nobody_remembers_what_it_was_to_say ON app.note (title);",
        fix: "Use a shorter name.",
        fixed: "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY note_title ON app.note (title);",
    },
    Rule {
        id: "ban-duplicate-column-assignments",
        title: "One UPDATE sets a column twice.",
        consequence: "The server refuses the statement.",
        example: "UPDATE app.note SET lang = 'en', lang = 'de' WHERE id = 1;",
        fix: "Set it once.",
        fixed: "UPDATE app.note SET lang = 'de' WHERE id = 1;",
    },
];

/// The rule of that name.
pub fn of(id: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::hazard::Hazard;

    #[test]
    fn no_rule_has_the_name_of_another_or_of_a_hazard() {
        for (at, rule) in ALL.iter().enumerate() {
            assert!(
                Hazard::of(rule.id).is_none() && ALL[..at].iter().all(|other| other.id != rule.id),
                "{}",
                rule.id
            );
        }
    }
}
