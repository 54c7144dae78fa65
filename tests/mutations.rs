//! Mutations of the project's database: every harmful one is found, no harmless one is alarmed about.
//!
//! A sample runs always; all of them with `just rls-mutations`, which also writes the table in docs/rls.md when
//! `EDU_BLESS` is set. Each runs on a clone of its own, judged by the real program with all three engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(
    clippy::print_stdout,
    reason = "the harness shows it with a failed test"
)]

#[allow(dead_code, unused_imports, reason = "the other tests use the rest")]
#[path = "it/support/mod.rs"]
mod support;

#[path = "mutations/random.rs"]
mod random;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use support::{Database, Project, Template, database, edu};

/// The condition of the tenant, and of the user, as the project writes them.
const TENANT: &str = "tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid";
const USER: &str = "user_id = NULLIF(current_setting('app.current_user', true), '')::uuid";

/// One change.
struct Mutation {
    name: String,
    sql: String,
    undo: Option<String>,
    access: Option<String>,
}

/// What a run said of it.
struct Judged {
    name: String,
    engines: BTreeSet<String>,
    ids: BTreeSet<String>,
}

/// Reads a corpus; `order` says what the entries after name and SQL are.
fn corpus(file: &str, order: [&str; 2]) -> Vec<Mutation> {
    #[derive(serde::Deserialize)]
    struct File {
        mutation: Vec<Vec<String>>,
    }
    let path = Project::root().join("tests/mutations").join(file);
    let file: File = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let entries = file.mutation.into_iter();
    entries
        .map(|entry| {
            let part = |name: &str| {
                order
                    .iter()
                    .position(|word| *word == name)
                    .and_then(|at| entry.get(at + 2))
                    .cloned()
            };
            Mutation {
                name: entry[0].clone(),
                sql: entry[1].clone(),
                undo: part("undo"),
                access: part("access"),
            }
        })
        .collect()
}

fn harmful() -> Vec<Mutation> {
    corpus("harmful.toml", ["undo", ""])
}

fn doors() -> Vec<Mutation> {
    corpus("doors.toml", ["access", "undo"])
}

fn harmless() -> Vec<Mutation> {
    corpus("harmless.toml", ["access", ""])
}

fn filled(sql: &str, db: &Database) -> String {
    sql.replace("{T}", TENANT)
        .replace("{U}", USER)
        .replace("{D}", &db.name)
}

/// The project's folder, or a copy with more in spec/access.toml.
fn project(mutation: &Mutation) -> (PathBuf, Option<Project>) {
    let root = Project::root();
    let Some(more) = &mutation.access else {
        return (root, None);
    };
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let access = format!("{}\n{more}", read("spec/access.toml"));
    let files = [
        ("edu.toml", read("edu.toml")),
        ("graph/ontology.toml", read("graph/ontology.toml")),
        ("spec/access.toml", access),
    ];
    let project = Project::new(&files.each_ref().map(|(path, text)| (*path, text.as_str())));
    (project.path().to_path_buf(), Some(project))
}

fn judge(mutation: &Mutation) -> Judged {
    let db = database(Template::Migrated);
    db.run(&filled(&mutation.sql, &db));
    let (folder, _kept) = project(mutation);
    let run = edu(
        &folder,
        &[
            "db",
            "rls",
            "--here",
            "--output",
            "json",
            "--url",
            &db.url(),
        ],
    );
    if let Some(undo) = &mutation.undo {
        db.run(&filled(undo, &db));
    }
    let (mut engines, mut ids) = (BTreeSet::new(), BTreeSet::new());
    match serde_json::from_str::<Value>(&run.stdout) {
        Ok(report) => {
            for finding in report["findings"].as_array().unwrap() {
                if finding["severity"] != "info" {
                    engines.insert(finding["engine"].as_str().unwrap().to_owned());
                    ids.insert(finding["id"].as_str().unwrap().to_owned());
                }
            }
            assert_eq!(
                run.code,
                i32::from(!ids.is_empty()),
                "{}: {}",
                mutation.name,
                run.stderr
            );
        }
        Err(_) => panic!("{}: exit {}: {}", mutation.name, run.code, run.stderr),
    }
    let told: Vec<&str> = ids.iter().map(String::as_str).collect();
    println!("{}: {}", mutation.name, told.join(", "));
    Judged {
        name: mutation.name.clone(),
        engines,
        ids,
    }
}

/// Judges them in their order: four at a time, except those that change what the whole server shares.
fn judge_all(list: &[Mutation]) -> Vec<Judged> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Judged)>> = Mutex::new(Vec::new());
    let alone = |one: &Mutation| one.undo.is_some() || one.sql.contains(" ROLE ");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(one) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !alone(one) {
                        let at = list
                            .iter()
                            .position(|other| std::ptr::eq(other, one))
                            .unwrap();
                        let judged = judge(one);
                        done.lock().unwrap().push((at, judged));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    for (at, one) in list.iter().enumerate().filter(|(_, one)| alone(one)) {
        done.push((at, judge(one)));
    }
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, judged)| judged).collect()
}

