//! Rows of numbers in files: `.npy`, `.fvecs`, CSV.
//!
//! Source: the format of `.npy` is described in NumPy's `numpy.lib.format`; an `.fvecs` row is a little-endian
//! `i32` with its length, then so many `f32`.

/// The rows of one file, all of one length.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    width: usize,
    numbers: Vec<f32>,
}

impl Array {
    /// Reads a file's bytes by the ending of its path.
    ///
    /// # Errors
    /// A sentence that follows the path: what is wrong with it.
    pub fn read(path: &str, bytes: &[u8]) -> Result<Self, String> {
        let array = match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("npy") => npy(bytes),
            Some("fvecs") => fvecs(bytes),
            Some("csv") => csv(bytes),
            _ => Err("is no .npy, .fvecs or .csv".to_owned()),
        }?;
        match array.numbers.iter().any(|number| !number.is_finite()) {
            true => Err("holds a number that is not finite".to_owned()),
            false => Ok(array),
        }
    }

    /// The row at an index, counted from 0.
    pub fn row(&self, at: usize) -> Option<&[f32]> {
        let from = at.checked_mul(self.width)?;
        self.numbers.get(from..from.checked_add(self.width)?)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.numbers.len() / self.width
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

fn npy(bytes: &[u8]) -> Result<Array, String> {
    let broken = || "is no .npy file, or ends within its heading".to_owned();
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(broken)?;
    let (length, start) = match rest {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), 4),
        [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 6),
        _ => return Err(broken()),
    };
    let heading = rest.get(start..start + length).ok_or_else(broken)?;
    let heading: String = String::from_utf8_lossy(heading)
        .split_whitespace()
        .collect();
    if heading.contains("'fortran_order':True") {
        return Err("is in Fortran order: save it with numpy.ascontiguousarray".to_owned());
    }
    let width = heading
        .split_once("'shape':(")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(shape, _)| shape.split(',').filter(|part| !part.is_empty()))
        .and_then(|shape| {
            shape
                .map(|part| part.parse::<usize>().ok())
                .collect::<Option<Vec<_>>>()
        });
    let width = match width.as_deref() {
        Some([_, width] | [width]) if *width > 0 => *width,
        _ => return Err("has not one or two dimensions".to_owned()),
    };
    let data = &rest[start + length..];
    let numbers: Vec<f32> = if heading.contains("'descr':'<f4'") {
        data.as_chunks::<4>()
            .0
            .iter()
            .map(|four| f32::from_le_bytes(*four))
            .collect()
    } else if heading.contains("'descr':'<f8'") {
        #[expect(clippy::cast_possible_truncation, reason = "a vector column holds f32")]
        data.as_chunks::<8>()
            .0
            .iter()
            .map(|eight| f64::from_le_bytes(*eight) as f32)
            .collect()
    } else {
        return Err("holds no little-endian float32 or float64".to_owned());
    };
    whole(width, numbers)
}

fn fvecs(bytes: &[u8]) -> Result<Array, String> {
    let mut numbers = Vec::new();
    let (mut width, mut rest) = (0, bytes);
    while let Some((head, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(i32::from_le_bytes(*head)).unwrap_or(0);
        if length == 0 || (width != 0 && length != width) {
            return Err("has rows of different lengths, or empty ones".to_owned());
        }
        width = length;
        let (row, next) = after
            .split_at_checked(length.saturating_mul(4))
            .ok_or("ends within a row")?;
        numbers.extend(
            row.as_chunks::<4>()
                .0
                .iter()
                .map(|four| f32::from_le_bytes(*four)),
        );
        rest = next;
    }
    whole(width, numbers)
}

fn csv(bytes: &[u8]) -> Result<Array, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is no UTF-8 text".to_owned())?;
    let mut numbers = Vec::new();
    let mut width = 0;
    for (at, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let row: Option<Vec<f32>> = line
            .split(',')
            .map(|field| field.trim().parse().ok())
            .collect();
        let Some(row) = row else {
            return Err(format!(
                "has something in line {} that is no number",
                at + 1
            ));
        };
        if width != 0 && row.len() != width {
            return Err(format!(
                "has {} numbers in line {}, {width} before",
                row.len(),
                at + 1
            ));
        }
        width = row.len();
        numbers.extend(row);
    }
    whole(width, numbers)
}

fn whole(width: usize, numbers: Vec<f32>) -> Result<Array, String> {
    match width == 0 || !numbers.len().is_multiple_of(width) || numbers.is_empty() {
        true => Err("has no row, or a part of one at its end".to_owned()),
        false => Ok(Array { width, numbers }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy_file(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let heading =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(u16::try_from(heading.len()).unwrap().to_le_bytes());
        bytes.extend(heading.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn rows_are_the_same_from_each_kind_of_file() {
        let four: Vec<u8> = [1.0_f32, 2.5, -3.0, 4.0]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect();
        let eight: Vec<u8> = [1.0_f64, 2.5, -3.0, 4.0]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect();
        let mut fvecs = Vec::new();
        for row in four.chunks(8) {
            fvecs.extend(2_i32.to_le_bytes());
            fvecs.extend(row);
        }
        for (path, bytes) in [
            ("a.npy", npy_file("<f4", "(2, 2)", &four)),
            ("b.npy", npy_file("<f8", "(2, 2)", &eight)),
            ("c.fvecs", fvecs),
            ("d.csv", b"1,2.5\n-3, 4\n".to_vec()),
        ] {
            let array = Array::read(path, &bytes).unwrap();
            assert_eq!(array.row(1), Some([-3.0, 4.0].as_slice()), "{path}");
            assert_eq!((array.len(), array.row(2)), (2, None));
        }
    }

    #[test]
    fn a_broken_file_is_refused() {
        for (path, bytes) in [
            ("a.npy", b"no".to_vec()),
            ("a.npy", npy_file("<i4", "(1, 1)", &[0; 4])),
            ("a.npy", npy_file("<f4", "(2, 2)", &[0; 12])),
            ("a.fvecs", vec![2, 0, 0, 0, 1]),
            ("a.csv", b"1,2\n3\n".to_vec()),
            ("a.csv", b"1,x\n".to_vec()),
            ("a.csv", b"1,inf\n".to_vec()),
            ("a.txt", b"1\n".to_vec()),
        ] {
            assert!(Array::read(path, &bytes).is_err(), "{path} {bytes:?}");
        }
    }
}
