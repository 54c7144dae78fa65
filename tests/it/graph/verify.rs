//! `edu db graph verify`: no defect stays unseen, and every documented fix mends its defect.

use super::{G, verify};
use crate::support::{Database, Template, database, major};

/// How a defect is mended.
enum Fix {
    /// `edu db graph`.
    Apply,
    /// `edu db graph repair`.
    Repair,
    /// A statement.
    Sql(&'static str),
}
use Fix::{Apply, Repair, Sql};

/// A defect: what makes it, the finding it leads to, and what mends it.
type Mutation = (&'static str, &'static str, Fix);

#[track_caller]
fn prove(mutations: &[Mutation]) {
    let db = database(Template::Migrated);
    assert_eq!(
        verify(&db),
        [""; 0],
        "the graph was not right to begin with"
    );
    for (sql, wanted, fix) in mutations {
        db.run(&format!(
            "SET search_path = public, ag_catalog; {}",
            sql.replace("{G}", G)
        ));
        let found = verify(&db);
        assert!(
            found.iter().any(|one| one.starts_with(wanted)),
            "{sql}\nwanted {wanted}\nfound {found:#?}"
        );
        mend(&db, fix);
        assert_eq!(verify(&db), [""; 0], "not mended: {sql}");
    }
}

fn mend(db: &Database, fix: &Fix) {
    match fix {
        Apply => drop(db.edu(&["db", "graph"]).expect(0)),
        Repair => drop(db.edu(&["db", "graph", "repair", "--yes"]).expect(0)),
        Sql(sql) => db.run(&format!(
            "SET search_path = public, ag_catalog; {}",
            sql.replace("{G}", G)
        )),
    }
}

#[test]
fn every_missing_or_weakened_index_is_found_and_mended() {
    prove(&[
        (
            "DROP INDEX {G}.idx_concept_id",
            "index-missing index idx_concept_id on Concept",
            Apply,
        ),
        (
            "DROP INDEX {G}.idx_concept_properties",
            "index-missing index idx_concept_properties on Concept",
            Apply,
        ),
        (
            "DROP INDEX {G}.\"RELATED_TO_start_id_idx\"",
            "index-missing index RELATED_TO_start_id_idx on RELATED_TO",
            Apply,
        ),
        (
            "ALTER TABLE {G}.\"Concept\" DROP CONSTRAINT \"Concept_pkey\"",
            "key-missing index Concept_pkey on Concept",
            Apply,
        ),
        (
            "DROP INDEX {G}.idx_concept_id; CREATE INDEX idx_concept_id ON {G}.\"Concept\" (agtype_access_operator(VARIADIC ARRAY[properties, '\"id\"'::agtype]))",
            "index-differs index idx_concept_id on Concept",
            Apply,
        ),
        (
            "DROP INDEX {G}.idx_concept_tenant; CREATE INDEX idx_concept_tenant ON {G}.\"Concept\" ((properties ->> 'label'::text))",
            "index-differs index idx_concept_tenant on Concept",
            Apply,
        ),
        (
            "DROP INDEX {G}.idx_concept_tenant; CREATE INDEX idx_concept_tenant ON {G}.\"Concept\" ((properties ->> 'tenant_id'::text)) WHERE id IS NOT NULL",
            "index-differs index idx_concept_tenant on Concept",
            Apply,
        ),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{G}.idx_term_tenant'::regclass",
            "index-invalid index idx_term_tenant on Term",
            Apply,
        ),
        (
            "CREATE INDEX more ON {G}.\"Term\" ((properties ->> 'label'::text))",
            "index-undeclared index more on Term",
            Sql("DROP INDEX {G}.more"),
        ),
    ]);
}

