//! PgBouncer between edu and the server. It is fetched from Debian's mirror, not installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::support::{Project, Session, migrations, tcp_server, until};

/// The program, and where its libraries are. Nothing where it cannot be had.
fn program() -> Option<&'static (PathBuf, PathBuf)> {
    static PROGRAM: OnceLock<Option<(PathBuf, PathBuf)>> = OnceLock::new();
    PROGRAM
        .get_or_init(|| {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pgbouncer");
            let program = folder.join("usr/sbin/pgbouncer");
            let libraries = folder.join("usr/lib/x86_64-linux-gnu");
            if !program.exists() {
                fetch(&folder).ok()?;
            }
            let answers = Command::new(&program)
                .arg("--version")
                .env("LD_LIBRARY_PATH", &libraries)
                .output()
                .is_ok_and(|output| output.status.success());
            answers.then_some((program, libraries))
        })
        .as_ref()
}

fn fetch(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for library in [
        "libcares2",
        "libc-ares2",
        "libevent-2.1-7t64",
        "libevent-2.1-7",
        "pgbouncer",
    ] {
        // Debian's releases name the libraries differently; one name of each is there.
        Command::new("apt-get")
            .args(["-qq", "download", library])
            .current_dir(folder)
            .stderr(Stdio::null())
            .status()?;
    }
    for entry in fs::read_dir(folder)?.flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "deb")
        {
            Command::new("dpkg-deb")
                .arg("-x")
                .arg(entry.path())
                .arg(folder)
                .status()?;
        }
    }
    Ok(())
}

struct Bouncer {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Bouncer {
    fn start(mode: &str) -> Option<Self> {
        Self::with(mode, "")
    }

    /// With more lines of settings.
    fn with(mode: &str, more: &str) -> Option<Self> {
        let Some((program, libraries)) = program() else {
            println!("skipped: pgbouncer is not on this machine and could not be fetched");
            return None;
        };
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
        // Below the ports that connections get: one of those is anybody's as soon as it is let go.
        let random = u64::from(uuid::Uuid::new_v4().as_fields().0);
        let port = edu::server::settings::choose_port(random).expect("a port");
        let config = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres password={}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n{more}",
            tcp_server().port,
            tcp_server().password
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, config).expect("the configuration");
        let mut command = Command::new(program);
        command
            .arg("-q")
            .arg(&file)
            .env("LD_LIBRARY_PATH", libraries);
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer");
        until("pgbouncer listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(Self {
            child,
            port,
            _folder: folder,
        })
    }

    fn url(&self, database: &str) -> String {
        format!(
            "postgresql://postgres@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn project(database: &str) -> Project {
    let direct = tcp_server().url("postgres", "postgres");
    let sql = |text: &str| {
        let run = crate::support::runtime()
            .command("psql")
            .args(["-qX", "-d", &direct, "-c", text])
            .status();
        assert!(run.expect("psql").success(), "{text}");
    };
    sql(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
    sql(&format!("CREATE DATABASE {database}"));
    migrations(&[
        "CREATE TABLE a (i int);",
        "-- edu: no-transaction\nCREATE INDEX CONCURRENTLY a_i ON a (i);",
    ])
}

#[test]
fn a_pooler_in_transaction_mode_is_refused_before_anything_is_done() {
    let Some(bouncer) = Bouncer::start("transaction") else {
        return;
    };
    let project = project("pooled_transactions");
    let run = project
        .edu(&[
            "db",
            "migrate",
            "--url",
            &bouncer.url("pooled_transactions"),
        ])
        .expect(8);
    assert!(
        run.says("through a pooler that shares sessions"),
        "{}",
        run.stderr
    );
    let direct = tcp_server().url("pooled_transactions", "postgres");
    let status = project.edu(&["db", "status", "--url", &direct]).expect(0);
    assert!(status.says("0 applied, 2 pending"), "{}", status.stdout);
}

#[test]
fn a_pooler_is_refused_whichever_of_its_sessions_it_gives() {
    let direct = tcp_server().url("pooled_orders", "postgres");
    for order in [
        "server_round_robin = 0\n",
        "server_round_robin = 1\n",
        "default_pool_size = 1\n",
    ] {
        let Some(bouncer) = Bouncer::with(
            "transaction",
            &format!("ignore_startup_parameters = extra_float_digits\n{order}"),
        ) else {
            return;
        };
        let project = project("pooled_orders");
        let url = bouncer.url("pooled_orders");
        if !order.contains("pool_size") {
            // Three sessions at once: from now on there are as many to choose from.
            let mut open: Vec<Session> = (0..3).map(|_| Session::at(&url)).collect();
            for session in &mut open {
                session.run("BEGIN");
            }
            for session in &mut open {
                session.run("ROLLBACK");
            }
        }
        for _ in 0..if order.contains("pool_size") { 1 } else { 5 } {
            let run = project.edu(&["db", "migrate", "--url", &url]).expect(8);
            assert!(
                run.says("through a pooler that shares sessions"),
                "{order} {}",
                run.stderr
            );
        }
        // Nothing stays locked behind the pooler.
        let run = project.edu(&["db", "lock", "--url", &direct]).expect(0);
        assert!(run.says("nobody"), "{order} {}", run.stdout);
        let status = project.edu(&["db", "status", "--url", &direct]).expect(0);
        assert!(
            status.says("0 applied, 2 pending"),
            "{order} {}",
            status.stdout
        );
    }
}

#[test]
fn test_databases_are_not_made_through_a_pooler_in_transaction_mode() {
    let project = migrations(&["CREATE TABLE a (i int);"]);
    for order in ["server_round_robin = 0\n", "server_round_robin = 1\n"] {
        let Some(bouncer) = Bouncer::with("transaction", order) else {
            return;
        };
        let url = bouncer.url("postgres");
        for _ in 0..5 {
            let run = project.edu(&["testdb", "create", "--url", &url]).expect(8);
            assert!(
                run.says("through a pooler that shares sessions"),
                "{}",
                run.stderr
            );
        }
    }
    if let Some(bouncer) = Bouncer::start("session") {
        let url = bouncer.url("postgres");
        let run = ["testdb", "run", "--url", &url, "--", "true"];
        project.edu(&run).expect(0);
    }
}

#[test]
fn a_pooler_in_session_mode_is_fine() {
    let Some(bouncer) = Bouncer::start("session") else {
        return;
    };
    let project = project("pooled_sessions");
    let url = bouncer.url("pooled_sessions");
    project.edu(&["db", "migrate", "--url", &url]).expect(0);
    let status = project.edu(&["db", "status", "--url", &url]).expect(0);
    assert!(
        status.says("2 applied, nothing pending"),
        "{}",
        status.stdout
    );
}
