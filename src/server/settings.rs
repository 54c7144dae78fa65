//! The settings that edu writes for a cluster, and the choice of its port.
//!
//! `edu.conf` is included at the end of `postgresql.conf` and written anew at each start; what a
//! user wants otherwise goes through `ALTER SYSTEM`, which comes after it.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::Path;

/// The ports that clusters are given: below the range that Linux hands out to connections.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// How many ports are tried before giving up.
const PORT_TRIES_MAX: u16 = 200;

/// The smallest `/dev/shm` that parallel queries get along with. Units: bytes.
const SHARED_MEMORY_BYTES_MIN: u64 = 256 << 20;

/// How a server treats its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Committed is kept, whatever happens.
    Kept,
    /// The data lives no longer than the server: nothing is flushed.
    Thrown,
}

/// What `edu.conf` is rendered from.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// The port, for TCP and as the socket's suffix.
    pub port: u16,
    /// The socket's folder.
    pub sockets: &'a Path,
    /// Addresses to listen at. Empty: the socket only.
    pub listen: &'a str,
    /// How the data is treated.
    pub durability: Durability,
    /// Libraries that extensions want loaded at the start, beside pg_stat_statements.
    pub preload: &'a [String],
    /// Free for the caller; come last.
    pub more: &'a [(String, String)],
}

impl Settings<'_> {
    /// Renders `edu.conf` for this machine.
    pub fn render(&self) -> String {
        let zone = if Path::new("/usr/share/zoneinfo/UTC").exists() {
            "UTC"
        } else {
            "GMT"
        };
        // A thrown-away server that is killed must not leave segments in /dev/shm.
        let memory = if self.durability == Durability::Thrown
            || shared_memory_bytes() < SHARED_MEMORY_BYTES_MIN
        {
            "mmap"
        } else {
            "posix"
        };
        let mut libraries: Vec<&str> = self.preload.iter().map(String::as_str).collect();
        libraries.push("pg_stat_statements");
        let libraries = libraries.join(",");
        let port = self.port.to_string();
        let sockets = self.sockets.display().to_string();
        let mut lines = vec![
            ("port", port.as_str()),
            ("listen_addresses", self.listen),
            ("unix_socket_directories", &sockets),
            ("unix_socket_permissions", "0700"),
            ("shared_preload_libraries", &libraries),
            ("jit", "off"),
            ("max_connections", "200"),
            ("shared_buffers", "128MB"),
            ("dynamic_shared_memory_type", memory),
            ("password_encryption", "scram-sha-256"),
            ("timezone", zone),
            ("log_timezone", zone),
            ("lc_messages", "C"),
            ("log_line_prefix", "%m [%p] %q%u@%d %a "),
        ];
        match self.durability {
            Durability::Kept => lines.extend([
                ("logging_collector", "on"),
                ("log_directory", "log"),
                // One file per weekday, overwritten a week later: that bounds the log.
                ("log_filename", "postgresql-%a.log"),
                ("log_rotation_age", "1d"),
                ("log_rotation_size", "0"),
                ("log_truncate_on_rotation", "on"),
            ]),
            Durability::Thrown => lines.extend([
                ("fsync", "off"),
                ("synchronous_commit", "off"),
                ("full_page_writes", "off"),
                ("max_wal_size", "512MB"),
                ("min_wal_size", "32MB"),
                ("autovacuum_naptime", "10min"),
            ]),
        }
        let mut text =
            String::from("# Written by edu at each start. Your own settings: ALTER SYSTEM SET …\n");
        let more = self
            .more
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in lines.into_iter().chain(more) {
            text.push_str(&format!("{name} = '{}'\n", value.replace('\'', "''")));
        }
        text
    }
}

/// The port in an `edu.conf`.
pub fn port_of(conf: &str) -> Option<u16> {
    let line = conf
        .lines()
        .find_map(|line| line.strip_prefix("port = '"))?;
    line.trim_end_matches('\'').parse().ok()
}

/// A free port: the first of a fixed sequence that starts where `seed` says, so that a project keeps
/// its port even after a reset. `None` when some two hundred are taken.
pub fn choose_port(seed: u64) -> Option<u16> {
    let span = PORTS.end - PORTS.start;
    let start = (seed % u64::from(span)) as u16;
    (0..PORT_TRIES_MAX)
        .map(|step| PORTS.start + (start + step * 7) % span)
        .find(|port| is_free(*port))
}

/// Whether nobody listens at this port of the loopback addresses.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        && (!has_ipv6() || TcpListener::bind((Ipv6Addr::LOCALHOST, port)).is_ok())
}

/// The loopback addresses that this machine has.
pub fn loopback() -> &'static str {
    if has_ipv6() {
        "127.0.0.1,::1"
    } else {
        "127.0.0.1"
    }
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

fn shared_memory_bytes() -> u64 {
    rustix::fs::statvfs("/dev/shm").map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &[(String, String)]) -> String {
        Settings {
            port: 20_711,
            sockets: Path::new("/tmp/it's here"),
            listen: "127.0.0.1",
            durability: Durability::Kept,
            preload: &["age".to_owned()],
            more,
        }
        .render()
    }

    #[test]
    fn a_quote_in_a_path_stays_inside_its_setting() {
        assert!(settings(&[]).contains("unix_socket_directories = '/tmp/it''s here'\n"));
    }

    #[test]
    fn the_port_is_read_back_from_the_rendered_file() {
        assert_eq!(port_of(&settings(&[])), Some(20_711));
        assert_eq!(port_of("# empty\n"), None);
    }

    #[test]
    fn a_kept_cluster_is_flushed_and_the_callers_settings_come_last() {
        let text = settings(&[("work_mem".into(), "8MB".into())]);
        assert!(!text.contains("fsync") && text.ends_with("work_mem = '8MB'\n"));
        assert!(text.contains("jit = 'off'") && text.contains("'age,pg_stat_statements'"));
    }

    #[test]
    fn a_taken_port_is_passed_over_and_a_seed_keeps_its_port() {
        let first = choose_port(42).unwrap();
        assert_eq!(choose_port(42), Some(first));
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        assert_ne!(choose_port(42), Some(first));
    }
}
