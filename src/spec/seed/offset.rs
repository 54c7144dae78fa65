//! Lengths of time before or after now: `-7d`, `+1h30min`, `0`.

/// Unit names and their length. Units: seconds. `min` stands before `m` because it is longer.
const UNITS: [(&str, i64); 6] = [
    ("min", 60),
    ("w", 604_800),
    ("d", 86_400),
    ("h", 3_600),
    ("m", 60),
    ("s", 1),
];

/// The largest offset. Units: seconds. A thousand years keep every sum within PostgreSQL's timestamps.
const OFFSET_S_MAX: i64 = 1_000 * 366 * 86_400;

/// Reads an offset. Units: seconds.
///
/// # Errors
/// A sentence that follows the value's name.
pub(super) fn read(text: &str) -> Result<i64, String> {
    let wrong = || format!("has the offset \"{text}\": write for example -7d, +1h30min or 0");
    let trimmed = text.trim();
    let (sign, mut rest) = match trimmed.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let (unit, length) = UNITS
            .iter()
            .find(|(unit, _)| rest.starts_with(unit))
            .ok_or_else(wrong)?;
        rest = &rest[unit.len()..];
        total = number
            .checked_mul(*length)
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= OFFSET_S_MAX)
            .ok_or_else(|| format!("has the offset \"{text}\", more than a thousand years"))?;
    }
    Ok(sign * total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_with_their_sign_and_units() {
        for (text, seconds) in [
            ("0", 0),
            ("-7d", -604_800),
            ("+1h30min", 5_400),
            ("2w", 1_209_600),
            ("-1m5s", -65),
        ] {
            assert_eq!(read(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_offset_is_refused() {
        for text in ["", "-", "7", "d", "7 d", "1y", "99999999999w", "1h-1m"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
