//! Rows that exist for a plan's sake: as many as make a planner think, as like the schema as it demands.

use super::compare::Wanted;
use crate::catalog::name::quote_literal;
use crate::failure::Result;
use crate::spec::ontology::{Label, LabelKind, Property, PropertyKind, Scalar};

/// How many rows each label gets per tenant.
pub const ROWS: u32 = 100;

/// How many tenants there are: enough that one of them is worth an index.
pub const TENANTS: u32 = 20;

/// The first tenant, and the value of every UUID parameter.
pub const TENANT: &str = "00000000-0000-0000-0000-000000000ed0";

/// The tenant of that number.
pub fn tenant(number: u32) -> String {
    format!("{}{:012x}", &TENANT[..24], 0xed0 + number)
}

/// The statement that fills a vertex label for one tenant.
///
/// # Errors
/// Exit 2 for a NUL byte in a name.
pub fn vertices(wanted: Wanted<'_>, label: &Label, tenant: &str) -> Result<String> {
    let table = wanted.table(&label.name)?;
    Ok(format!(
        "INSERT INTO {table} (properties) SELECT {} FROM pg_catalog.generate_series(1, {ROWS}) AS i",
        map(wanted, label, tenant)?
    ))
}

/// The statement that fills an edge label for one tenant, between labels that were filled before.
///
/// # Errors
/// Exit 2 for a NUL byte in a name.
pub fn edges(wanted: Wanted<'_>, label: &Label, tenant: &str) -> Result<String> {
    let table = wanted.table(&label.name)?;
    let any = wanted
        .ontology
        .labels
        .iter()
        .find(|l| l.kind == LabelKind::Vertex)
        .map(|l| &l.name);
    let end = |allowed: &[String]| {
        let name = allowed.first().or(any).cloned().unwrap_or_default();
        wanted.table(&name)
    };
    Ok(format!(
        "INSERT INTO {table} (start_id, end_id, properties) SELECT a.id, b.id, {} FROM \
         (SELECT id, pg_catalog.row_number() OVER () AS i FROM {} LIMIT {ROWS}) a JOIN \
         (SELECT id, pg_catalog.row_number() OVER () AS n FROM {} LIMIT {ROWS}) b ON b.n = (a.i * 7) % {ROWS} + 1",
        map(wanted, label, tenant)?,
        end(&label.from)?,
        end(&label.to)?
    ))
}

fn map(wanted: Wanted<'_>, label: &Label, tenant: &str) -> Result<String> {
    let mut pairs = Vec::new();
    for property in &label.properties {
        let value = if property.name == wanted.ontology.tenant_property {
            quote_literal(tenant)?
        } else if property.required {
            value(property)?
        } else {
            continue;
        };
        pairs.push(format!("{}, {value}", quote_literal(&property.name)?));
    }
    Ok(format!("ag_catalog.agtype_build_map({})", pairs.join(", ")))
}

fn value(property: &Property) -> Result<String> {
    let least = property
        .min
        .unwrap_or(0.0)
        .min(property.max.unwrap_or(f64::MAX));
    let length = property.min_length.unwrap_or(0) as usize;
    Ok(match property.kind {
        PropertyKind::Array(_) if length == 0 => "ag_catalog.agtype_build_list()".to_owned(),
        PropertyKind::Array(Scalar::Float | Scalar::Int) => {
            format!(
                "ag_catalog.agtype_build_list({})",
                vec!["1"; length].join(", ")
            )
        }
        PropertyKind::Array(_) => format!(
            "ag_catalog.agtype_build_list({})",
            vec!["'x'"; length].join(", ")
        ),
        PropertyKind::One(kind) => match kind {
            Scalar::Uuid => "pg_catalog.gen_random_uuid()::text".to_owned(),
            Scalar::String => match property.one_of.first() {
                Some(word) => quote_literal(word)?,
                None => format!("pg_catalog.repeat('x', {length}) || i::text"),
            },
            Scalar::Int => format!("{}::int8", least.ceil()),
            Scalar::Float => format!("{least}::float8"),
            Scalar::Bool => "true".to_owned(),
            Scalar::Url => "'https://example.org/' || i::text".to_owned(),
            Scalar::Datetime => "'2026-01-01T00:00:00Z'::text".to_owned(),
        },
    })
}
