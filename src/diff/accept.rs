//! Differences that `edu.toml` accepts, each with a reason and perhaps a day until which.

use crate::spec::manifest::Accept;

/// What became of the acceptances.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict<T> {
    /// What is not accepted.
    pub left: Vec<T>,
    /// How many were accepted.
    pub accepted: usize,
    /// The acceptances that fit nothing, by their place in the list.
    pub unused: Vec<usize>,
    /// The acceptances whose day has passed and that would have fitted.
    pub expired: Vec<usize>,
}

/// Takes out what is accepted: what `fits` an entry of the list. `today` is a date as `YYYY-MM-DD`, which
/// sorts as dates do.
pub fn accept<T>(
    found: Vec<T>,
    list: &[Accept],
    today: &str,
    fits: impl Fn(&Accept, &T) -> bool,
) -> Verdict<T> {
    let mut used = vec![false; list.len()];
    let mut verdict = Verdict {
        left: Vec::new(),
        accepted: 0,
        unused: Vec::new(),
        expired: Vec::new(),
    };
    for one in found {
        let fits: Vec<usize> = (0..list.len())
            .filter(|at| fits(&list[*at], &one))
            .collect();
        fits.iter().for_each(|at| used[*at] = true);
        let over = |at: &usize| {
            list[*at]
                .until
                .as_deref()
                .is_some_and(|until| until < today)
        };
        if fits.iter().any(|at| !over(at)) {
            verdict.accepted += 1;
            continue;
        }
        verdict.expired.extend(fits);
        verdict.left.push(one);
    }
    verdict.expired.sort_unstable();
    verdict.expired.dedup();
    verdict.unused = (0..list.len()).filter(|at| !used[*at]).collect();
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(until: Option<&str>) -> Vec<Accept> {
        vec![Accept {
            object: "role deploy".into(),
            facet: None,
            reason: "it migrates".into(),
            until: until.map(str::to_owned),
        }]
    }

    #[test]
    fn an_acceptance_holds_until_its_day_and_is_told_when_it_fits_nothing() {
        let fits = |accept: &Accept, object: &&str| accept.object == *object;
        let take = |found: &[&'static str], until, today| {
            accept(found.to_vec(), &accepts(until), today, fits)
        };
        let held = take(&["role deploy"], Some("2030-01-01"), "2029-12-31");
        assert_eq!((held.accepted, held.left.len()), (1, 0));
        let over = take(&["role deploy"], Some("2030-01-01"), "2030-01-02");
        assert_eq!((over.expired, over.left), (vec![0], vec!["role deploy"]));
        assert_eq!(take(&[], None, "2030-01-02").unused, [0]);
    }
}
