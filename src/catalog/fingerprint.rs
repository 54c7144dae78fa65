//! One word for a whole catalog: equal exactly when the structure is.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::facet::{is_aid, is_state};
use super::{Catalog, Value};

/// The catalog's fingerprint. It survives a dump and a restore: numbers that the server gives, the
/// state of the data and the place of the cluster do not count.
///
/// # Shape
/// 64 lower-case hexadecimal digits.
pub fn fingerprint(catalog: &Catalog) -> String {
    let mut hasher = Sha256::new();
    for (id, facets) in &catalog.objects {
        for part in [id.kind.as_str(), &id.on, &id.name] {
            hasher.update(part);
            hasher.update([0x1f]);
        }
        for (facet, value) in facets.iter() {
            if is_state(id.kind, facet) || is_aid(facet) {
                continue;
            }
            hasher.update(facet);
            hasher.update([0x1e]);
            match value {
                Value::List(items) => {
                    for item in items {
                        hasher.update(item.as_bytes());
                        hasher.update([0x1d]);
                    }
                }
                other => hasher.update(other.to_string()),
            }
            hasher.update([0x1c]);
        }
        hasher.update([0]);
    }
    let mut hex = String::with_capacity(64);
    for byte in hasher.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
