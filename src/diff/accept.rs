//! Differences that `edu.toml` accepts, each with a reason and perhaps a day until which.

use super::Difference;
use crate::spec::manifest::Accept;

/// What became of the acceptances.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The differences that stay.
    pub differences: Vec<Difference>,
    /// How many were accepted.
    pub accepted: usize,
    /// The acceptances that fit nothing, by their place in the list.
    pub unused: Vec<usize>,
    /// The acceptances whose day has passed and that would have fitted.
    pub expired: Vec<usize>,
}

/// Takes out what is accepted. `today` is a date as `YYYY-MM-DD`, which sorts as dates do.
pub fn accept(differences: Vec<Difference>, list: &[Accept], today: &str) -> Verdict {
    let mut used = vec![false; list.len()];
    let mut verdict = Verdict::default();
    for difference in differences {
        let fits: Vec<usize> = (0..list.len())
            .filter(|at| fits(&list[*at], &difference))
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
        verdict.differences.push(difference);
    }
    verdict.expired.sort_unstable();
    verdict.expired.dedup();
    verdict.unused = (0..list.len()).filter(|at| !used[*at]).collect();
    verdict
}

fn fits(accept: &Accept, difference: &Difference) -> bool {
    accept.object == difference.id.to_string()
        && accept
            .facet
            .as_deref()
            .is_none_or(|facet| facet == difference.facet())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Id, Kind};
    use crate::diff::{Change, Severity};

    fn accepts(until: Option<&str>) -> Vec<Accept> {
        vec![Accept {
            object: "role deploy".into(),
            facet: None,
            reason: "it migrates".into(),
            until: until.map(str::to_owned),
        }]
    }

    fn difference() -> Vec<Difference> {
        vec![Difference {
            id: Id::new(Kind::Role, "", "deploy"),
            change: Change::Unexpected,
            severity: Severity::Error,
            consequence: String::new(),
            hint: None,
        }]
    }

    #[test]
    fn an_acceptance_holds_until_its_day_and_is_told_when_it_fits_nothing() {
        let held = accept(difference(), &accepts(Some("2030-01-01")), "2029-12-31");
        assert_eq!((held.accepted, held.differences.len()), (1, 0));
        let over = accept(difference(), &accepts(Some("2030-01-01")), "2030-01-02");
        assert_eq!((over.expired, over.differences.len()), (vec![0], 1));
        assert_eq!(accept(Vec::new(), &accepts(None), "2030-01-02").unused, [0]);
    }
}
