//! Which generator fills which column: from the file, else from keys, constraints, type and name.

use std::collections::BTreeMap;

use super::catalog::{Column, Table};
use super::value::{Flavour, Generator};
use crate::catalog::name::ColumnName;
use crate::failure::{Failure, Result};
use crate::spec::scale::{Filling, Scale};

/// Names of columns that count what belongs to one parent.
const COUNTING: [&str; 8] = [
    "seq",
    "sequence",
    "clock",
    "version",
    "position",
    "order_index",
    "chunk_index",
    "sort_order",
];

/// How a foreign key finds its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The columns are NULL.
    Absent,
    /// The row of the tenant itself.
    Tenant,
    /// A row of the same table, written before.
    Own,
    /// Any row of the tenant's, the first ones more often.
    Skewed,
    /// The rows in turn, each with as many children: their order makes chains.
    Even,
    /// Counted through with the other columns of a unique key.
    Counted,
}

/// One table's fillings.
#[derive(Debug, Clone)]
pub struct Fill {
    /// By column.
    pub generators: Vec<Generator>,
    /// Columns whose texts have to differ from row to row.
    pub unique: Vec<bool>,
    /// By foreign key.
    pub findings: Vec<Finding>,
    /// What is counted through for a unique key: foreign keys first.
    pub counted: Vec<Counted>,
    /// The foreign key that chains hang on.
    pub chain: Option<usize>,
}

/// One digit of what is counted through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The rows that a foreign key may refer to.
    Key(usize),
    /// The values of a column: its place and how many there are.
    Values(usize, u64),
}

/// Decides for one table. `findings` says of each foreign key how it would find its row without unique keys.
///
/// # Errors
/// Exit 2 for a column that cannot be left out and that nothing is known about.
pub fn fill(
    table: &Table,
    scale: &Scale,
    findings: Vec<Finding>,
    dims: Option<usize>,
) -> Result<Fill> {
    let mut fill = Fill {
        generators: vec![Generator::Absent; table.columns.len()],
        unique: vec![false; table.columns.len()],
        findings,
        counted: Vec::new(),
        chain: None,
    };
    for (at, column) in table.columns.iter().enumerate() {
        fill.generators[at] = one(table, column, scale, dims)?;
    }
    for (key, foreign) in table.foreign.iter().enumerate() {
        for (part, name) in foreign.columns.iter().enumerate() {
            let Some(at) = table.column(name) else {
                continue;
            };
            // Of several keys over one column the tenant's counts, then the first.
            let taken = matches!(fill.generators[at], Generator::Reference { key: other, .. } if fill.findings[other] == Finding::Tenant || fill.findings[key] != Finding::Tenant);
            if !taken && fill.findings[key] != Finding::Absent {
                fill.generators[at] = Generator::Reference { key, part };
            }
        }
    }
    unreferred(table, &mut fill)?;
    chains(table, scale, &mut fill)?;
    for key in &table.keys {
        distinct(table, key, &mut fill);
    }
    Ok(fill)
}

impl Fill {
    /// Lets columns that name vertices do so, unless the file says what they hold.
    pub fn link(&mut self, table: &Table, scale: &Scale, links: &BTreeMap<ColumnName, usize>) {
        let own = links
            .iter()
            .filter(|(column, _)| column.table == table.name);
        for (column, label) in own.filter(|(column, _)| !scale.column.contains_key(*column)) {
            if let Some(at) = table.column(&column.column)
                && matches!(
                    self.generators[at],
                    Generator::Identity | Generator::Text(_) | Generator::Integer(..)
                )
            {
                self.generators[at] = Generator::Vertex(*label);
            }
        }
    }
}

/// Leaves the columns empty that refer to a table which is written later or not at all.
fn unreferred(table: &Table, fill: &mut Fill) -> Result<()> {
    for (key, foreign) in table.foreign.iter().enumerate() {
        for at in foreign.columns.iter().filter_map(|name| table.column(name)) {
            let referring = matches!(fill.generators[at], Generator::Reference { .. });
            if fill.findings[key] != Finding::Absent || referring {
                continue;
            }
            let column = &table.columns[at];
            if column.required && !column.default {
                return Err(Failure::usage(format!(
                    "column \"{}\" of {} refers to {}, which gets no rows",
                    column.name, table.name, foreign.to
                ))
                .hint(format!(
                    "Leave this table empty, too: [weight] \"{}\" = 0 in seeds/scale.toml.",
                    table.name
                )));
            }
            fill.generators[at] = Generator::Absent;
        }
    }
    Ok(())
}

