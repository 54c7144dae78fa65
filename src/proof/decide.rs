//! Is there an assignment under which a formula is true? Kleene's three values, PostgreSQL's own.
//!
//! Branches on one atom after another and cuts off where the value can no longer be true.

use std::collections::BTreeSet;

/// A formula over numbered atoms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// TRUE, FALSE or NULL.
    Known(Option<bool>),
    /// An atom by its number; any of the three values.
    Atom(usize),
    /// AND.
    All(Vec<Formula>),
    /// OR.
    Any(Vec<Formula>),
    /// NOT.
    Not(Box<Formula>),
    /// COALESCE.
    First(Vec<Formula>),
    /// Whether the value is among true, false, null; never NULL itself.
    OneOf(Box<Formula>, [bool; 3]),
    /// CASE WHEN … END.
    Case(Vec<(Formula, Formula)>, Box<Formula>),
}

/// An atom's value.
pub type Value = Option<bool>;

/// An assignment; `None` is not decided yet.
pub type Assignment = Vec<Option<Value>>;

/// The values that something can still take. Bits: 1 true, 2 false, 4 null.
type Values = u8;

const TRUE: Values = 1;
const FALSE: Values = 2;
const NULL: Values = 4;
const EVERY: Values = TRUE | FALSE | NULL;

/// How many steps a search may take.
const STEPS_MAX: u32 = 300_000;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// No assignment.
    None,
    /// This one.
    Found(Assignment),
    /// The search was given up.
    TooLong,
}

impl Formula {
    /// IS TRUE.
    pub fn truth(self) -> Self {
        Self::OneOf(Box::new(self), [true, false, false])
    }

    /// NOT.
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// The atoms that it asks.
    pub fn atoms(&self) -> BTreeSet<usize> {
        let of = |items: &[Self]| items.iter().flat_map(Self::atoms).collect::<BTreeSet<_>>();
        match self {
            Self::Known(_) => BTreeSet::new(),
            Self::Atom(atom) => BTreeSet::from([*atom]),
            Self::All(items) | Self::Any(items) | Self::First(items) => of(items),
            Self::Not(inner) | Self::OneOf(inner, _) => inner.atoms(),
            Self::Case(branches, default) => {
                let branches = branches.iter();
                let inside = branches.flat_map(|(when, then)| [when.atoms(), then.atoms()]);
                inside.flatten().chain(default.atoms()).collect()
            }
        }
    }

    fn values(&self, assignment: &Assignment) -> Values {
        match self {
            Self::Known(value) => bit(*value),
            Self::Atom(atom) => assignment.get(*atom).copied().flatten().map_or(EVERY, bit),
            Self::All(items) => items
                .iter()
                .fold(TRUE, |all, item| and(all, item.values(assignment))),
            Self::Any(items) => not(items
                .iter()
                .fold(TRUE, |all, item| and(all, not(item.values(assignment))))),
            Self::Not(inner) => not(inner.values(assignment)),
            Self::First(items) => {
                let mut values = 0;
                for item in items {
                    let item = item.values(assignment);
                    values |= item & !NULL;
                    if item & NULL == 0 {
                        return values;
                    }
                }
                values | NULL
            }
            Self::OneOf(inner, truth) => {
                let inner = inner.values(assignment);
                let among = bits(*truth);
                (if inner & among != 0 { TRUE } else { 0 })
                    | (if inner & !among != 0 { FALSE } else { 0 })
            }
            Self::Case(branches, default) => {
                let mut values = 0;
                for (when, then) in branches {
                    let when = when.values(assignment);
                    if when & TRUE != 0 {
                        values |= then.values(assignment);
                    }
                    if when == TRUE {
                        return values;
                    }
                }
                values | default.values(assignment)
            }
        }
    }

