//! Backups: taken whole, brought back as they were, tried out, never in the way of what is there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{self, Database, Run, Template, database};

/// A folder for dumps.
pub struct Folder(pub tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn dumps(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut dumps: Vec<PathBuf> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "dump"))
            .collect();
        dumps.sort();
        dumps
    }

    pub fn dump(&self) -> String {
        self.dumps()[0].display().to_string()
    }

    fn backup(&self, db: &Database, more: &[&str]) -> Run {
        let dir = self.0.path().display().to_string();
        db.edu(&[&["db", "backup", "--dir", &dir], more].concat())
    }

    fn verify(&self, more: &[&str]) -> Run {
        edu(&[&["db", "backup", "verify", &self.dump()], more].concat())
    }
}

/// edu in this repository's project.
fn edu(args: &[&str]) -> Run {
    support::edu(Path::new(env!("CARGO_MANIFEST_DIR")), args)
}

fn name(db: &Database) -> String {
    db.one("SELECT current_database()")
}

/// A name of its own on the shared test server; dropped with the value.
pub struct Named<'a>(&'a Database, pub String);

impl<'a> Named<'a> {
    pub fn new(db: &'a Database) -> Self {
        let name = format!("{}_back", name(db));
        Self(db, name)
    }

    pub fn url(&self) -> String {
        self.0.url().replacen(&name(self.0), &self.1, 1)
    }

    fn restore(&self, folder: &Folder, more: &[&str]) -> Run {
        let dump = folder.dump();
        let args = ["db", "restore", &dump, "--to", &self.1];
        self.0.edu(&[&args[..], more].concat())
    }

    fn count(&self, what: &str) -> String {
        self.0.one(&format!(
            "SELECT count(*) FROM pg_database WHERE datname LIKE '{}%' AND datname LIKE '%{what}%'",
            self.1
        ))
    }
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        let names = self.0.one(&format!(
            "SELECT coalesce(string_agg(datname, ' '), '') FROM pg_database WHERE starts_with(datname, '{}')",
            self.1
        ));
        for name in names.split_whitespace().filter(|name| *name != "NULL") {
            self.0
                .run(&format!("DROP DATABASE \"{name}\" WITH (FORCE)"));
        }
    }
}

#[test]
fn a_backup_comes_back_with_the_same_fingerprint_settings_and_graph() {
    let (db, folder) = (database(Template::Seeded), Folder::new());
    let graph = db.one("SELECT name FROM ag_catalog.ag_graph");
    let taken = folder.backup(&db, &["--output", "json"]).expect(0);
    let taken: serde_json::Value = serde_json::from_str(&taken.stdout).unwrap();
    assert!(taken["rows"].as_u64().unwrap() >= 5, "{taken}");
    let back = Named::new(&db);
    let run = back.restore(&folder, &[]).expect(0);
    assert!(run.stdout.contains("all as recorded"), "{}", run.stdout);
    // It ends with what edu db verify says.
    assert!(run.stdout.contains("no differences"), "{}", run.stdout);
    let print = |url: &str| edu(&["db", "fingerprint", "--url", url]).expect(0).stdout;
    assert_eq!(print(&db.url()), print(&back.url()));
    edu(&["db", "graph", "verify", "--url", &back.url()]).expect(0);
    edu(&["db", "verify", "--url", &back.url()]).expect(0);
    assert_ne!(graph, "");
}

#[test]
fn a_restore_of_what_differs_from_the_project_says_so_and_ends_with_3() {
    let (db, folder) = (database(Template::Seeded), Folder::new());
    db.run("DROP INDEX idx_users_email; ALTER TABLE users ADD COLUMN note text");
    folder.backup(&db, &[]).expect(0);
    let back = Named::new(&db);
    let run = back.restore(&folder, &["--output", "json"]).expect(3);
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let told = answer["verify"].to_string();
    assert!(
        told.contains("idx_users_email") && told.contains("users.note"),
        "{told}"
    );
    // The database is whole all the same.
    assert_eq!(back.count(""), "1");
    let run = back
        .restore(&folder, &["--replace", "--no-verify"])
        .expect(0);
    assert!(!run.says("idx_users_email"), "{}", run.stdout);
}

