//! The order in which every row finds the rows that it refers to.

use std::collections::{BTreeSet, HashMap};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use crate::catalog::name::Name;
use crate::failure::{Failure, Result};
use crate::pg::error::failure;
use crate::spec::seed::{Cell, RowId, Seed};

/// The rows in order: by references, then by foreign keys, and where these say nothing or go in a circle, as the
/// files have them.
///
/// # Errors
/// Exit 2 when references go in a circle.
pub(super) async fn rows(connection: &mut PgConnection, seed: &Seed) -> Result<Vec<RowId>> {
    let keys = foreign_keys(connection).await?;
    let mut tables: Vec<usize> = (0..seed.tables.len()).collect();
    let rank = ranks(seed, &keys);
    tables.sort_by_key(|&table| (rank.get(&seed.tables[table].name).copied(), table));
    let mut walk = Walk {
        seed,
        order: Vec::new(),
        done: BTreeSet::new(),
        open: Vec::new(),
    };
    for table in tables {
        for row in 0..seed.tables[table].rows.len() {
            walk.visit(RowId { table, row })?;
        }
    }
    Ok(walk.order)
}

/// Pairs of tables: the first refers to the second.
async fn foreign_keys(connection: &mut PgConnection) -> Result<Vec<(Name, Name)>> {
    let rows = sqlx::query(
        "SELECT cn.nspname::text AS child_schema, c.relname::text AS child,
                pn.nspname::text AS parent_schema, p.relname::text AS parent
         FROM pg_catalog.pg_constraint k
         JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
         JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
         JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
         JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
         WHERE k.contype = 'f' AND k.conrelid <> k.confrelid",
    )
    .fetch_all(connection)
    .await
    .map_err(|error| failure("read the foreign keys", &error))?;
    let name = |schema: String, name: String| Name::new(schema, name);
    rows.iter()
        .map(|row| {
            Ok((
                name(row.get("child_schema"), row.get("child"))?,
                name(row.get("parent_schema"), row.get("parent"))?,
            ))
        })
        .collect()
}

/// The place of each table: what it refers to comes first.
fn ranks(seed: &Seed, keys: &[(Name, Name)]) -> HashMap<Name, usize> {
    let mut nodes: HashMap<&Name, NodeIndex> = HashMap::new();
    let mut graph: DiGraph<&Name, ()> = DiGraph::new();
    for table in &seed.tables {
        nodes
            .entry(&table.name)
            .or_insert_with(|| graph.add_node(&table.name));
    }
    let mut refer = |child: &Name, parent: &Name| {
        if let (Some(child), Some(parent)) = (nodes.get(child), nodes.get(parent))
            && child != parent
        {
            graph.update_edge(*child, *parent, ());
        }
    };
    for (child, parent) in keys {
        refer(child, parent);
    }
    for id in seed.ids() {
        for target in targets(seed, id) {
            refer(&seed.tables[id.table].name, &seed.tables[target.table].name);
        }
    }
    let mut rank = HashMap::new();
    for (place, circle) in tarjan_scc(&graph).iter().enumerate() {
        for node in circle {
            rank.insert(graph[*node].clone(), place);
        }
    }
    rank
}

/// The cells of a row and of its writer's context.
fn cells(seed: &Seed, id: RowId) -> impl Iterator<Item = &Cell> {
    let (table, row) = seed.row(id);
    table.writer.context().chain(&row.values)
}

/// The rows that a row refers to, and has to come after. A tenant's own row may name itself as its context.
fn targets(seed: &Seed, id: RowId) -> Vec<RowId> {
    let (table, row) = seed.row(id);
    let names = |cell: &Cell| -> Vec<RowId> {
        cell.value
            .references()
            .iter()
            .filter_map(|reference| seed.named(&reference.name))
            .collect()
    };
    let context = table
        .writer
        .context()
        .flat_map(names)
        .filter(|to| *to != id);
    context.chain(row.values.iter().flat_map(names)).collect()
}

struct Walk<'a> {
    seed: &'a Seed,
    order: Vec<RowId>,
    done: BTreeSet<RowId>,
    open: Vec<RowId>,
}

impl Walk<'_> {
    fn visit(&mut self, id: RowId) -> Result<()> {
        if self.done.contains(&id) {
            return Ok(());
        }
        if let Some(at) = self.open.iter().position(|open| *open == id) {
            return Err(self.circle(at, id));
        }
        self.open.push(id);
        for target in targets(self.seed, id) {
            self.visit(target)?;
        }
        self.open.pop();
        self.done.insert(id);
        self.order.push(id);
        Ok(())
    }

    fn circle(&self, at: usize, id: RowId) -> Failure {
        let names: Vec<String> = self.open[at..]
            .iter()
            .chain([&id])
            .map(|id| match &self.seed.row(*id).1.name {
                Some(name) => format!("\"{name}\""),
                None => format!("a row of {}", self.seed.tables[id.table].name),
            })
            .collect();
        let (table, row) = self.seed.row(id);
        let span = cells(self.seed, id)
            .find(|cell| !cell.value.references().is_empty())
            .map_or(row.span.clone(), |cell| cell.span.clone());
        Failure::usage(format!(
            "rows refer to each other in a circle: {}",
            names.join(" → ")
        ))
        .at(self.seed.excerpt(table, span, "here"))
        .hint("Give one of them a fixed id, and write that instead of the reference.")
    }
}
