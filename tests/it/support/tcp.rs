//! A server that listens on TCP, for what has to stand between edu and the server. Without AGE.

use std::path::Path;
use std::sync::OnceLock;

use edu::server::Ephemeral;
use edu::server::ephemeral::Options;

use super::runtime;

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
