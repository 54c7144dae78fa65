//! The names that broken-off work leaves behind, and edu's own names while it swaps.

use crate::catalog::name::{NAME_BYTES_MAX, Name};

/// What a name with a known ending was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// REINDEX CONCURRENTLY: `_ccnew`, `_ccold`, with a number when several were left.
    Reindex,
    /// edu's rebuild, before the swap.
    New,
    /// edu's rebuild, after the swap.
    Old,
}

/// The ending of an index that edu builds beside the one it will replace.
const NEW: &str = "_edu_new";
/// The ending of an index that edu has replaced and not yet dropped.
const OLD: &str = "_edu_old";

/// The name of `index`'s replacement while it is built.
pub fn new_name(index: &Name) -> Name {
    with_ending(index, NEW)
}

/// The name of `index` once it is replaced.
pub fn old_name(index: &Name) -> Name {
    with_ending(index, OLD)
}

/// `name` with an ending; the name gives way where both are too long for PostgreSQL.
pub fn with_ending(name: &Name, ending: &str) -> Name {
    Name {
        schema: name.schema.clone(),
        name: format!("{}{ending}", clipped(&name.name, ending.len())),
    }
}

/// `name` without what leaves no room for `ending` bytes more.
fn clipped(name: &str, ending: usize) -> &str {
    let mut end = name.len().min(NAME_BYTES_MAX - ending);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Who made an index called `found` for the index called `index`; `None` when it has nothing to do
/// with it.
pub fn maker(found: &str, index: &str) -> Option<Maker> {
    for (ending, maker) in [(NEW, Maker::New), (OLD, Maker::Old)] {
        if found.strip_suffix(ending) == Some(clipped(index, ending.len())) {
            return Some(maker);
        }
    }
    let digits = found.trim_end_matches(|c: char| c.is_ascii_digit());
    let base = digits
        .strip_suffix("_ccnew")
        .or_else(|| digits.strip_suffix("_ccold"))?;
    (base == clipped(index, found.len() - base.len())).then_some(Maker::Reindex)
}

/// Whether a name looks like something that REINDEX CONCURRENTLY left, whatever its index is called.
pub fn is_reindex_leftover(found: &str) -> bool {
    let name = found.trim_end_matches(|c: char| c.is_ascii_digit());
    name.ends_with("_ccnew") || name.ends_with("_ccold")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leftover_is_told_by_its_ending_and_belongs_to_one_index() {
        assert_eq!(maker("idx_a_ccnew", "idx_a"), Some(Maker::Reindex));
        assert_eq!(maker("idx_a_ccold12", "idx_a"), Some(Maker::Reindex));
        assert_eq!(maker("idx_a_edu_new", "idx_a"), Some(Maker::New));
        assert_eq!(maker("idx_a_edu_old", "idx_a"), Some(Maker::Old));
        assert_eq!(maker("idx_ab_ccnew", "idx_a"), None);
        assert_eq!(maker("idx_a", "idx_a"), None);
    }

    #[test]
    fn a_long_name_gives_way_to_the_ending_between_characters() {
        let long = Name::new("s", "é".repeat(31)).unwrap();
        let new = new_name(&long);
        assert!(new.name.len() <= NAME_BYTES_MAX && new.name.ends_with("é_edu_new"));
        assert_eq!(maker(&new.name, &long.name), Some(Maker::New));
    }
}