fn one(table: &Table, column: &Column, scale: &Scale, dims: Option<usize>) -> Result<Generator> {
    let name = ColumnName {
        table: table.name.clone(),
        column: column.name.clone(),
    };
    let number = |n: i64| match column.base.as_str() {
        "float4" | "float8" | "numeric" => n.saturating_mul(1_000),
        _ => n,
    };
    let generator = match scale.column.get(&name) {
        Some(Filling::Null(_)) => Generator::Absent,
        Some(Filling::Text(text)) if column.base.starts_with("json") => {
            Generator::Json(Some(text.clone()))
        }
        Some(Filling::Text(text)) => Generator::OneOf(vec![text.clone()]),
        Some(Filling::OneOf(texts)) => Generator::OneOf(texts.clone()),
        Some(Filling::Between([low, high])) => match column.base.as_str() {
            "float4" | "float8" | "numeric" => Generator::Number(number(*low), number(*high)),
            _ => Generator::Integer(*low, *high),
        },
        Some(Filling::Chain(_)) => Generator::Chain,
        None if column.generated => return Ok(Generator::Absent),
        None => bounded(table, column, by_type(column, dims)),
    };
    if generator == Generator::Absent && column.required && !column.default {
        let referring = table
            .foreign
            .iter()
            .any(|foreign| foreign.columns.contains(&column.name));
        if !referring {
            return Err(Failure::usage(format!(
                "nothing is known that could fill {name}, which takes no NULL"
            ))
            .detail(format!("Its type is {}.", column.base))
            .hint(format!(
                "Say it in seeds/scale.toml: [column] \"{name}\" = {{ one_of = [\"…\"] }}"
            )));
        }
    }
    Ok(match (column.array, generator) {
        (true, Generator::Absent) => Generator::Absent,
        (true, generator) => Generator::Array(Box::new(generator)),
        (false, generator) => generator,
    })
}

fn by_type(column: &Column, dims: Option<usize>) -> Generator {
    match column.base.as_str() {
        _ if !column.labels.is_empty() => Generator::OneOf(column.labels.clone()),
        "bool" => Generator::Bool,
        "int2" | "int4" | "int8" if column.sequence.is_some() => Generator::Identity,
        "int2" | "int4" | "int8" => Generator::Integer(0, 100),
        "float4" | "float8" => Generator::Number(0, 1_000),
        // numeric(p, s): the modifier is (p << 16 | s) + 4.
        "numeric" => match column.modifier {
            -1 => Generator::Number(0, 100_000),
            modifier => {
                let (digits, scale) = ((modifier - 4) >> 16, (modifier - 4) & 0x7ff);
                let whole = u32::try_from(digits - scale).unwrap_or(0).min(6);
                Generator::Number(0, 10_i64.pow(whole) * 1_000 - 1_000)
            }
        },
        "uuid" => Generator::Identity,
        "json" | "jsonb" => Generator::Json(None),
        "bytea" => Generator::Bytes,
        "date" | "timestamp" | "timestamptz" | "time" | "interval" => Generator::Time,
        "text" | "varchar" | "bpchar" | "citext" | "name" => {
            Generator::Text(Flavour::of(&column.name))
        }
        "vector" | "halfvec" => {
            let own = usize::try_from(column.modifier).ok().filter(|own| *own > 0);
            own.or(dims).map_or(Generator::Absent, Generator::Vector)
        }
        _ => Generator::Absent,
    }
}

/// Narrows a generator to what the CHECKs over this column alone allow, as far as they are plain.
fn bounded(table: &Table, column: &Column, generator: Generator) -> Generator {
    let mut generator = generator;
    for check in &table.checks {
        if check.columns.len() != 1 || check.columns[0] != column.name {
            continue;
        }
        match &mut generator {
            Generator::Text(_) => {
                let words: Vec<String> = check
                    .text
                    .split('\'')
                    .skip(1)
                    .step_by(2)
                    .map(str::to_owned)
                    .collect();
                if check.text.contains("ANY") || (check.text.contains(" = '") && !words.is_empty())
                {
                    generator = Generator::OneOf(words);
                }
            }
            Generator::Integer(low, high) => (*low, *high) = bounds(&check.text, 1, (*low, *high)),
            Generator::Number(low, high) => {
                (*low, *high) = bounds(&check.text, 1_000, (*low, *high))
            }
            _ => {}
        }
    }
    generator
}

