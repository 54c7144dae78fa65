//! What README.md shows is what edu prints.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Project, command, major, runtime};

/// A copy of this repository's project, whose server goes with it.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("edu-readme-")
            .tempdir_in("/tmp")
            .unwrap();
        // The server's account must be able to enter it, where root runs the tests.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["edu.toml", "migrations", "spec", "graph", "seeds"] {
            let mut copy = Command::new("cp");
            copy.arg("-r")
                .arg(Project::root().join(name))
                .arg(folder.path());
            assert!(copy.status().unwrap().success());
        }
        Self(folder)
    }

    /// Runs a line of the transcript. Shape: stdout and stderr as a terminal shows them.
    fn run(&self, line: &str) -> String {
        let args: Vec<&str> = line.strip_prefix("edu ").expect("edu").split(' ').collect();
        let file = self.0.path().join("said");
        let said = fs::File::create(&file).unwrap();
        let status = command(self.0.path(), &args, &[])
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .status()
            .unwrap();
        let said = fs::read_to_string(&file).unwrap();
        assert!(status.success(), "{line}: {said}");
        said
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let reset = ["server", "reset", "--yes"];
        let _ = command(self.0.path(), &reset, &[]).output();
    }
}

/// The first fenced block of a document, as (command, lines) pairs.
fn transcript(document: &str) -> Vec<(String, Vec<String>)> {
    let block = document.split("```").nth(1).expect("a fenced block");
    let mut runs: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.lines().skip(1) {
        match (line.strip_prefix("$ "), runs.last_mut()) {
            (Some(command), _) => runs.push((command.to_owned(), Vec::new())),
            (None, Some((_, lines))) => lines.push(line.to_owned()),
            (None, None) => panic!("the transcript does not begin with a command"),
        }
    }
    runs
}

/// A line without what differs from run to run: times, ports, folders. Progress that a terminal
/// replaces is nothing.
fn steady(line: &str) -> Option<String> {
    if line.trim().is_empty() || line.starts_with("  … ") {
        return None;
    }
    let line = match line.split_once("postgresql://") {
        Some((before, _)) => format!("{before}[url]"),
        None => line.to_owned(),
    };
    let mut words: Vec<&str> = Vec::new();
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let number = |word: &&str| word.chars().all(|c| c.is_ascii_digit() || c == '.');
        if matches!(word, "s" | "ms") && words.last().is_some_and(number) {
            words.pop();
            words.push("[time]");
        } else {
            words.push(word);
        }
    }
    Some(words.join(" "))
}

#[test]
fn the_transcript_in_the_readme_is_what_edu_says() {
    if major() != 17 {
        return;
    }
    runtime();
    let copy = Copy::new();
    let readme = fs::read_to_string(Project::root().join("README.md")).unwrap();
    let runs = transcript(&readme);
    assert_eq!(
        runs.iter()
            .map(|(line, _)| line.as_str())
            .collect::<Vec<_>>(),
        ["edu up", "edu db migrate"]
    );
    for (line, lines) in runs {
        let said = copy.run(&line);
        let mut said: Vec<String> = said.lines().filter_map(steady).collect();
        let mut shown: Vec<String> = lines.iter().filter_map(|line| steady(line)).collect();
        // The document may leave out the end of an answer.
        if shown.last().is_some_and(|line| line == "…") {
            shown.pop();
            said.truncate(shown.len());
        }
        assert_eq!(shown, said, "`{line}`");
    }
}

#[test]
fn every_file_that_the_documents_link_to_exists() {
    let root = Project::root();
    let mut missing = Vec::new();
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        for part in text.split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap_or("");
            let local = !target.is_empty() && !target.contains("://");
            if local && !Path::new(&root).join(target).exists() {
                missing.push(format!("{name}: {target}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
