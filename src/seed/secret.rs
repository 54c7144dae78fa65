//! Hashes of passwords and keys, and the keys themselves.

use std::fmt;

use argon2::{Argon2, PasswordHasher};
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Result};

/// A key that is shown once. Only [`Key::reveal`] gives its text.
#[derive(Clone)]
pub struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Makes a key: the prefix, then so many random bytes in hexadecimal.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn make(prefix: &str, bytes: u16) -> Result<Self> {
        random(prefix, bytes).map(Self)
    }

    /// What is stored of it: its SHA-256 in hexadecimal.
    pub fn stored(&self) -> String {
        sha256(&self.0)
    }

    /// Its first characters.
    pub fn start(&self, length: u16) -> String {
        self.0.chars().take(length.into()).collect()
    }

    /// The key itself, for the one who may see it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of a text, in lower-case hexadecimal.
pub fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// A prefix and so many random bytes in hexadecimal.
///
/// # Errors
/// When the system gives no random bytes.
pub fn random(prefix: &str, bytes: u16) -> Result<String> {
    let mut filled = vec![0; bytes.into()];
    getrandom::fill(&mut filled).map_err(|error| {
        Failure::usage("the system gave no random bytes").detail(format!("{error}."))
    })?;
    Ok(format!("{prefix}{}", hex::encode(filled)))
}

/// The Argon2id hash of a password in the PHC form, with a random salt.
///
/// # Errors
/// When the system gives no random bytes, or the password is too long.
pub fn argon2(password: &str) -> Result<String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Failure::usage("could not hash a password").detail(format!("{error}.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::argon2::PasswordVerifier;
    use ::argon2::password_hash::phc::PasswordHash;

    #[test]
    fn a_key_shows_its_start_and_stores_its_hash() {
        let key = Key::make("ci_test_", 32).unwrap();
        assert_eq!(key.reveal().len(), 8 + 64);
        assert!(key.reveal().starts_with(&key.start(16)) && key.start(16).starts_with("ci_test_"));
        assert_eq!(key.stored(), sha256(key.reveal()));
        assert!(!format!("{key:?}").contains("ci_test_"));
        assert_ne!(key.reveal(), Key::make("ci_test_", 32).unwrap().reveal());
    }

    #[test]
    fn sha256_is_that_of_the_standard() {
        assert_eq!(
            sha256("password123"),
            "ef92b778bafe771e89245b89ecbc08a44a4e166c06659911881f383d4473e94f"
        );
    }

    #[test]
    fn a_password_is_verified_by_its_hash() {
        let hash = argon2("testpassword123").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        let parsed = PasswordHash::new(&hash).unwrap();
        let verify =
            |password: &str| Argon2::default().verify_password(password.as_bytes(), &parsed);
        assert!(verify("testpassword123").is_ok() && verify("other").is_err());
    }
}
