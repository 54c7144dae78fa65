//! The house's walls: who may import whom, and what appears nowhere in `src/`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every room of the house, and the rooms it may import. `failure` and `progress` are words that
/// all of them speak.
const ALLOWED: &[(&str, &[&str])] = &[
    ("failure", &[]),
    ("progress", &[]),
    ("secret", &[]),
    ("catalog", &["failure"]),
    ("sql", &["failure", "catalog"]),
    ("spec", &["failure", "catalog", "sql"]),
    ("posture", &["failure", "catalog", "sql", "spec"]),
    ("check", &["failure", "catalog", "spec", "posture"]),
    ("proof", &["failure", "catalog", "spec", "posture"]),
    ("probe", &["failure", "catalog", "spec", "posture"]),
    ("config", &["failure"]),
    ("diff", &["failure", "catalog", "spec"]),
    ("render", &["failure", "catalog", "diff"]),
    ("finding", &["failure"]),
    ("report", &["failure", "finding"]),
    ("project", &["failure", "spec"]),
    ("plan", &["failure", "secret", "catalog", "sql", "spec"]),
    ("lint", &["catalog", "spec", "sql", "plan", "graph"]),
    ("explain", &["catalog", "sql", "graph", "check"]),
    // What a graph must look like is decided without a server, and tested without one.
    ("graph", &["failure", "catalog", "sql", "spec"]),
    ("vector", &["progress", "catalog", "spec"]),
    ("seed", &["failure", "catalog", "spec", "graph"]),
    (
        "pg",
        &[
            "failure", "progress", "secret", "catalog", "sql", "spec", "plan", "graph", "posture",
            "probe", "vector", "seed",
        ],
    ),
    (
        "server",
        &["failure", "progress", "config", "spec", "vector"],
    ),
    (
        "expected",
        &["failure", "catalog", "sql", "spec", "project", "pg"],
    ),
    (
        "testdb",
        &[
            "failure", "progress", "catalog", "sql", "spec", "config", "project", "diff",
            "expected", "pg", "server",
        ],
    ),
    ("backup", &["failure", "progress", "pg", "server"]),
    ("ui", &["failure", "progress", "secret"]),
    (
        "commands",
        &[
            "failure", "progress", "catalog", "sql", "spec", "config", "project", "pg", "server",
            "ui", "cli", "plan", "explain", "graph", "posture", "check", "proof", "probe", "diff",
            "render", "finding", "report", "vector", "backup", "seed", "expected", "testdb",
            "lint",
        ],
    ),
    ("cli", &["commands", "config", "failure", "secret", "ui"]),
    ("lib", &[]),
    ("main", &[]),
];

#[test]
fn imports_point_one_way_only() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ALLOWED
        .iter()
        .map(|(room, rooms)| (*room, rooms.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for file in sources() {
        let room = room_of(&file);
        let Some(rooms) = allowed.get(room.as_str()) else {
            wrong.push(format!(
                "{}: room \"{room}\" is not on the map",
                file.display()
            ));
            continue;
        };
        for imported in imports(&fs::read_to_string(&file).unwrap()) {
            if imported != room && !rooms.contains(imported.as_str()) {
                wrong.push(format!("{}: {room} imports {imported}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_command_imports_another() {
    let mut wrong = Vec::new();
    for file in sources()
        .into_iter()
        .filter(|file| room_of(file) == "commands")
    {
        let group = file
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        for line in code_lines(&file) {
            if let Some(rest) = line.split("crate::commands::").nth(1) {
                let first = rest.split([':', ';', '{', ' ']).next().unwrap_or("");
                let shared =
                    first.starts_with(char::is_uppercase) || first.is_empty() || first == group;
                if !shared {
                    wrong.push(format!("{}: {line}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_environment_is_read_in_one_place() {
    assert_only_in("std::env::var", &["config.rs"]);
}

#[test]
fn only_the_printer_prints() {
    for word in ["println!", "eprintln!", "io::stdout()", "io::stderr()"] {
        assert_only_in(word, &["ui.rs", "ui/screen.rs"]);
    }
}

#[test]
fn refinery_lives_in_the_migrations_module() {
    assert_only_in(
        "refinery_core",
        &["pg/migrate/mod.rs", "pg/migrate/history/refinery.rs"],
    );
}

#[test]
fn the_source_knows_no_project_by_name() {
    let names: BTreeSet<String> = project_words();
    assert!(
        names.len() > 20,
        "the project's own words could not be collected"
    );
    let mut wrong = Vec::new();
    for file in sources() {
        let tests_from = "#[cfg(test)]";
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split(tests_from).next().unwrap_or("");
        for word in code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            if names.contains(word) {
                wrong.push(format!("{}: {word}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names that belong to the projects in this repository: their tables, roles, functions and graph.
fn project_words() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut words: BTreeSet<String> = ["edusphere", "nuclom", "microlearning", "contextinject"]
        .map(str::to_owned)
        .into();
    let examples = fs::read_dir(root.join("examples")).unwrap();
    let projects = examples
        .map(|entry| entry.unwrap().path())
        .chain([root.to_owned()]);
    let folders = projects.map(|project| project.join("migrations"));
    for entry in folders.flat_map(|folder| fs::read_dir(folder).unwrap()) {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for marker in [
            "CREATE TABLE public.",
            "CREATE TYPE public.",
            "ROLE ",
            "FUNCTION public.",
        ] {
            for part in text.split(marker).skip(1) {
                let word: String = part
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                if word.contains('_') && word.len() > 6 {
                    words.insert(word);
                }
            }
        }
    }
    words
}

fn assert_only_in(needle: &str, allowed: &[&str]) {
    let root = source_root();
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|file| !allowed.iter().any(|path| file == &root.join(path)))
        .filter(|file| code_lines(file).iter().any(|line| line.contains(needle)))
        .map(|file| file.display().to_string())
        .collect();
    assert!(
        wrong.is_empty(),
        "`{needle}` stands in {}",
        wrong.join(", ")
    );
}

fn code_lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .map(str::to_owned)
        .collect()
}

/// The rooms named after `crate::` in code lines.
fn imports(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        for part in line.split("crate::").skip(1) {
            let room: String = part
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            if !room.is_empty() {
                rooms.insert(room);
            }
        }
    }
    rooms
}

fn room_of(file: &Path) -> String {
    let relative = file.strip_prefix(source_root()).unwrap();
    let first = relative
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![source_root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
