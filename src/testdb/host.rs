//! Which process this is, so that others can tell whether it still lives.

use std::fs;

use crate::config::Environment;
use crate::pg::testdb::mark::{Lease, Owner};
use crate::pg::testdb::state::Process;

/// This process. `command` says what it runs.
pub(super) fn owner(environment: &Environment, command: &str) -> Owner {
    let pid = std::process::id();
    let name = rustix::system::uname();
    Owner {
        user: environment
            .user
            .clone()
            .unwrap_or_else(|| "unknown".to_owned()),
        host: name.nodename().to_string_lossy().into_owned(),
        pid,
        place: place(),
        started: started(pid).unwrap_or_default(),
        command: command.chars().take(60).collect(),
    }
}

/// What is known of the process that holds `lease`.
pub(super) fn process(lease: &Lease) -> Process {
    let owner = &lease.owner;
    if owner.place != place() {
        return Process::Elsewhere;
    }
    // Numbers are used again; the time of the start tells two processes apart.
    match started(owner.pid) {
        Some(started) if started == owner.started => Process::Alive,
        _ => Process::Gone,
    }
}

/// Where the number of a process means the same process: one boot of one kernel, and there one PID
/// namespace, of which containers have their own.
fn place() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {}", boot.trim(), space.display())
}

/// When a process started. Units: ticks since the boot. Nothing for one that is gone, or that has ended
/// and waits for its parent to notice. Source: proc(5), `/proc/pid/stat`.
fn started(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(owner: Owner) -> Lease {
        Lease {
            template: "t".to_owned(),
            owner,
            since: 0,
            expires: None,
        }
    }

    #[test]
    fn this_process_lives_and_one_of_an_earlier_start_does_not() {
        let owner = owner(&Environment::default(), "test");
        assert!(owner.started > 0);
        assert_eq!(process(&lease(owner.clone())), Process::Alive);
        let earlier = Owner {
            started: owner.started - 1,
            ..owner.clone()
        };
        assert_eq!(process(&lease(earlier)), Process::Gone);
        let elsewhere = Owner {
            place: "another boot".to_owned(),
            ..owner
        };
        assert_eq!(process(&lease(elsewhere)), Process::Elsewhere);
    }
}
