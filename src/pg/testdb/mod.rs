//! Test databases on a server: templates, clones of them, their leases, and what is left over.
//!
//! A template is named by the hash of all that it was made from and built once, under an advisory
//! lock. A clone is a copy of its files. Every database carries a [`mark`] as its comment, and whoever
//! makes or uses one holds an advisory lock on its name: the server drops the lock however its holder
//! ends, so that what nobody uses can be told from what somebody makes just now.
//!
//! All locks are taken in one database, because advisory locks belong to the database they are taken
//! in. What a template is filled with is the caller's.

pub mod admin;
pub mod clone;
pub mod mark;
pub mod state;
pub mod sweep;
pub mod template;

pub use admin::Admin;
pub use clone::Held;
pub use template::Template;

/// What the names of clones start with.
pub const CLONE: &str = "edu_test_";

/// What the names of templates start with.
pub const TEMPLATE: &str = "edu_template_";

/// How much of the project's name goes into the name of a database. Units: bytes.
const SLUG_BYTES_MAX: usize = 20;

/// The part of a database's name that says whose it is.
pub fn slug(project: &str) -> String {
    project
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .take(SLUG_BYTES_MAX)
        .collect()
}

/// A name for a new clone.
pub(super) fn new_name(project: &str) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{CLONE}{}_{}", slug(project), &random[..12])
}

/// The name of the template with the hash `hash`.
pub fn template_name(project: &str, hash: &str) -> String {
    let hash: String = hash.chars().take(16).collect();
    format!("{TEMPLATE}{}_{hash}", slug(project))
}

/// Whether edu gave this name to a database of the project.
fn is_ours(name: &str, prefix: &str, project: &str) -> bool {
    let rest = name.strip_prefix(prefix);
    let rest = rest.and_then(|rest| rest.strip_prefix(&format!("{}_", slug(project))));
    rest.is_some_and(|random| {
        random.len() >= 12 && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_and_tells_its_project() {
        let long = "An-unusually-long-name-of-a-project-that-goes-on-and-on";
        let clone = new_name(long);
        assert!(clone.len() <= 63 && is_ours(&clone, CLONE, long));
        assert!(!is_ours(&clone, CLONE, "shop"));
        let template = template_name("shop", &"ab".repeat(32));
        assert_eq!(template, "edu_template_shop_abababababababab");
        assert!(is_ours(&template, TEMPLATE, "shop"));
    }

    #[test]
    fn a_database_of_somebody_elses_is_not_ours() {
        for name in [
            "edu_test_shop",
            "edu_test_shop_notes",
            "edu_test_shop_0123456789ag",
            "shop",
        ] {
            assert!(!is_ours(name, CLONE, "shop"), "{name}");
        }
    }
}
