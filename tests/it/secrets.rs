//! A password stays where it was given.

use crate::support::{Cut, Proxy, migrations, tcp_server};

const CANARY: &str = "c4nary-p4ssw0rd";

#[test]
fn a_password_appears_in_no_failure() {
    let port = tcp_server().port;
    let project = migrations(&["CREATE TABLE a (i int);\nSELECT 1 / 0;"]);
    let cut = Proxy::start(port, Cut::ResetAfter, 6);
    let right = &tcp_server().password;
    let urls = [
        format!("postgresql://postgres:{CANARY}@127.0.0.1:{port}/postgres?sslmode=disable"),
        format!("postgresql://nobody:{CANARY}@127.0.0.1:{port}/nothing"),
        format!("postgresql://postgres:{CANARY}@127.0.0.1:1/postgres"),
        format!("postgresql://postgres:{CANARY}@no.such.host.invalid/postgres"),
        format!("postgresql://postgres:{CANARY}@127.0.0.1:{port}/postgres?sslmode=verify-full"),
        format!("postgresql://postgres:{CANARY}@127.0.0.1:{port}/postgres?sslmode={CANARY}"),
        format!("mysql://postgres:{CANARY}@127.0.0.1/postgres"),
        format!("postgresql://postgres:{CANARY}%zz@[/postgres"),
        format!(
            "postgresql://postgres:{right}@127.0.0.1:{}/postgres?sslmode=disable",
            cut.port
        ),
        format!("postgresql://postgres:{right}@127.0.0.1:{port}/no_such_database"),
    ];
    for command in ["migrate", "status", "lock", "repair", "bootstrap"] {
        for url in &urls {
            let flag = project.edu(&["db", command, "--url", url]);
            let variable = project.edu_with(&["db", command], &[("DATABASE_URL", url)]);
            for run in [flag, variable] {
                for secret in [CANARY, right] {
                    assert!(
                        !run.says(secret),
                        "{command} {url}: {}{}",
                        run.stdout,
                        run.stderr
                    );
                }
                assert_ne!(run.code, 70, "{}", run.stderr);
            }
        }
    }
}