/// The bounds that comparisons with whole numbers leave.
fn bounds(text: &str, unit: i64, (low, high): (i64, i64)) -> (i64, i64) {
    let (mut least, mut most) = (None, None);
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '\''))
        .filter(|word| !word.is_empty())
        .collect();
    for pair in words.windows(2) {
        let number = pair[1]
            .split("::")
            .next()
            .and_then(|word| word.parse::<i64>().ok());
        let Some(number) = number.and_then(|number| number.checked_mul(unit)) else {
            continue;
        };
        match pair[0] {
            ">=" => least = Some(number),
            ">" => least = Some(number + 1),
            "<=" => most = Some(number),
            "<" => most = Some(number - 1),
            _ => {}
        }
    }
    let least = least.unwrap_or(low);
    let most = most.unwrap_or(high.max(least));
    (least, most.max(least))
}

/// Finds columns that count what belongs to one parent.
fn chains(table: &Table, scale: &Scale, fill: &mut Fill) -> Result<()> {
    let parent = |fill: &Fill| {
        (0..table.foreign.len()).find(|key| {
            fill.findings[*key] == Finding::Skewed
                && table.foreign[*key].columns.iter().all(|name| {
                    table
                        .column(name)
                        .is_some_and(|at| table.columns[at].required)
                })
        })
    };
    for (at, column) in table.columns.iter().enumerate() {
        let name = ColumnName {
            table: table.name.clone(),
            column: column.name.clone(),
        };
        let key = match scale.column.get(&name) {
            Some(Filling::Chain(chain)) => {
                let key = table
                    .foreign
                    .iter()
                    .position(|f| f.columns.contains(&chain.of));
                Some(key.ok_or_else(|| {
                    Failure::usage(format!(
                        "column \"{}\" of {} refers to no table",
                        chain.of, table.name
                    ))
                    .hint("A chain is of a foreign key's column: mend seeds/scale.toml.")
                })?)
            }
            Some(_) => None,
            None if matches!(fill.generators[at], Generator::Integer(..)) => {
                let in_key = table
                    .keys
                    .iter()
                    .any(|key| key.len() > 1 && key.contains(&column.name));
                match in_key || COUNTING.contains(&column.name.as_str()) {
                    true => parent(fill),
                    false => None,
                }
            }
            None => None,
        };
        if let Some(key) = key.filter(|key| fill.chain.is_none_or(|other| other == *key)) {
            fill.generators[at] = Generator::Chain;
            fill.findings[key] = Finding::Even;
            fill.chain = Some(key);
        }
    }
    Ok(())
}

/// Makes sure that no two rows have the same values in the columns of a key.
fn distinct(table: &Table, key: &[String], fill: &mut Fill) {
    let columns: Vec<usize> = key.iter().filter_map(|name| table.column(name)).collect();
    let alone = columns.len() == 1;
    for at in &columns {
        match &fill.generators[*at] {
            // Numbers of its own, or left to a default that gives some.
            Generator::Identity | Generator::Absent | Generator::Bytes => return,
            Generator::Chain if !alone => return,
            _ if fill.unique[*at] => return,
            _ => {}
        }
    }
    for at in &columns {
        match &fill.generators[*at] {
            Generator::Text(_) | Generator::Time | Generator::Json(_) => {
                if let Generator::Text(Flavour::Uuid | Flavour::Word) = fill.generators[*at]
                    && table.columns[*at].default
                {
                    fill.generators[*at] = Generator::Text(Flavour::Uuid);
                }
                fill.unique[*at] = true;
                return;
            }
            Generator::Integer(..) => {
                fill.generators[*at] = Generator::Identity;
                return;
            }
            _ => {}
        }
    }
    for at in columns {
        match &fill.generators[at] {
            Generator::Reference { key, .. } => {
                let key = *key;
                if matches!(
                    fill.findings[key],
                    Finding::Skewed | Finding::Even | Finding::Counted
                ) {
                    fill.findings[key] = Finding::Counted;
                    if !fill.counted.contains(&Counted::Key(key)) {
                        fill.counted.push(Counted::Key(key));
                    }
                }
            }
            Generator::OneOf(words) => fill.counted.push(Counted::Values(at, words.len() as u64)),
            Generator::Bool => fill.counted.push(Counted::Values(at, 2)),
            _ => {}
        }
    }
}
