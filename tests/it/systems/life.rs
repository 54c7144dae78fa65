//! The life that every system has, on an embedded server of its own.

use std::time::Instant;

use super::count::{Compared, documented};
use crate::support::{Project, Run, major};

/// A copy of a system's project. Its server goes with it.
struct Own(Project);

impl Own {
    fn edu(&self, args: &[&str]) -> Run {
        let major = major().to_string();
        self.0.edu(&[args, &["--major", &major]].concat())
    }

    fn fingerprint(&self) -> String {
        self.edu(&["db", "fingerprint"]).expect(0).stdout
    }

    /// Another `edu up` changes nothing.
    fn nothing_to_do(&self) {
        let up = self.edu(&["up"]).expect(0);
        for step in ["bootstrap", "migrate", "seed"] {
            // A busy machine tells of a stage before it tells of the step.
            let mut lines = up.stderr.lines().filter(|line| !line.starts_with("  … "));
            let line = lines.find(|line| line.contains(step));
            let line = line.unwrap_or_else(|| panic!("no {step}: {}", up.stderr));
            assert!(line.contains("nothing to do"), "{line}");
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.edu(&["server", "reset", "--yes"]);
    }
}

/// Its files are clean. From nothing: up, up again, verified, isolation proved; down and up again to the same structure;
/// and the migrations give what the spec says.
pub fn life(system: super::System) {
    let own = Own(Project::copy(&system.folder()));
    own.0.edu(&["db", "lint"]).expect(0);
    let mut times = "| | seconds |\n|---|---|\n".to_owned();
    let mut timed = |what: &str, step: &dyn Fn()| {
        let begin = Instant::now();
        step();
        let took = begin.elapsed().as_secs_f64();
        times.push_str(&format!("| {what} | {took:.1} |\n"));
    };
    let run = |args: &'static [&'static str]| {
        let own = &own;
        move || drop(own.edu(args).expect(0))
    };
    timed("`edu up` from nothing", &run(&["up"]));
    timed("`edu up` with nothing to do", &|| own.nothing_to_do());
    timed("`edu db verify`", &run(&["db", "verify"]));
    timed("`edu db rls`, with its attempts", &run(&["db", "rls"]));
    let made = own.fingerprint();
    let down = run(&["db", "rollback", "--to", "0", "--yes"]);
    timed("`edu db rollback --to 0`", &down);
    assert_ne!(own.fingerprint(), made, "going down changed nothing");
    timed("`edu up` after that", &run(&["up"]));
    documented(&format!("times {}", system.0), &times, Compared::No);
    own.edu(&["db", "verify"]).expect(0);
    assert_eq!(own.fingerprint(), made, "down and up is another structure");
    own.nothing_to_do();
    own.edu(&["db", "verify", "--project-only"]).expect(0);
    if major() == 17 {
        own.edu(&["db", "snapshot", "--check"]).expect(0);
    }
}
