//! Environment and flags, read once. This is the only reader of the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the environment says that edu cares about.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_CACHE_HOME`, if it is absolute.
    pub cache_home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`, if it is absolute.
    pub runtime_dir: Option<PathBuf>,
    /// `EDU_DATABASE_URL`, else `DATABASE_URL`, with the name it was read from.
    pub database_url: Option<(&'static str, String)>,
    /// Whether libpq's `PGHOST`, `PGHOSTADDR`, `PGDATABASE` or `PGPORT` name a server.
    pub names_a_server: bool,
    /// `EDU_PG_BIN`: a folder with the server's programs.
    pub pg_bin: Option<PathBuf>,
    /// `PATH`, split.
    pub path: Vec<PathBuf>,
    /// `NO_COLOR` is set and not empty.
    pub no_colour: bool,
    /// `CI` is set and not "false".
    pub ci: bool,
    /// `SUDO_USER`, `USER` or `LOGNAME`.
    pub user: Option<String>,
}

impl Environment {
    /// Reads the process's environment.
    pub fn read() -> Self {
        let get = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let text = |name: &str| get(name).and_then(|value| value.into_string().ok());
        let folder = |name: &str| {
            get(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let url = |name: &'static str| text(name).map(|value| (name, value));
        Self {
            home: folder("HOME"),
            cache_home: folder("XDG_CACHE_HOME"),
            runtime_dir: folder("XDG_RUNTIME_DIR"),
            database_url: url("EDU_DATABASE_URL").or_else(|| url("DATABASE_URL")),
            names_a_server: ["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGPORT"]
                .iter()
                .any(|n| get(n).is_some()),
            pg_bin: folder("EDU_PG_BIN"),
            path: split(get("PATH")),
            no_colour: get("NO_COLOR").is_some(),
            ci: text("CI").is_some_and(|value| value != "false"),
            user: ["SUDO_USER", "USER", "LOGNAME"]
                .iter()
                .find_map(|name| text(name)),
        }
    }

    /// The first file called `program` on `PATH`.
    pub fn find_program(&self, program: &str) -> Option<PathBuf> {
        self.path
            .iter()
            .map(|folder| folder.join(program))
            .find(|file| is_executable(file))
    }
}

fn split(path: Option<OsString>) -> Vec<PathBuf> {
    path.map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default()
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