#[test]
fn every_gap_in_isolation_is_found_and_mended() {
    prove(&[
        (
            "ALTER TABLE {G}.\"Concept\" DISABLE ROW LEVEL SECURITY",
            "row-security-off row-level security on Concept",
            Apply,
        ),
        (
            "ALTER TABLE {G}.\"CITES\" NO FORCE ROW LEVEL SECURITY",
            "row-security-not-forced row-level security on CITES",
            Apply,
        ),
        (
            "ALTER TABLE {G}._ag_label_vertex NO FORCE ROW LEVEL SECURITY",
            "row-security-not-forced row-level security on _ag_label_vertex",
            Apply,
        ),
        (
            "DROP POLICY edu_tenant ON {G}.\"Person\"",
            "policy-missing policy edu_tenant on Person",
            Apply,
        ),
        (
            "DROP POLICY edu_tenant ON {G}._ag_label_edge",
            "policy-missing policy edu_tenant on _ag_label_edge",
            Apply,
        ),
        (
            "ALTER POLICY edu_tenant ON {G}.\"Person\" USING (true)",
            "policy-differs policy edu_tenant on Person",
            Apply,
        ),
        (
            "ALTER POLICY edu_tenant ON {G}.\"Person\" WITH CHECK (true)",
            "policy-differs policy edu_tenant on Person",
            Apply,
        ),
        (
            "ALTER POLICY edu_tenant ON {G}.\"Person\" TO PUBLIC",
            "policy-differs policy edu_tenant on Person",
            Apply,
        ),
        (
            "ALTER POLICY edu_tenant ON {G}.\"Person\" USING ((properties ->> 'tenant_id'::text) = current_setting('app.current_tenant', true) OR properties IS NOT NULL)",
            "policy-differs policy edu_tenant on Person",
            Apply,
        ),
        (
            "DROP POLICY edu_tenant ON {G}.\"Term\"; CREATE POLICY edu_tenant ON {G}.\"Term\" AS RESTRICTIVE FOR SELECT TO edusphere_app USING (true)",
            "policy-differs policy edu_tenant on Term",
            Apply,
        ),
    ]);
}

#[test]
fn a_vertex_guard_that_is_missing_or_weakened_is_found_and_mended() {
    prove(&[
        (
            "ALTER TABLE {G}._ag_label_edge DROP CONSTRAINT edu_vertex_guard",
            "vertex-guard-missing vertex guard on _ag_label_edge",
            Apply,
        ),
        (
            "ALTER TABLE {G}._ag_label_vertex DROP CONSTRAINT edu_vertex_guard, ADD CONSTRAINT edu_vertex_guard CHECK (true) NOT VALID",
            "vertex-guard-differs vertex guard on _ag_label_vertex",
            Apply,
        ),
        (
            "DROP FUNCTION {G}.edu_vertex_is_own CASCADE",
            "vertex-guard-missing function",
            Apply,
        ),
        (
            "ALTER FUNCTION {G}.edu_vertex_is_own SECURITY INVOKER",
            "vertex-guard-differs function",
            Apply,
        ),
        (
            "ALTER FUNCTION {G}.edu_vertex_is_own OWNER TO edusphere_owner",
            "vertex-guard-differs function",
            Apply,
        ),
        (
            "GRANT EXECUTE ON FUNCTION {G}.edu_vertex_is_own TO PUBLIC",
            "vertex-guard-differs function",
            Apply,
        ),
        (
            "CREATE OR REPLACE FUNCTION {G}.edu_vertex_is_own(vertex graphid) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS 'BEGIN RETURN true; END'",
            "vertex-guard-differs function",
            Apply,
        ),
        (
            "UPDATE pg_extension SET extversion = '1.4.0' WHERE extname = 'age'",
            "version-behind extension age",
            Sql(
                "UPDATE pg_extension SET extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'age') WHERE extname = 'age'",
            ),
        ),
        (
            "CREATE POLICY wide ON {G}.\"Term\" FOR SELECT USING (true)",
            "policy-undeclared policy wide on Term",
            Sql("DROP POLICY wide ON {G}.\"Term\""),
        ),
        (
            "CREATE POLICY sub ON {G}.\"Term\" AS RESTRICTIVE USING (EXISTS (SELECT FROM tenants))",
            "policy-forbidden-form policy sub on Term",
            Sql("DROP POLICY sub ON {G}.\"Term\""),
        ),
        (
            "CREATE FUNCTION mine() RETURNS bool LANGUAGE sql AS 'SELECT true'; CREATE POLICY called ON {G}.\"CITES\" AS RESTRICTIVE USING (mine())",
            "policy-forbidden-form policy called on CITES",
            Sql("DROP POLICY called ON {G}.\"CITES\""),
        ),
    ]);
}

#[test]
fn a_guard_that_is_missing_or_weakened_is_found_and_mended() {
    prove(&[
        (
            "ALTER TABLE {G}._ag_label_vertex DROP CONSTRAINT edu_tenant_guard",
            "guard-missing tenant guard on _ag_label_vertex",
            Apply,
        ),
        (
            "ALTER TABLE {G}._ag_label_edge DROP CONSTRAINT edu_tenant_guard, ADD CONSTRAINT edu_tenant_guard CHECK (current_user <> 'edusphere_app' OR true) NOT VALID",
            "guard-differs tenant guard on _ag_label_edge",
            Apply,
        ),
    ]);
}

