//! How many of the true neighbours a search found.

/// How many neighbours are asked for: recall@10.
pub const NEIGHBOURS: usize = 10;

/// Two distances that differ by less than this part are the same.
const TOLERANCE: f64 = 1e-6;

/// One neighbour: where its row is, and how far.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// Names the row within one snapshot.
    pub row: String,
    /// Its distance.
    pub distance: f64,
}

/// The searches for one vector.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The row the vector was taken from; it does not count as its own neighbour.
    pub own_row: String,
    /// What an exact search found, nearest first.
    pub exact: Vec<Neighbour>,
    /// What the search under test found.
    pub found: Vec<Neighbour>,
    /// How long the search under test took. Units: milliseconds.
    pub took_ms: f64,
}

/// What several trials gave.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Recall {
    /// How many vectors were searched for.
    pub queries: usize,
    /// The mean part of the true neighbours that was found; 1 where there are none to find.
    pub recall: f64,
    /// The standard error of that mean.
    pub error: f64,
    /// How many of the rows that could be returned were, on average. At most [`NEIGHBOURS`].
    pub returned: f64,
    /// How many rows could be returned, on average.
    pub possible: f64,
    /// The median search's time. Units: milliseconds.
    pub took_ms: f64,
}

/// Sums trials up. `None` without any.
pub fn score(trials: &[Trial]) -> Option<Recall> {
    let mut parts = Vec::new();
    let (mut returned, mut possible) = (0, 0);
    for trial in trials {
        let exact = others(&trial.exact, &trial.own_row);
        let found = others(&trial.found, &trial.own_row);
        possible += exact.len();
        returned += found.len().min(exact.len());
        let Some(last) = exact.last() else { continue };
        let limit = last.distance + last.distance.abs() * TOLERANCE + f64::EPSILON;
        let hits = found.iter().filter(|one| one.distance <= limit).count();
        parts.push(hits.min(exact.len()) as f64 / exact.len() as f64);
    }
    if trials.is_empty() {
        return None;
    }
    let count = parts.len().max(1) as f64;
    let mean = if parts.is_empty() {
        1.0
    } else {
        parts.iter().sum::<f64>() / count
    };
    let variance = parts.iter().map(|part| (part - mean).powi(2)).sum::<f64>() / count;
    let mut times: Vec<f64> = trials.iter().map(|trial| trial.took_ms).collect();
    times.sort_by(f64::total_cmp);
    Some(Recall {
        queries: trials.len(),
        recall: mean,
        error: (variance / count).sqrt(),
        returned: returned as f64 / trials.len() as f64,
        possible: possible as f64 / trials.len() as f64,
        took_ms: times[times.len() / 2],
    })
}

fn others<'a>(all: &'a [Neighbour], own_row: &str) -> Vec<&'a Neighbour> {
    all.iter()
        .filter(|one| one.row != own_row)
        .take(NEIGHBOURS)
        .collect()
}

/// A tenant and how many rows it has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Tenant {
    /// Its id, as text.
    pub id: String,
    /// Its rows in the table.
    pub rows: u64,
}

/// Where one size of tenants ends and the next begins. Units: parts of all rows.
const CLASSES: [f64; 6] = [0.5, 0.2, 0.08, 0.03, 0.005, 0.0];

/// One tenant of each size that occurs, largest first: the middle one of its class.
pub fn representatives(tenants: &[Tenant]) -> Vec<Tenant> {
    let total: u64 = tenants.iter().map(|tenant| tenant.rows).sum();
    let mut sorted: Vec<&Tenant> = tenants.iter().collect();
    sorted.sort_by(|a, b| b.rows.cmp(&a.rows).then(a.id.cmp(&b.id)));
    let mut chosen = Vec::new();
    let mut ceiling = f64::INFINITY;
    for floor in CLASSES {
        let class: Vec<&&Tenant> = sorted
            .iter()
            .filter(|tenant| {
                let share = tenant.rows as f64 / total.max(1) as f64;
                share >= floor && share < ceiling && tenant.rows > 1
            })
            .collect();
        if let Some(middle) = class.get(class.len() / 2) {
            chosen.push((**middle).clone());
        }
        ceiling = floor;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbours(rows: &[(&str, f64)]) -> Vec<Neighbour> {
        rows.iter()
            .map(|(row, distance)| Neighbour {
                row: (*row).to_owned(),
                distance: *distance,
            })
            .collect()
    }

    fn trial(exact: &[(&str, f64)], found: &[(&str, f64)]) -> Trial {
        Trial {
            own_row: "self".into(),
            exact: neighbours(exact),
            found: neighbours(found),
            took_ms: 1.0,
        }
    }

    #[test]
    fn the_row_itself_does_not_count_and_equal_distances_are_as_good() {
        let exact = [("self", 0.0), ("a", 0.1), ("b", 0.2)];
        let score = score(&[
            trial(&exact, &[("self", 0.0), ("a", 0.1), ("c", 0.2)]),
            trial(&exact, &[("self", 0.0), ("d", 0.3)]),
        ])
        .unwrap();
        assert!((score.recall - 0.5).abs() < 1e-9, "{score:?}");
        assert!((score.returned - 1.5).abs() < 1e-9 && (score.possible - 2.0).abs() < 1e-9);
        assert!(score.error > 0.0);
    }

    #[test]
    fn a_search_that_returns_nothing_has_no_recall() {
        let none = score(&[trial(&[("a", 0.1)], &[])]).unwrap();
        assert!(none.recall == 0.0 && none.returned == 0.0);
        assert!(score(&[]).is_none());
    }

    #[test]
    fn each_size_of_tenants_is_represented_once() {
        let tenant = |id: &str, rows| Tenant {
            id: id.into(),
            rows,
        };
        let mut tenants = vec![tenant("big", 600), tenant("mid", 250), tenant("five", 50)];
        tenants.extend((0..100).map(|i| tenant(&format!("s{i:02}"), 1 + i % 2)));
        let ids: Vec<String> = representatives(&tenants)
            .into_iter()
            .map(|tenant| tenant.id)
            .collect();
        assert_eq!(ids.len(), 4, "{ids:?}");
        assert_eq!(ids[..3], ["big", "mid", "five"]);
    }
}
