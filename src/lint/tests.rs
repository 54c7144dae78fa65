use super::*;
use crate::spec::migration::migrations;
use crate::sql::hazard;

/// What `text` gives as V0007 of a project. It has a way back unless `alone`.
fn ids(text: &str, alone: bool) -> Vec<&'static str> {
    let document = |path: &str, text: &str| Document {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let mut documents = vec![document("migrations/V0007__lang.sql", text)];
    if !alone {
        documents.push(document("migrations/V0007__lang.down.sql", "SELECT 1;"));
    }
    let migrations = migrations(&documents).unwrap();
    let subject = Subject {
        migrations: &migrations,
        schema: &[],
        graph: Some("g"),
        isolated: Some(&BTreeSet::from(["Concept".to_owned()])),
    };
    let found = lint(&subject);
    assert!(found.iter().all(|one| one.line > 0 && one.column > 0));
    found.into_iter().map(|one| one.id).collect()
}

#[test]
fn each_rules_example_breaks_it_and_its_fix_keeps_it_and_every_other() {
    for rule in rule::ALL {
        let alone = rule.id == "migration-without-way-back";
        // Views are judged where there is row-level security.
        let secured = "ALTER TABLE app.note ENABLE ROW LEVEL SECURITY;\nCREATE POLICY p ON app.note USING (false);\n";
        let text = |sql: &str| match rule.id {
            "view-without-invoker" => format!("{secured}{sql}"),
            _ => sql.to_owned(),
        };
        let broken = ids(&text(rule.example), alone);
        assert!(broken.contains(&rule.id), "{}: {broken:?}", rule.id);
        let kept: Vec<&str> = ids(&text(rule.fixed), alone)
            .into_iter()
            .filter(|id| *id != "policy-without-rls" || rule.id.starts_with("policy-without"))
            .collect();
        assert!(kept.is_empty(), "{}: its fix has {kept:?}", rule.id);
    }
}

#[test]
fn each_hazards_example_is_found_without_a_database() {
    for entry in hazard::ALL {
        let example = match entry.hazard {
            // One needs the server, the other two databases to compare.
            hazard::Hazard::NotAnalysable | hazard::Hazard::WidenedAccess => continue,
            // CONCURRENTLY needs a file without a transaction.
            hazard::Hazard::ConcurrentIndexOnGraph => {
                format!("-- edu: no-transaction\n{}", entry.example)
            }
            _ => entry.example.to_owned(),
        };
        let found = ids(&example, false);
        assert!(found.contains(&entry.id), "{}: {found:?}", entry.id);
    }
}

#[test]
fn a_table_that_the_file_makes_has_no_hazard() {
    let text = "CREATE TABLE app.note (id uuid PRIMARY KEY, title text NOT NULL);
                CREATE INDEX note_title ON app.note (title);
                ALTER TABLE app.note ADD CONSTRAINT c CHECK (length(title) > 0);";
    assert_eq!(ids(text, false), Vec::<&str>::new());
}

#[test]
fn an_allowance_takes_on_what_it_names_and_nothing_else() {
    let text = "-- edu: allow data-loss reason=\"unused since release 41\"
                ALTER TABLE app.note DROP COLUMN body;
                ALTER TABLE app.note RENAME COLUMN title TO headline;";
    assert_eq!(ids(text, false), ["breaks-running-code"]);
}

#[test]
fn a_setting_compared_as_text_or_kept_from_being_empty_is_not_fragile() {
    for using in [
        "tenant_id = NULLIF(current_setting('app.tenant', true), '')::uuid",
        "tenant_id = (SELECT NULLIF(pg_catalog.current_setting('app.tenant', true), '')::uuid)",
        "tenant_id::text = current_setting('app.tenant', true)",
    ] {
        let text = format!(
            "ALTER TABLE app.note ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON app.note USING ({using});"
        );
        assert_eq!(ids(&text, false), Vec::<&str>::new(), "{using}");
    }
    let text = "ALTER TABLE app.note ENABLE ROW LEVEL SECURITY;
                CREATE POLICY p ON app.note USING (tenant_id = current_setting('app.tenant', true)::uuid);";
    assert_eq!(ids(text, false), ["policy-context-fragile"]);
}

#[test]
fn what_a_block_does_is_judged_like_a_statement_and_at_its_own_place() {
    let text = "DO $$\nBEGIN\n    ALTER TABLE app.note DROP COLUMN body;\n    GRANT SELECT ON app.note TO PUBLIC;\nEND $$;";
    assert_eq!(ids(text, false), ["data-loss", "grant-to-public"]);
    let text = "CREATE TABLE app.note (id uuid);
                DO $$ BEGIN ALTER TABLE app.note ADD CHECK (id IS NOT NULL); END $$;";
    assert_eq!(
        ids(text, false),
        Vec::<&str>::new(),
        "a table of the file itself"
    );
}

#[test]
fn a_blocks_security_and_its_policies_belong_together() {
    let enable = "DO $$ BEGIN ALTER TABLE app.note ENABLE ROW LEVEL SECURITY; END $$;";
    assert_eq!(ids(enable, false), ["rls-without-policy"]);
    let both = format!("{enable} CREATE POLICY p ON app.note USING (false);");
    assert_eq!(ids(&both, false), Vec::<&str>::new());
}

#[test]
fn what_is_executed_under_names_to_come_is_judged_by_what_it_takes_away() {
    let of = |command: &str| {
        ids(
            &format!("DO $$ BEGIN EXECUTE format('{command}', a, b); END $$;"),
            false,
        )
    };
    assert_eq!(
        of("ALTER TABLE %I.%I DISABLE ROW LEVEL SECURITY"),
        ["weakens-isolation"]
    );
    assert_eq!(of("DROP TABLE %I.%I"), ["data-loss"]);
    assert_eq!(of("GRANT SELECT ON %I.%I TO PUBLIC"), ["grant-to-public"]);
    assert_eq!(of("CREATE INDEX ON %I (%I)"), Vec::<&str>::new());
}

#[test]
fn a_functions_body_may_delete_and_may_not_open() {
    let of = |body: &str| {
        ids(
            &format!(
                "CREATE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {body} END $$;"
            ),
            false,
        )
    };
    assert_eq!(
        of("DELETE FROM app.note; TRUNCATE app.note;"),
        Vec::<&str>::new()
    );
    assert_eq!(
        of("ALTER TABLE app.note NO FORCE ROW LEVEL SECURITY;"),
        ["weakens-isolation"]
    );
    assert_eq!(
        of("SET search_path = ag_catalog, public;"),
        ["ag-catalog-first"]
    );
}

#[test]
fn a_label_that_the_ontology_knows_needs_no_policy_in_the_file() {
    assert_eq!(
        ids("SELECT create_vlabel('g', 'Concept');", false),
        Vec::<&str>::new()
    );
    assert_eq!(
        ids("SELECT create_vlabel('other', 'Draft');", false),
        Vec::<&str>::new()
    );
    let block = "DO $$ BEGIN PERFORM ag_catalog.create_elabel('g', 'DRAFTS'); END $$;";
    assert_eq!(ids(block, false), ["graph-label-without-policy"]);
}