#[test]
fn a_drill_asks_every_graph_and_every_vector_index() {
    let (db, folder) = (database(Template::Seeded), Folder::new());
    folder.backup(&db, &[]).expect(0);
    let run = folder.verify(&["--output", "json"]).expect(0);
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let proof = &answer["proof"];
    assert_eq!(proof["failures"], serde_json::json!([]));
    assert_eq!(proof["graphs"].as_array().unwrap().len(), 1);
    assert_eq!(proof["searches"].as_array().unwrap().len(), 3);
    assert!(proof["checked"].as_u64().unwrap() > 50, "{proof}");
}

#[test]
fn a_damaged_dump_is_told_and_nothing_is_created() {
    let (db, folder) = (database(Template::Seeded), Folder::new());
    folder.backup(&db, &[]).expect(0);
    let mut bytes = fs::read(folder.dump()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(folder.dump(), bytes).unwrap();
    let back = Named::new(&db);
    let run = back.restore(&folder, &[]).expect(1);
    assert!(run.says("is damaged"), "{}", run.stderr);
    assert_eq!(back.count(""), "0");
    folder.verify(&[]).expect(1);
}

#[test]
fn a_database_that_is_there_is_not_overwritten_and_one_that_is_replaced_is_kept() {
    let (db, folder) = (database(Template::Seeded), Folder::new());
    folder.backup(&db, &[]).expect(0);
    let back = Named::new(&db);
    back.restore(&folder, &[]).expect(0);
    let run = back.restore(&folder, &[]).expect(8);
    assert!(run.says("--replace"), "{}", run.stderr);
    back.restore(&folder, &["--replace", "--dry-run"]).expect(0);
    assert_eq!(back.count("_before_"), "0");
    let run = back.restore(&folder, &["--replace"]).expect(0);
    assert!(run.says("is kept as"), "{}", run.stderr);
    assert_eq!(back.count("_before_"), "1");
    assert_eq!(back.count("_restoring_"), "0");
}

#[test]
fn a_record_that_promises_more_rows_than_came_keeps_the_name_free() {
    let (db, folder) = (database(Template::Seeded), Folder::new());
    folder.backup(&db, &[]).expect(0);
    let path = format!("{}.json", folder.dump());
    let mut record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    record["stock"]["rows"]["public.users"] = serde_json::json!(7_000);
    fs::write(&path, record.to_string()).unwrap();
    let back = Named::new(&db);
    let run = back.restore(&folder, &[]).expect(1);
    assert!(
        run.says("public.users has 2 rows instead of 7000"),
        "{}",
        run.stderr
    );
    assert_eq!(
        (back.count(""), back.count("_restoring_")),
        ("1".into(), "1".into())
    );
}

#[test]
fn a_role_that_row_level_security_binds_is_refused_before_anything_is_written() {
    let (db, folder) = (database(Template::Seeded), Folder::new());
    let role = format!("dumper_{}", name(&db));
    db.run(&format!(
        "CREATE ROLE {role} LOGIN; GRANT pg_read_all_data TO {role}"
    ));
    let dir = folder.0.path().display().to_string();
    let url = db.url_as(&role);
    let run = edu(&["db", "backup", "--url", &url, "--dir", &dir]).expect(8);
    assert!(run.says("BYPASSRLS"), "{}", run.stderr);
    assert_eq!(folder.dumps().len(), 0);
    db.run(&format!(
        "REVOKE pg_read_all_data FROM {role}; DROP ROLE {role}"
    ));
}

#[test]
fn old_backups_go_only_after_a_new_one_is_whole() {
    let (db, folder) = (database(Template::Seeded), Folder::new());
    folder.backup(&db, &[]).expect(0);
    let taken = folder.dumps()[0].clone();
    let at = |stamp: &str| taken.with_file_name(format!("{}_{stamp}.dump", name(&db)));
    let (recent, old) = (at("20260101_000000"), at("20200101_000000"));
    fs::copy(&taken, &old).unwrap();
    fs::rename(&taken, &recent).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(40 * 24 * 3600);
    let file = fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(long_ago).unwrap();
    let nowhere = db
        .url()
        .replacen(&name(&db), "there_is_no_such_database", 1);
    let dir = folder.0.path().display().to_string();
    edu(&["db", "backup", "--url", &nowhere, "--dir", &dir]).expect(7);
    assert!(old.exists());
    let run = folder.backup(&db, &["--dry-run"]).expect(0);
    assert!(run.stdout.contains("would delete"), "{}", run.stdout);
    assert!(old.exists());
    folder.backup(&db, &[]).expect(0);
    assert!(!old.exists() && recent.exists());
}