    /// The first atom that is not decided.
    fn open(&self, assignment: &Assignment) -> Option<usize> {
        match self {
            Self::Known(_) => None,
            Self::Atom(atom) => assignment
                .get(*atom)
                .copied()
                .flatten()
                .is_none()
                .then_some(*atom),
            Self::All(items) | Self::Any(items) | Self::First(items) => {
                items.iter().find_map(|item| item.open(assignment))
            }
            Self::Not(inner) | Self::OneOf(inner, _) => inner.open(assignment),
            Self::Case(branches, default) => branches
                .iter()
                .find_map(|(when, then)| when.open(assignment).or_else(|| then.open(assignment)))
                .or_else(|| default.open(assignment)),
        }
    }
}

/// Searches an assignment that extends `start` and makes the formula true.
pub fn satisfy(formula: &Formula, start: Assignment) -> Search {
    let mut steps = 0;
    let mut assignment = start;
    search(formula, &mut assignment, &mut steps)
}

fn search(formula: &Formula, assignment: &mut Assignment, steps: &mut u32) -> Search {
    *steps += 1;
    if *steps > STEPS_MAX {
        return Search::TooLong;
    }
    let values = formula.values(assignment);
    if values & TRUE == 0 {
        return Search::None;
    }
    if values == TRUE {
        return Search::Found(assignment.clone());
    }
    let Some(atom) = formula.open(assignment) else {
        return Search::None;
    };
    for value in [Some(false), None, Some(true)] {
        assignment[atom] = Some(value);
        match search(formula, assignment, steps) {
            Search::None => {}
            ended => return ended,
        }
    }
    assignment[atom] = None;
    Search::None
}

const fn bit(value: Value) -> Values {
    match value {
        Some(true) => TRUE,
        Some(false) => FALSE,
        None => NULL,
    }
}

fn bits(truth: [bool; 3]) -> Values {
    [TRUE, FALSE, NULL]
        .into_iter()
        .zip(truth)
        .map(|(bit, has)| if has { bit } else { 0 })
        .sum()
}

fn not(values: Values) -> Values {
    (values & NULL)
        | (if values & TRUE != 0 { FALSE } else { 0 })
        | (if values & FALSE != 0 { TRUE } else { 0 })
}

fn and(left: Values, right: Values) -> Values {
    let mut values = (left | right) & FALSE;
    if left & TRUE != 0 && right & TRUE != 0 {
        values |= TRUE;
    }
    if (left & NULL != 0 && right & (NULL | TRUE) != 0)
        || (right & NULL != 0 && left & (NULL | TRUE) != 0)
    {
        values |= NULL;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(n: usize) -> Formula {
        Formula::Atom(n)
    }

    #[test]
    fn an_or_admits_and_an_and_does_not() {
        let foreign = atom(0).truth().negated();
        let leak = Formula::All(vec![Formula::Any(vec![atom(0), atom(1)]), foreign.clone()]);
        assert!(matches!(satisfy(&leak, vec![None; 2]), Search::Found(_)));
        let safe = Formula::All(vec![Formula::All(vec![atom(0), atom(1)]), foreign]);
        assert_eq!(satisfy(&safe, vec![None; 2]), Search::None);
    }

    #[test]
    fn null_is_neither_true_nor_false() {
        let both = Formula::Any(vec![atom(0), atom(0).negated()]);
        let missed = both.truth().negated();
        assert_eq!(
            satisfy(&missed, vec![None]),
            Search::Found(vec![Some(None)])
        );
        let first = Formula::First(vec![atom(0), Formula::Known(Some(false))]);
        let null = Formula::OneOf(Box::new(first), [false, false, true]);
        assert_eq!(satisfy(&null, vec![None]), Search::None);
    }

    #[test]
    fn a_case_takes_the_first_branch_that_holds() {
        let case = Formula::Case(
            vec![(atom(0), Formula::Known(Some(true)))],
            Box::new(Formula::Known(None)),
        );
        assert_eq!(satisfy(&case, vec![Some(None)]), Search::None);
        assert!(matches!(satisfy(&case, vec![None]), Search::Found(_)));
    }
}
