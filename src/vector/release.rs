//! What is known of pgvector's releases. Source: pgvector's CHANGELOG.

/// Releases with the reason to have them, newest first.
const REASONS: [(&str, &str); 3] = [
    (
        "0.8.4",
        "repairs what earlier releases' vacuum may have damaged",
    ),
    (
        "0.8.3",
        "mends a possible corruption of hnsw indexes by vacuum",
    ),
    ("0.8.2", "mends an overflow in parallel hnsw builds"),
];

/// Why to update from the installed release: one sentence per reason, oldest release first. Empty
/// when there is none, or the version is not understood.
pub fn advice(installed: &str) -> Vec<String> {
    let Some(version) = parts(installed) else {
        return Vec::new();
    };
    REASONS
        .iter()
        .rev()
        .filter(|(release, _)| parts(release).is_some_and(|release| version < release))
        .map(|(release, why)| format!("pgvector {installed} is installed; {release} {why}"))
        .collect()
}

fn parts(version: &str) -> Option<[u32; 3]> {
    let mut numbers = version.split('.').map(|part| part.parse().ok());
    let mut next = || numbers.next().unwrap_or(Some(0));
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_release_is_told_why_to_go_and_a_new_one_is_left_alone() {
        assert_eq!(advice("0.8.0").len(), 3);
        assert_eq!(advice("0.8.3").len(), 1);
        assert!(advice("0.8.4").is_empty() && advice("0.10.0").is_empty());
    }
}
