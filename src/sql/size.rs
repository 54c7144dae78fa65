//! Amounts of memory with their unit, as the command line writes them and PostgreSQL reads them.

use std::str::FromStr;

/// Unit names and their size. Units: bytes. Source: PostgreSQL, `memory_unit_conversion_table`.
const UNITS: [(&str, u64); 4] = [
    ("kB", 1 << 10),
    ("MB", 1 << 20),
    ("GB", 1 << 30),
    ("TB", 1 << 40),
];

/// The least `maintenance_work_mem`. Units: bytes.
const SIZE_BYTES_MIN: u64 = 1 << 20;

/// An amount of memory, at least a megabyte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    bytes: u64,
}

impl Size {
    /// The whole amount. Units: bytes.
    pub const fn as_bytes(self) -> u64 {
        self.bytes
    }
}

impl FromStr for Size {
    type Err = String;

    /// Reads a whole number and a unit: `512MB`, `2GB`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()));
        let (Ok(number), Some((_, factor))) = (number.parse::<u64>(), factor) else {
            return Err(format!(
                "\"{text}\" is not an amount of memory: write for example 512MB or 2GB"
            ));
        };
        match number.checked_mul(*factor) {
            Some(bytes) if bytes >= SIZE_BYTES_MIN => Ok(Self { bytes }),
            Some(_) => Err(format!("\"{text}\" is less than 1MB")),
            None => Err(format!("\"{text}\" is more than anything has")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_of_memory_needs_its_unit() {
        let read = |text: &str| text.parse::<Size>().map(Size::as_bytes);
        assert_eq!(read("2GB"), Ok(2 << 30));
        assert_eq!(read("512 mb"), Ok(512 << 20));
        assert!(read("2").is_err() && read("64kB").is_err() && read("99999999999TB").is_err());
    }
}