#[test]
fn every_gap_in_property_schemas_is_found_and_mended() {
    prove(&[
        ("ALTER TABLE {G}.\"Concept\" DROP CONSTRAINT edu_p_confidence", "check-missing constraint edu_p_confidence on Concept", Apply),
        ("ALTER TABLE {G}.\"Concept\" DROP CONSTRAINT edu_keys", "check-missing constraint edu_keys on Concept", Apply),
        (
            "ALTER TABLE {G}.\"Concept\" DROP CONSTRAINT edu_p_confidence, ADD CONSTRAINT edu_p_confidence CHECK (true)",
            "check-differs constraint edu_p_confidence on Concept",
            Apply,
        ),
        (
            "DO $$ DECLARE d text := (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{G}.\"Term\"'::regclass AND conname = 'edu_p_label');
             BEGIN EXECUTE 'ALTER TABLE {G}.\"Term\" DROP CONSTRAINT edu_p_label, ADD CONSTRAINT edu_p_label ' || d || ' NOT VALID'; END $$",
            "check-not-valid constraint edu_p_label on Term",
            Apply,
        ),
        ("ALTER TABLE {G}.\"Term\" ADD CONSTRAINT edu_p_gone CHECK (true)", "check-undeclared constraint edu_p_gone on Term", Apply),
        (
            "ALTER TABLE {G}.\"Term\" ADD CONSTRAINT mine CHECK (true)",
            "check-undeclared constraint mine on Term",
            Sql("ALTER TABLE {G}.\"Term\" DROP CONSTRAINT mine"),
        ),
        (
            "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON {G}.\"Term\" FOR EACH ROW EXECUTE FUNCTION t()",
            "trigger-not-fired trigger t on Term",
            Sql("DROP TRIGGER t ON {G}.\"Term\""),
        ),
        (
            "ALTER TABLE {G}.\"CITES\" ADD CONSTRAINT f FOREIGN KEY (start_id) REFERENCES {G}.\"Concept\" (id)",
            "foreign-key-not-checked foreign key f on CITES",
            Sql("ALTER TABLE {G}.\"CITES\" DROP CONSTRAINT f"),
        ),
    ]);
}

#[test]
fn every_privilege_too_few_or_too_many_is_found_and_mended() {
    prove(&[
        (
            "REVOKE SELECT ON {G}.\"Concept\" FROM edusphere_app",
            "grant-missing privileges on Concept",
            Apply,
        ),
        (
            "REVOKE DELETE ON {G}._ag_label_edge FROM edusphere_app",
            "grant-missing privileges on _ag_label_edge",
            Apply,
        ),
        (
            "REVOKE USAGE ON SCHEMA {G} FROM edusphere_app",
            "grant-missing privileges on schema edusphere_graph",
            Apply,
        ),
        (
            "REVOKE USAGE ON SEQUENCE {G}.\"Concept_id_seq\" FROM edusphere_app",
            "grant-missing privileges on the sequence of Concept",
            Apply,
        ),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE edusphere_owner IN SCHEMA {G} REVOKE INSERT ON TABLES FROM edusphere_app",
            "default-privileges-missing default privileges on tables",
            Apply,
        ),
        (
            "GRANT EXECUTE ON FUNCTION load_labels_from_file TO PUBLIC",
            "function-open",
            Apply,
        ),
        (
            "GRANT TRUNCATE ON {G}.\"Concept\" TO edusphere_app",
            "grant-wider privileges on Concept",
            Sql("REVOKE TRUNCATE ON {G}.\"Concept\" FROM edusphere_app"),
        ),
        (
            "GRANT SELECT ON {G}._ag_label_vertex TO PUBLIC",
            "grant-wider privileges on _ag_label_vertex",
            Sql("REVOKE SELECT ON {G}._ag_label_vertex FROM PUBLIC"),
        ),
        (
            "GRANT CREATE ON SCHEMA {G} TO edusphere_app",
            "grant-wider privileges on schema edusphere_graph",
            Sql("REVOKE CREATE ON SCHEMA {G} FROM edusphere_app"),
        ),
        (
            "GRANT SELECT ON {G}.\"Term\" TO edusphere_login",
            "grant-wider privileges on Term",
            Sql("REVOKE SELECT ON {G}.\"Term\" FROM edusphere_login"),
        ),
        (
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = ag_catalog, public', current_database()); END $$",
            "search-path search_path of the application",
            Sql(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = \"$user\", public, ag_catalog', current_database()); END $$",
            ),
        ),
        (
            "DO $$ BEGIN EXECUTE format('ALTER ROLE edusphere_login IN DATABASE %I SET search_path = public', current_database()); END $$",
            "search-path search_path of the application",
            Sql(
                "DO $$ BEGIN EXECUTE format('ALTER ROLE edusphere_login IN DATABASE %I RESET search_path', current_database()); END $$",
            ),
        ),
    ]);
}

