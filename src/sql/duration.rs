//! Durations with their unit, as the command line and header comments write them.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// The longest duration a PostgreSQL timeout setting holds. Units: milliseconds.
pub const DURATION_MS_MAX: u64 = i32::MAX as u64;

/// Unit names and their length. Units: milliseconds.
const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("min", 60_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// A length of time, at most [`DURATION_MS_MAX`]. Its `Display` is one PostgreSQL understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Duration {
    ms: u64,
}

impl Duration {
    /// The whole length. Units: milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.ms
    }

    /// Whether there is no time at all, which PostgreSQL takes as "without limit".
    pub const fn is_zero(self) -> bool {
        self.ms == 0
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_millis(duration.ms)
    }
}

impl FromStr for Duration {
    type Err = String;

    /// Reads a whole number and a unit: `700ms`, `2s`, `5min`, `10m` (minutes), `1h`, `1d`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim_start();
        if number.is_empty() {
            return Err(format!(
                "\"{text}\" is not a duration: write for example 700ms, 2s or 5min"
            ));
        }
        if unit.is_empty() {
            return Err(format!(
                "\"{text}\" has no unit: write {text}ms, {text}s or {text}min"
            ));
        }
        let Some((_, unit_ms)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!(
                "\"{unit}\" is not a unit of time: use ms, s, min, h or d"
            ));
        };
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*unit_ms))
            .filter(|ms| *ms <= DURATION_MS_MAX)
            .map(|ms| Self { ms })
            .ok_or_else(|| format!("\"{text}\" is longer than PostgreSQL's 24 days"))
    }
}

impl TryFrom<String> for Duration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, unit_ms) = [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("min", 60_000),
            ("s", 1_000),
        ]
        .into_iter()
        .find(|(_, unit_ms)| self.ms > 0 && self.ms.is_multiple_of(*unit_ms))
        .unwrap_or(("ms", 1));
        write!(f, "{}{unit}", self.ms / unit_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_shown_as_postgresql_takes_it() {
        for (text, ms, shown) in [
            ("700ms", 700, "700ms"),
            ("2s", 2_000, "2s"),
            ("5min", 300_000, "5min"),
            ("10m", 600_000, "10min"),
            ("1h", 3_600_000, "1h"),
            ("0s", 0, "0ms"),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(
                (duration.as_ms(), duration.to_string().as_str()),
                (ms, shown)
            );
        }
    }

    #[test]
    fn a_number_without_unit_is_an_error_that_offers_the_units() {
        let error = "5".parse::<Duration>().unwrap_err();
        assert!(error.contains("5ms, 5s or 5min"), "{error}");
    }

    #[test]
    fn an_unknown_unit_a_negative_and_an_endless_number_are_errors() {
        for text in [
            "5 fortnights",
            "-1s",
            "",
            "s",
            "99999999999999999999h",
            "30d",
            "1.5s",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