#[track_caller]
fn all_found(judged: &[Judged]) {
    let missed: Vec<&str> = judged
        .iter()
        .filter(|one| one.ids.is_empty())
        .map(|one| one.name.as_str())
        .collect();
    assert!(missed.is_empty(), "not found: {}", missed.join(", "));
}

#[track_caller]
fn none_alarmed(judged: &[Judged]) {
    let alarmed: Vec<String> = judged
        .iter()
        .filter(|one| !one.ids.is_empty())
        .map(|one| format!("{}: {:?}", one.name, one.ids))
        .collect();
    assert!(alarmed.is_empty(), "alarmed: {}", alarmed.join("; "));
}

/// One test, because some mutations change roles, which all databases of the server share.
#[test]
fn a_sample_of_mutations_is_told_apart() {
    let every = |step: usize, list: Vec<Mutation>| {
        list.into_iter()
            .step_by(step)
            .map(|one| judge(&one))
            .collect::<Vec<_>>()
    };
    all_found(&every(16, harmful()));
    all_found(&every(6, doors()));
    none_alarmed(&every(6, harmless()));
    all_found(&every(40, random::mutations(200)));
}

#[test]
#[ignore = "ten minutes: just rls-mutations"]
fn all_mutations_are_told_apart() {
    let started = std::time::Instant::now();
    let keep = std::env::var("EDU_MUTATIONS").unwrap_or_default();
    let all = |mut list: Vec<Mutation>| {
        list.retain(|one| keep.split(',').any(|part| one.name.contains(part)));
        judge_all(&list)
    };
    let lists = [
        ("hand-written", all(harmful())),
        ("allowed doors", all(doors())),
        ("random", all(random::mutations(200))),
    ];
    let harmless = all(harmless());
    let table = table(&lists, &harmless, started.elapsed().as_secs());
    println!("{table}\n{} s", started.elapsed().as_secs());
    if std::env::var_os("EDU_BLESS").is_some() {
        write_table(&table);
    }
    for (_, judged) in &lists {
        all_found(judged);
    }
    none_alarmed(&harmless);
}

/// The figures, and every hand-written mutation with the engines that found it.
fn table(lists: &[(&str, Vec<Judged>)], harmless: &[Judged], seconds: u64) -> String {
    let count = lists.iter().map(|(_, list)| list.len()).sum::<usize>() + harmless.len();
    let mut out = format!("Complete run of {count} mutations, {seconds} s.\n\n");
    out.push_str(
        "| mutations | all | found | static | proof | probe | proof or probe alone |\n|---|---|---|---|---|---|---|\n",
    );
    for (name, judged) in lists {
        let by = |engine: &str| {
            judged
                .iter()
                .filter(|one| one.engines.contains(engine))
                .count()
        };
        let found = judged.iter().filter(|one| !one.ids.is_empty()).count();
        let beyond = judged
            .iter()
            .filter(|one| !one.ids.is_empty() && !one.engines.contains("static"))
            .count();
        let _ = writeln!(
            out,
            "| {name} | {} | {found} | {} | {} | {} | {beyond} |",
            judged.len(),
            by("static"),
            by("proof"),
            by("probe")
        );
    }
    let alarmed = harmless.iter().filter(|one| !one.ids.is_empty()).count();
    let _ = writeln!(
        out,
        "| harmless | {} | {alarmed} | | | | |\n\n| mutation | static | proof | probe |\n|---|---|---|---|",
        harmless.len()
    );
    for (_, judged) in lists.iter().take(2) {
        for one in judged {
            let mark = |engine: &str| {
                if one.engines.contains(engine) {
                    "x"
                } else {
                    ""
                }
            };
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                one.name,
                mark("static"),
                mark("proof"),
                mark("probe")
            );
        }
    }
    out
}

/// Replaces what stands between the marks of this major in docs/rls.md.
fn write_table(table: &str) {
    let path = Project::root().join("docs/rls.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let major = std::env::var("EDU_TEST_MAJOR").unwrap_or_else(|_| "17".to_owned());
    let (begin, end) = (
        format!("<!-- mutations {major} -->\n"),
        format!("<!-- end {major} -->"),
    );
    let (head, rest) = text.split_once(&begin).unwrap();
    let (_, tail) = rest.split_once(&end).unwrap();
    std::fs::write(path, format!("{head}{begin}\n{table}\n{end}{tail}")).unwrap();
}
