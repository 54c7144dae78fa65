//! Running the real binary, and projects in temporary folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run of edu gave.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// All of it in one text, for snapshots. Times, ports and folders become words.
    pub fn snapshot(&self) -> String {
        let text = format!(
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        );
        let mut out = String::new();
        // A busy machine has more to tell of a long stage.
        for line in text.lines().filter(|line| !line.starts_with("  … ")) {
            out.push_str(&masked(line));
            out.push('\n');
        }
        out
    }

    /// The run, if it ended with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Whether `text` stands in what was printed on either side.
    pub fn says(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

fn masked(line: &str) -> String {
    let mut words = Vec::new();
    let mut rest = line.split(' ').peekable();
    while let Some(word) = rest.next() {
        let number = word.trim_matches(|c: char| !c.is_ascii_digit());
        let timed = !number.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.');
        let unit = rest
            .peek()
            .is_some_and(|unit| matches!(unit.trim_end_matches('.'), "ms" | "s"));
        if timed && unit {
            words.push("[time]".to_owned());
            rest.next();
        } else {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

/// Runs edu with a clean environment in `folder`.
pub fn edu(folder: &Path, args: &[&str]) -> Run {
    run(folder, args, &[])
}

fn run(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Run {
    let output = command(folder, args, environment)
        .output()
        .expect("edu could not be run");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Edu with a clean environment in `folder`, not started yet.
pub fn command(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Command {
    // A measurement looks at another build than the tests do.
    let program =
        std::env::var_os("EDU_UNDER_TEST").unwrap_or_else(|| env!("CARGO_BIN_EXE_edu").into());
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env_clear();
    for name in ["PATH", "HOME", "XDG_CACHE_HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(environment.iter().copied());
    command
}

/// A project in a temporary folder.
pub struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// A project named "shop" without roles, with these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        if !files.iter().any(|(path, _)| *path == "edu.toml") {
            project.write("edu.toml", "name = \"shop\"\n");
        }
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// The files of this repository's project in a folder of its own.
    pub fn copy_of_root() -> Self {
        Self::copy(&Self::root())
    }

    /// A project's files, without its server, in a folder of their own that a server's account can enter.
    pub fn copy(folder: &Path) -> Self {
        let project = Self::new(&[]);
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(project.path(), open).expect("the folder's mode");
        fs::copy(folder.join("edu.toml"), project.path().join("edu.toml")).expect("the manifest");
        for part in ["spec", "migrations", "graph", "seeds", "options"] {
            if folder.join(part).is_dir() {
                copy_folder(&folder.join(part), &project.path().join(part));
            }
        }
        project
    }

    /// The folder of a system: this repository's own project, or one of the examples.
    pub fn of(system: &str) -> PathBuf {
        match system {
            "edusphere" => Self::root(),
            other => Self::root().join("examples").join(other),
        }
    }

    /// The project of this repository.
    pub fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes or replaces a file.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(path, text).expect("the file");
    }

    /// Runs edu in the project.
    pub fn edu(&self, args: &[&str]) -> Run {
        run(self.path(), args, &[])
    }

    /// Runs edu in the project with more environment variables.
    pub fn edu_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Run {
        run(self.path(), args, environment)
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder");
    for entry in fs::read_dir(from).expect("the folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the file");
        }
    }
}
