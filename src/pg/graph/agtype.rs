//! agtype on the wire: a version byte and its text. Source: AGE, `agtype_send`, `agtype_recv`.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, Postgres};
use sqlx::{Encode, Type};

/// The only version there is. Source: AGE, `AGTYPE_VERSION`.
const VERSION: u8 = 1;

/// A value in agtype's text form. AGE takes a query's parameters only with this type, not as text.
#[derive(Debug, Clone)]
pub struct Agtype(pub String);

impl Type<Postgres> for Agtype {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("ag_catalog.agtype")
    }
}

impl Encode<'_, Postgres> for Agtype {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.push(VERSION);
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}