#[test]
fn every_label_that_is_missing_more_renamed_or_misshapen_is_found_and_mended() {
    prove(&[
        (
            "SELECT drop_label('{G}', 'Term')",
            "label-missing label Term",
            Apply,
        ),
        (
            "SELECT create_vlabel('{G}', 'Odd')",
            "label-undeclared label Odd",
            Sql("SELECT drop_label('{G}', 'Odd')"),
        ),
        (
            "ALTER TABLE {G}.\"Term\" RENAME TO \"Word\"",
            "label-table-renamed label Term",
            Sql("ALTER TABLE {G}.\"Word\" RENAME TO \"Term\""),
        ),
        (
            "ALTER TABLE {G}.\"Term\" SET SCHEMA public",
            "label-table-moved label Term",
            Sql("ALTER TABLE public.\"Term\" SET SCHEMA {G}"),
        ),
        (
            "ALTER TABLE {G}.\"Term\" NO INHERIT {G}._ag_label_vertex",
            "label-inheritance label Term",
            Sql("ALTER TABLE {G}.\"Term\" INHERIT {G}._ag_label_vertex"),
        ),
        (
            "ALTER TABLE {G}.\"Term\" ALTER id SET DEFAULT _graphid(_label_id('{G}', 'Concept')::int, nextval('{G}.\"Term_id_seq\"'))",
            "label-id-default label Term",
            Repair,
        ),
        (
            "ALTER TABLE {G}.\"Term\" ALTER id DROP DEFAULT",
            "label-id-default label Term",
            Repair,
        ),
        (
            "ALTER TABLE {G}.\"Term\" OWNER TO postgres",
            "label-owner label Term",
            Sql("ALTER TABLE {G}.\"Term\" OWNER TO edusphere_owner"),
        ),
        (
            "ALTER SCHEMA {G} OWNER TO postgres",
            "graph-owner graph edusphere_graph",
            Sql("ALTER SCHEMA {G} OWNER TO edusphere_owner"),
        ),
        (
            "CREATE TABLE {G}.stranger (a int)",
            "label-table-unregistered table stranger",
            Sql("DROP TABLE {G}.stranger"),
        ),
    ]);
}

#[test]
fn what_no_statement_mends_is_found_all_the_same() {
    for (sql, wanted) in [
        // AGE refuses DROP COLUMN on a label's table.
        (
            "ALTER TABLE {G}.\"Term\" ADD COLUMN more text",
            "label-columns label Term",
        ),
        (
            "SELECT drop_label('{G}', 'Term'); SELECT create_elabel('{G}', 'Term')",
            "label-kind label Term",
        ),
        (
            "SELECT drop_graph('{G}', true)",
            "graph-missing graph edusphere_graph",
        ),
    ] {
        let db = database(Template::Migrated);
        db.run(&format!(
            "SET search_path = public, ag_catalog; {}",
            sql.replace("{G}", G)
        ));
        let found = verify(&db);
        assert!(
            found.iter().any(|one| one == wanted),
            "wanted {wanted}, found {found:#?}"
        );
    }
}

#[test]
fn every_row_of_ages_own_catalog_that_lies_is_found_and_repaired() {
    prove(&[
        (
            "ALTER TABLE ag_label DROP CONSTRAINT fk_graph_oid; UPDATE ag_label SET graph = 4711; UPDATE ag_graph SET graphid = 4711; ALTER TABLE ag_label ADD CONSTRAINT fk_graph_oid FOREIGN KEY (graph) REFERENCES ag_graph (graphid)",
            "graph-oid-stale graph edusphere_graph",
            Repair,
        ),
        (
            "INSERT INTO ag_label SELECT 'Gone', graphid, 4000, 'v', 4712, 'Gone_id_seq' FROM ag_graph",
            "label-table-missing label Gone",
            Repair,
        ),
        (
            "INSERT INTO ag_graph VALUES (4713, 'gone_graph', 4713)",
            "graph-namespace-missing graph gone_graph",
            Repair,
        ),
    ]);
}

#[test]
fn a_cache_trigger_that_is_missing_or_switched_off_is_found_and_mended() {
    if major() < 18 {
        return;
    }
    prove(&[
        (
            "DROP TRIGGER _age_cache_invalidate ON {G}.\"Concept\"",
            "cache-trigger-missing cache trigger on Concept",
            Apply,
        ),
        (
            "ALTER TABLE {G}.\"CITES\" DISABLE TRIGGER _age_cache_invalidate",
            "cache-trigger-missing cache trigger on CITES",
            Apply,
        ),
    ]);
}
