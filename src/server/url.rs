//! Connection URLs that libpq and sqlx both read.
//!
//! A socket is given as `host=/folder` in the query with `localhost` as the host: sqlx takes the
//! port from the authority, libpq lets the query win.

use std::path::Path;

/// A URL over the socket in `sockets`. It holds no secret.
pub fn socket(user: &str, database: &str, sockets: &Path, port: u16) -> String {
    format!(
        "postgresql://{}@localhost:{port}/{}?host={}",
        encode(user),
        encode(database),
        encode(&sockets.to_string_lossy())
    )
}

/// A URL over loopback TCP, with the password only if one is given.
pub fn tcp(user: &str, password: Option<&str>, database: &str, port: u16) -> String {
    let secret = password.map_or(String::new(), |password| format!(":{}", encode(password)));
    format!(
        "postgresql://{}{secret}@127.0.0.1:{port}/{}",
        encode(user),
        encode(database)
    )
}

/// Percent-encodes what RFC 3986 does not call unreserved.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use sqlx::postgres::PgConnectOptions;

    use super::*;

    #[test]
    fn sqlx_reads_back_what_went_into_a_socket_url() {
        let url = socket("o'b@x", "my db/ü", Path::new("/tmp/a b"), 20_711);
        let options = PgConnectOptions::from_str(&url).unwrap();
        assert_eq!(
            options.get_socket().map(|path| path.as_path()),
            Some(Path::new("/tmp/a b"))
        );
        assert_eq!(
            (options.get_username(), options.get_port()),
            ("o'b@x", 20_711)
        );
        assert_eq!(options.get_database(), Some("my db/ü"));
    }

    #[test]
    fn a_tcp_url_has_no_password_unless_one_is_given() {
        assert_eq!(
            tcp("postgres", None, "shop", 1),
            "postgresql://postgres@127.0.0.1:1/shop"
        );
        assert!(tcp("postgres", Some("p:w"), "shop", 1).contains("postgres:p%3Aw@"));
    }
}
