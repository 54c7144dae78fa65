//! A large database from a seed: which rows there are, and what each holds.
//!
//! Every value follows from the seed, the names of table and column, and the row's number, so that rows are made
//! in any order, by any number of writers, in no memory, and are the same on every machine. No table is known
//! here: keys, types and constraints come from the catalog, the rest from `seeds/scale.toml`.

pub mod catalog;
mod draw;
mod encode;
mod fill;
pub mod graph;
mod property;
mod row;
mod text;
mod value;

use std::collections::BTreeMap;
use std::ops::Range;

pub use encode::{END, HEADING};
pub use row::{Key, Writer};

use self::catalog::Table;
use self::encode::Encoder;
use self::fill::{Counted, Fill, Finding};
use self::graph::Graph;
use self::text::Language;
use self::value::Generator;
use crate::catalog::name::{ColumnName, Name};
use crate::failure::{Failure, Result};
use crate::spec::ontology::Ontology;
use crate::spec::scale::Scale;

/// How many rows are written in one transaction. A part of what the rows are: rows of a table that refers to
/// itself do so within their chunk.
pub const CHUNK_ROWS: u64 = 10_000;

/// A graph gets a vertex for so many rows, unless `seeds/scale.toml` says how many.
const ROWS_PER_VERTEX: u64 = 20;

/// How much is generated.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Rows of the root table.
    pub tenants: usize,
    /// Rows of all tables.
    pub rows: u64,
    /// What all of them follow from.
    pub seed: u64,
}

/// All that is to be written.
#[derive(Debug)]
pub struct Plan {
    /// The tables, each behind those it refers to.
    pub tables: Vec<Filled>,
    /// The place of the root table.
    pub root: Option<usize>,
    /// What is written to the graph, if the project has one.
    pub graph: Option<Graph>,
    size: Size,
    languages: Vec<Language>,
}

/// One table's part.
#[derive(Debug)]
pub struct Filled {
    /// The table.
    pub table: Table,
    /// The places of the columns that are written.
    pub written: Vec<usize>,
    fill: Fill,
    /// By foreign key: the place of the table it refers to.
    to: Vec<Option<usize>>,
    /// The number of the first row of each tenant, and behind them how many rows there are.
    starts: Vec<u64>,
    /// The seed of each column.
    keys: Vec<u64>,
    /// The seed of rows' topics.
    topic: u64,
    encoders: Vec<Encoder>,
}

impl Filled {
    /// How many rows.
    pub fn rows(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// How many rows of a tenant.
    pub fn rows_of(&self, tenant: usize) -> u64 {
        match (self.starts.get(tenant), self.starts.get(tenant + 1)) {
            (Some(from), Some(to)) => to - from,
            _ => 0,
        }
    }

    /// The rows in the parts that are written in one transaction each.
    pub fn chunks(&self) -> impl Iterator<Item = Range<u64>> {
        let rows = self.rows();
        (0..rows.div_ceil(CHUNK_ROWS))
            .map(move |at| at * CHUNK_ROWS..((at + 1) * CHUNK_ROWS).min(rows))
    }

    /// Columns whose sequence has to go on behind the highest number that is written, which is also given.
    pub fn sequences(&self) -> impl Iterator<Item = (&str, i64)> {
        let last = i64::try_from(self.rows()).unwrap_or(i64::MAX);
        self.written.iter().filter_map(move |at| {
            let sequence = self.table.columns[*at].sequence.as_deref()?;
            Some((sequence, row::NUMBERS_FROM + last))
        })
    }
}

impl Plan {
    /// Decides how many rows each table gets and how its columns are filled.
    ///
    /// # Errors
    /// Exit 2 for a root that does not exist, and for a column that nothing is known about.
    pub fn make(
        tables: Vec<Table>,
        scale: &Scale,
        root: Option<&Name>,
        ontology: Option<&Ontology>,
        size: Size,
        dims: Option<usize>,
    ) -> Result<Self> {
        let root = scale.root.as_ref().or(root);
        let tables: Vec<Table> = tables
            .into_iter()
            .filter(|table| scale.weight.get(&table.name) != Some(&0))
            .collect();
        if let Some(root) = root.filter(|root| tables.iter().all(|table| table.name != **root)) {
            return Err(
                Failure::usage(format!("the root table {root} does not exist"))
                    .hint("Migrate first (edu db migrate), or mend the name."),
            );
        }
        let ordered = ordered(tables)?;
        let places: BTreeMap<Name, usize> = ordered
            .iter()
            .enumerate()
            .map(|(at, table)| (table.name.clone(), at))
            .collect();
        let mut plan = Self {
            root: root.and_then(|root| places.get(root).copied()),
            tables: Vec::new(),
            graph: None,
            languages: scale
                .languages
                .iter()
                .filter_map(|code| Language::of(code))
                .collect(),
            size,
        };
        if plan.languages.is_empty() {
            plan.languages.push(Language::English);
        }
        let shares = shares(&ordered, scale, plan.root, &places, size);
        // What belongs to no tenant has no place in a graph, where everything does.
        let vertices = scale.vertices.unwrap_or(size.rows / ROWS_PER_VERTEX);
        let ontology = ontology.filter(|_| plan.root.is_some() && vertices > 0);
        for (at, (table, total)) in ordered.into_iter().zip(shares).enumerate() {
            let mut fill = plan.fill(at, &table, scale, &places, dims)?;
            if let Some(ontology) = ontology {
                fill.link(&table, scale, &graph::links(ontology));
            }
            let filled = plan.filled(at, table, fill, &places, total);
            plan.tables.push(filled);
        }
        plan.graph = ontology.map(|ontology| Graph::make(&plan, ontology, size, vertices));
        Ok(plan)
    }

