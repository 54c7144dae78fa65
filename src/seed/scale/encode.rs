//! Rows in the binary form of COPY.
//!
//! Source: the PostgreSQL manual, COPY, "Binary Format"; pgvector, `vector_recv` and `halfvec_recv`; `numeric_recv`.

use bytes::BytesMut;
use postgres_types::{Kind, ToSql, Type};

use super::catalog::Column;
use super::value::Value;

/// What stands before the first row.
pub const HEADING: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What stands behind the last row.
pub const END: [u8; 2] = (-1_i16).to_be_bytes();

/// How a column is written.
#[derive(Debug, Clone)]
pub struct Encoder {
    base: String,
    kind: Type,
}

impl Encoder {
    /// The encoder of a column.
    pub fn of(column: &Column) -> Self {
        let kind = Type::from_oid(column.oid).unwrap_or_else(|| {
            Type::new(column.base.clone(), column.oid, Kind::Simple, String::new())
        });
        Self {
            base: column.base.clone(),
            kind,
        }
    }

    /// Appends a field: its length and its bytes.
    ///
    /// # Errors
    /// A sentence, when the value does not fit the type.
    pub fn field(&self, value: &Value, out: &mut BytesMut) -> Result<(), String> {
        if *value == Value::Null {
            out.extend_from_slice(&(-1_i32).to_be_bytes());
            return Ok(());
        }
        let at = out.len();
        out.extend_from_slice(&[0; 4]);
        match value {
            Value::Array(items) => self.array(items, out)?,
            value => self.scalar(value, out)?,
        }
        let length = i32::try_from(out.len() - at - 4).map_err(|_| "a value is too long")?;
        out[at..at + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    fn array(&self, items: &[Value], out: &mut BytesMut) -> Result<(), String> {
        let dimensions = i32::from(!items.is_empty());
        out.extend_from_slice(&dimensions.to_be_bytes());
        out.extend_from_slice(&0_i32.to_be_bytes());
        out.extend_from_slice(&self.kind.oid().to_be_bytes());
        if items.is_empty() {
            return Ok(());
        }
        let count = i32::try_from(items.len()).map_err(|_| "an array is too long")?;
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(&1_i32.to_be_bytes());
        items.iter().try_for_each(|item| self.field(item, out))
    }

    fn scalar(&self, value: &Value, out: &mut BytesMut) -> Result<(), String> {
        let misfit = || format!("a value of type {} was made as {value:?}", self.base);
        match (self.base.as_str(), value) {
            ("bool", Value::Bool(truth)) => self.put(truth, out),
            ("int2", Value::Integer(n)) => self.put(&i16::try_from(*n).map_err(|_| misfit())?, out),
            ("int4", Value::Integer(n)) => self.put(&i32::try_from(*n).map_err(|_| misfit())?, out),
            ("int8", Value::Integer(n)) => self.put(n, out),
            ("numeric", Value::Integer(n)) => numeric(n.saturating_mul(1_000), out),
            ("numeric", Value::Thousandths(n)) => numeric(*n, out),
            ("float4", Value::Thousandths(_) | Value::Integer(_)) => {
                #[expect(clippy::cast_possible_truncation, reason = "the column holds no more")]
                let number = float(value) as f32;
                self.put(&number, out)
            }
            ("float8", Value::Thousandths(_) | Value::Integer(_)) => self.put(&float(value), out),
            ("uuid", Value::Uuid(bytes)) => {
                out.extend_from_slice(bytes);
                Ok(())
            }
            ("json", Value::Json(text)) => self.put_as(&text.as_str(), &Type::TEXT, out),
            ("jsonb", Value::Json(text)) => {
                out.extend_from_slice(&[1]);
                self.put_as(&text.as_str(), &Type::TEXT, out)
            }
            ("bytea", Value::Bytes(bytes)) => self.put(&bytes.as_slice(), out),
            ("date", Value::Seconds(seconds)) => {
                let day = i32::try_from(seconds.div_euclid(86_400)).map_err(|_| misfit())?;
                out.extend_from_slice(&day.to_be_bytes());
                Ok(())
            }
            ("timestamp" | "timestamptz", Value::Seconds(seconds)) => {
                out.extend_from_slice(&(seconds * 1_000_000).to_be_bytes());
                Ok(())
            }
            ("time", Value::Seconds(seconds)) => {
                out.extend_from_slice(&(seconds.rem_euclid(86_400) * 1_000_000).to_be_bytes());
                Ok(())
            }
            ("interval", Value::Seconds(seconds)) => {
                out.extend_from_slice(&(seconds.rem_euclid(86_400) * 1_000_000).to_be_bytes());
                out.extend_from_slice(&[0; 8]);
                Ok(())
            }
            ("vector", Value::Vector(numbers)) => {
                vector_head(numbers, out)?;
                for number in numbers {
                    out.extend_from_slice(&number.to_be_bytes());
                }
                Ok(())
            }
            ("halfvec", Value::Vector(numbers)) => {
                vector_head(numbers, out)?;
                for number in numbers {
                    out.extend_from_slice(&half::f16::from_f32(*number).to_be_bytes());
                }
                Ok(())
            }
            (_, Value::Text(text)) => self.put_as(&text.as_str(), &Type::TEXT, out),
            _ => Err(misfit()),
        }
    }

    fn put(&self, value: &dyn ToSql, out: &mut BytesMut) -> Result<(), String> {
        self.put_as(value, &self.kind, out)
    }

    fn put_as(&self, value: &dyn ToSql, kind: &Type, out: &mut BytesMut) -> Result<(), String> {
        value
            .to_sql_checked(kind, out)
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "generated numbers are far below 2^53"
)]
fn float(value: &Value) -> f64 {
    match value {
        Value::Thousandths(n) => *n as f64 / 1_000.0,
        Value::Integer(n) => *n as f64,
        _ => 0.0,
    }
}

/// A number of thousandths in groups of four decimal digits.
fn numeric(thousandths: i64, out: &mut BytesMut) -> Result<(), String> {
    let mut whole = thousandths.unsigned_abs() / 1_000;
    let fraction = thousandths.unsigned_abs() % 1_000 * 10;
    let mut groups = vec![fraction];
    while whole > 0 {
        groups.push(whole % 10_000);
        whole /= 10_000;
    }
    groups.reverse();
    let count = i16::try_from(groups.len()).map_err(|error| error.to_string())?;
    let sign: u16 = if thousandths < 0 { 0x4000 } else { 0 };
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(&(count - 2).to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&3_i16.to_be_bytes());
    for group in groups {
        let group = i16::try_from(group).map_err(|error| error.to_string())?;
        out.extend_from_slice(&group.to_be_bytes());
    }
    Ok(())
}

fn vector_head(numbers: &[f32], out: &mut BytesMut) -> Result<(), String> {
    let count = i16::try_from(numbers.len()).map_err(|_| "a vector is too long")?;
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(&0_i16.to_be_bytes());
    Ok(())
}
