//! Servers of a test's own, and one that listens on TCP, without AGE, for what has to stand between
//! edu and the server.

use std::path::Path;
use std::sync::OnceLock;

use edu::server::Ephemeral;
use edu::server::ephemeral::Options;

use super::runtime;

/// A server for one test that makes roles: roles belong to a whole server.
pub fn own_server() -> Ephemeral {
    let guard = Path::new(env!("CARGO_BIN_EXE_edu"));
    Ephemeral::start(runtime(), guard, &Options::default())
        .unwrap_or_else(|failure| panic!("{failure}"))
}

/// The server that all tests of this process share.
pub fn tcp_server() -> &'static Ephemeral {
    static SERVER: OnceLock<Ephemeral> = OnceLock::new();
    SERVER.get_or_init(|| {
        let options = Options {
            settings: vec![
                ("listen_addresses".to_owned(), "127.0.0.1".to_owned()),
                ("shared_preload_libraries".to_owned(), String::new()),
            ],
            ..Options::default()
        };
        Ephemeral::start(runtime(), Path::new(env!("CARGO_BIN_EXE_edu")), &options)
            .unwrap_or_else(|failure| panic!("{failure}"))
    })
}