    fn fill(
        &self,
        at: usize,
        table: &Table,
        scale: &Scale,
        places: &BTreeMap<Name, usize>,
        dims: Option<usize>,
    ) -> Result<Fill> {
        let findings = (table.foreign.iter())
            .map(|foreign| match places.get(&foreign.to) {
                Some(to) if *to == at => Finding::Own,
                Some(to) if Some(*to) == self.root => Finding::Tenant,
                Some(to) if *to < at => Finding::Skewed,
                _ => Finding::Absent,
            })
            .collect();
        fill::fill(table, scale, findings, dims)
    }

    fn filled(
        &self,
        at: usize,
        table: Table,
        fill: Fill,
        places: &BTreeMap<Name, usize>,
        total: u64,
    ) -> Filled {
        let to = (table.foreign.iter())
            .map(|foreign| places.get(&foreign.to).copied())
            .collect();
        let written: Vec<usize> = (0..table.columns.len())
            .filter(|at| fill.generators[*at] != Generator::Absent && !table.columns[*at].generated)
            .collect();
        let name = table.name.to_string();
        let mut filled = Filled {
            keys: table
                .columns
                .iter()
                .map(|column| draw::key(self.size.seed, &[&name, &column.name]))
                .collect(),
            topic: draw::key(self.size.seed, &[&name]),
            encoders: written
                .iter()
                .map(|at| Encoder::of(&table.columns[*at]))
                .collect(),
            starts: Vec::new(),
            table,
            written,
            fill,
            to,
        };
        let wanted = match Some(at) == self.root {
            true => vec![1; self.size.tenants],
            false => draw::zipf(total, self.size.tenants),
        };
        let mut start = 0;
        for (tenant, wanted) in wanted.into_iter().enumerate() {
            filled.starts.push(start);
            start += wanted.min(self.most(&filled, tenant));
        }
        filled.starts.push(start);
        filled
    }

    /// The most rows that a tenant's part of a table can have: no parent, no child, and keys count to an end.
    fn most(&self, filled: &Filled, tenant: usize) -> u64 {
        let of = |key: usize| {
            let to = filled.to[key].and_then(|to| self.tables.get(to));
            to.map_or(0, |to| to.rows_of(tenant))
        };
        for (key, foreign) in filled.table.foreign.iter().enumerate() {
            let needed = foreign.columns.iter().any(|name| {
                let at = filled.table.column(name);
                at.is_some_and(|at| filled.table.columns[at].required)
            });
            let found = matches!(
                filled.fill.findings[key],
                Finding::Skewed | Finding::Even | Finding::Counted
            );
            if needed && found && of(key) == 0 {
                return 0;
            }
        }
        match filled.fill.counted.as_slice() {
            [] => u64::MAX,
            digits => digits
                .iter()
                .map(|digit| match digit {
                    Counted::Key(key) => of(*key),
                    Counted::Values(_, count) => *count,
                })
                .fold(1, u64::saturating_mul),
        }
    }

    /// The tables in groups: those of one refer to tables of groups before, and to themselves.
    pub fn waves(&self) -> Vec<Vec<usize>> {
        let mut depth: Vec<usize> = Vec::new();
        let mut waves: Vec<Vec<usize>> = Vec::new();
        for (at, filled) in self.tables.iter().enumerate() {
            let parents = filled.to.iter().flatten().filter(|to| **to < at);
            let own = parents.map(|to| depth[*to] + 1).max().unwrap_or(0);
            depth.push(own);
            match waves.get_mut(own) {
                Some(wave) => wave.push(at),
                None => waves.push(vec![at]),
            }
        }
        waves
    }

    /// The places of a table that gets rows and of one of its columns.
    fn place_of(&self, name: &ColumnName) -> Option<(usize, usize)> {
        let table = (self.tables.iter()).position(|filled| filled.table.name == name.table)?;
        Some((table, self.tables[table].table.column(&name.column)?))
    }

    /// How many rows all tables get.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(Filled::rows).sum()
    }
}

/// The tables, each behind those it refers to. In a circle the reference that may be NULL is left out.
fn ordered(mut tables: Vec<Table>) -> Result<Vec<Table>> {
    let mut ordered: Vec<Table> = Vec::new();
    let needed = |table: &Table, columns: &[String]| {
        columns.iter().any(|name| {
            table
                .column(name)
                .is_some_and(|at| table.columns[at].required)
        })
    };
    while !tables.is_empty() {
        let waits = |table: &Table, for_all: Strictness| {
            table.foreign.iter().any(|foreign| {
                foreign.to != table.name
                    && tables.iter().any(|other| other.name == foreign.to)
                    && (for_all == Strictness::All || needed(table, &foreign.columns))
            })
        };
        let next = tables
            .iter()
            .position(|table| !waits(table, Strictness::All))
            .or_else(|| {
                tables
                    .iter()
                    .position(|table| !waits(table, Strictness::Needed))
            });
        match next {
            Some(at) => ordered.push(tables.remove(at)),
            None => {
                let names: Vec<String> =
                    tables.iter().map(|table| table.name.to_string()).collect();
                return Err(Failure::usage(
                    "tables refer to each other in a circle, and none of the columns takes NULL",
                )
                .detail(format!("Among {}.", names.join(", ")))
                .hint("Leave one of them empty: [weight] \"table\" = 0 in seeds/scale.toml."));
            }
        }
    }
    Ok(ordered)
}

/// Which references a table waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    All,
    Needed,
}

/// How many rows each table gets: more the further it is from the root.
fn shares(
    tables: &[Table],
    scale: &Scale,
    root: Option<usize>,
    places: &BTreeMap<Name, usize>,
    size: Size,
) -> Vec<u64> {
    let mut depth: Vec<u32> = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let parents = table
            .foreign
            .iter()
            .filter_map(|foreign| places.get(&foreign.to));
        let deepest = parents
            .filter(|to| **to < at)
            .filter_map(|to| depth.get(*to))
            .max();
        depth.push(deepest.map_or(0, |deepest| deepest + 1));
    }
    let weights: Vec<u64> = tables
        .iter()
        .enumerate()
        .map(|(at, table)| match scale.weight.get(&table.name) {
            _ if Some(at) == root => 0,
            Some(weight) => u64::from(*weight),
            None => 3_u64.pow(depth[at].min(5)),
        })
        .collect();
    let sum: u128 = weights
        .iter()
        .map(|weight| u128::from(*weight))
        .sum::<u128>()
        .max(1);
    let left = size
        .rows
        .saturating_sub(root.map_or(0, |_| size.tenants as u64));
    weights
        .iter()
        .map(|weight| u64::try_from(u128::from(left) * u128::from(*weight) / sum).unwrap_or(0))
        .collect()
}

#[cfg(test)]
mod tests;
