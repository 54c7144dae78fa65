//! What would serve an index's searches better, each with figures measured on this database.
//!
//! Everything is measured in read-only transactions on a sample of the table's own vectors; nothing
//! is built.

use sqlx::postgres::PgConnection;

use super::recall::{enter, leave, tenants, within};
use super::search::{self, Sample, Search, Way};
use super::{Site, facts};
use crate::failure::Result;
use crate::pg::session;
use crate::progress::{Progress, Report};
use crate::spec::manifest::Manifest;
use crate::spec::vectors::{Method, VectorIndex};
use crate::vector::memory::{Element, Shape};
use crate::vector::recall::{Recall, Tenant, representatives, score};
use crate::vector::settings::bytes;

/// The candidates for `hnsw.ef_search`.
const EF_SEARCH: [u32; 6] = [10, 20, 40, 80, 160, 320];
/// The recall that is wanted where the declaration does not say.
const FLOOR_DEFAULT: f64 = 0.95;
/// A tenant with this part of the rows may have an index of its own.
const LARGE_TENANT: f64 = 0.3;

/// Advice on one index: one sentence each, in a fixed order.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Advice {
    /// The index.
    pub name: String,
    /// What was measured and what follows from it.
    pub lines: Vec<String>,
}

/// Measures with `queries` vectors and says what follows. The index is there and valid.
///
/// # Errors
/// When this login may not read the table or become the application's role.
pub async fn advise(
    site: &Site<'_>,
    manifest: &Manifest,
    index: &VectorIndex,
    tenant: Option<&str>,
    queries: u32,
    report: Report<'_>,
) -> Result<Advice> {
    let (mut connection, _) = session::open(site.server, "edu db index advise").await?;
    let connection = &mut connection;
    report(Progress::stage(format!(
        "measuring searches with {}",
        index.name
    )));
    let host = facts::host(connection, site).await?;
    let outlook = facts::outlook(connection, site, &host, index, 1).await?;
    let search = search::prepare(connection, index).await?;
    search.begin(connection).await?;
    session::run(connection, "SET LOCAL row_security = off", "see all rows").await?;
    let samples = search.samples(connection, queries).await?;
    let mut lines = Vec::new();
    if !samples.is_empty() {
        let floor = index.recall_floor.unwrap_or(FLOOR_DEFAULT);
        let told = effort(connection, &search, index, &samples, floor).await?;
        lines.extend(told);
        lines.extend(exact(connection, &search, &samples, outlook.rows).await?);
        lines.extend(
            half(
                connection,
                &search,
                index,
                outlook.shape,
                outlook.rows,
                &samples,
            )
            .await?,
        );
        if let Ok(within) = within(manifest, tenant) {
            let all = tenants(connection, index, within.column).await?;
            if let Some(largest) = representatives(&all).first() {
                enter(connection, &within, &largest.id).await?;
                let samples = search.samples(connection, queries).await?;
                let told = effort(connection, &search, index, &samples, floor).await?;
                leave(connection).await?;
                let told = told.iter();
                lines.extend(told.map(|line| format!("within tenant {}: {line}", largest.id)));
            }
            lines.extend(scans(connection, &search, &within, &all, queries).await?);
            lines.extend(large(&all));
        }
    }
    session::run(connection, "ROLLBACK", "end the measurement").await?;
    report(Progress::Done);
    Ok(Advice {
        name: index.name.to_string(),
        lines,
    })
}

fn words(recall: &Recall) -> String {
    format!("recall {:.3}, {:.1} ms", recall.recall, recall.took_ms)
}

/// The least `ef_search` that finds as much as is wanted.
async fn effort(
    connection: &mut PgConnection,
    search: &Search,
    index: &VectorIndex,
    samples: &[Sample],
    floor: f64,
) -> Result<Vec<String>> {
    let Method::Hnsw { ef_search, .. } = index.method else {
        return Ok(Vec::new());
    };
    let mut seen = Vec::new();
    let mut enough = None;
    for ef in EF_SEARCH {
        let sql = format!("SET LOCAL hnsw.ef_search = {ef}");
        session::run(connection, &sql, "try an ef_search").await?;
        let trials = search.trials(connection, samples, Way::Index).await?;
        let Some(recall) = score(&trials) else { break };
        seen.push(format!("{ef}: {}", words(&recall)));
        if recall.recall >= floor {
            enough = Some(ef);
            break;
        }
    }
    let sql = format!("SET LOCAL hnsw.ef_search = {ef_search}");
    session::run(connection, &sql, "go back to the declared ef_search").await?;
    let verdict = match enough {
        Some(ef) if ef < ef_search => {
            format!("ef_search {ef} is enough for a recall of {floor}; {ef_search} is declared")
        }
        Some(ef) if ef > ef_search => {
            format!("a recall of {floor} needs ef_search {ef}; {ef_search} is declared")
        }
        Some(_) => format!("the declared ef_search {ef_search} is right for a recall of {floor}"),
        None => {
            format!("no ef_search up to 320 gives a recall of {floor}: raise m and ef_construction")
        }
    };
    Ok(vec![format!("{verdict} ({})", seen.join("; "))])
}

/// Whether comparing every row is as good.
async fn exact(
    connection: &mut PgConnection,
    search: &Search,
    samples: &[Sample],
    rows: u64,
) -> Result<Option<String>> {
    let samples = &samples[..samples.len().min(10)];
    let index = score(&search.trials(connection, samples, Way::Index).await?);
    let exact = score(&search.trials(connection, samples, Way::Exact).await?);
    let (Some(index), Some(exact)) = (index, exact) else {
        return Ok(None);
    };
    let verdict = if exact.took_ms < 2.0 * index.took_ms.max(1.0) {
        "exact search is as good here: the index could go"
    } else {
        "the index pays"
    };
    Ok(Some(format!(
        "{verdict}: exact {:.1} ms, index {:.1} ms over {rows} rows",
        exact.took_ms, index.took_ms
    )))
}

/// What half the precision would save and cost.
async fn half(
    connection: &mut PgConnection,
    search: &Search,
    index: &VectorIndex,
    shape: Shape,
    rows: u64,
    samples: &[Sample],
) -> Result<Option<String>> {
    if shape.element != Element::Vector || shape.dims == 0 {
        return Ok(None);
    }
    let halved = search.halved(shape.dims);
    let samples = &samples[..samples.len().min(10)];
    let mut trials = search.trials(connection, samples, Way::Exact).await?;
    halved.go(connection, Way::Exact).await?;
    for (trial, sample) in trials.iter_mut().zip(samples) {
        trial.found = search.true_distances(
            &trial.exact,
            halved.find(connection, &sample.vector).await?.0,
        );
    }
    let Some(recall) = score(&trials) else {
        return Ok(None);
    };
    let smaller = Shape {
        element: Element::Halfvec,
        ..shape
    };
    Ok(Some(format!(
        "halfvec keeps {:.3} of the true neighbours, and its index takes about {} instead of {}: \
         expression = \"{}::halfvec({})\", opclass = \"{}\"",
        recall.recall,
        bytes(smaller.index_bytes(rows)),
        bytes(shape.index_bytes(rows)),
        super::ddl::target(index),
        shape.dims,
        index.opclass.replace("vector_", "halfvec_"),
    )))
}

/// How the iterative scan serves the smallest tenant that searches through the index.
async fn scans(
    connection: &mut PgConnection,
    search: &Search,
    within: &super::recall::Within<'_>,
    all: &[Tenant],
    queries: u32,
) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let total: u64 = all.iter().map(|tenant| tenant.rows).sum();
    for tenant in representatives(all) {
        let share = tenant.rows as f64 / total.max(1) as f64 * 100.0;
        let mut seen = Vec::new();
        for (scan, tuples) in [
            ("off", 20_000),
            ("strict_order", 20_000),
            ("relaxed_order", 20_000),
            ("relaxed_order", 2_000),
        ] {
            enter(connection, within, &tenant.id).await?;
            let sql = format!(
                "SET LOCAL hnsw.iterative_scan = {scan}; SET LOCAL hnsw.max_scan_tuples = {tuples}"
            );
            session::run(connection, &sql, "try an iterative scan").await?;
            let samples = search.samples(connection, queries.min(20)).await?;
            let trials = search.trials(connection, &samples, Way::Free).await?;
            leave(connection).await?;
            if let Some(recall) = score(&trials) {
                let tuples = if tuples < 20_000 {
                    format!(" up to {tuples} tuples")
                } else {
                    String::new()
                };
                seen.push(format!(
                    "{scan}{tuples}: {}, {:.1} of {:.1} rows",
                    words(&recall),
                    recall.returned,
                    recall.possible
                ));
            }
        }
        lines.push(format!(
            "iterative scan for tenant {} ({share:.1} % of the rows): {}",
            tenant.id,
            seen.join("; ")
        ));
    }
    Ok(lines)
}

/// Tenants so large that an index of their own is worth a thought.
fn large(all: &[Tenant]) -> Vec<String> {
    let total: u64 = all.iter().map(|tenant| tenant.rows).sum();
    all.iter()
        .filter(|tenant| tenant.rows as f64 >= total as f64 * LARGE_TENANT && all.len() > 1)
        .map(|tenant| {
            format!(
                "tenant {} has {:.0} % of the rows: a partial index (predicate = …) would serve its \
                 searches, where the query names the tenant as a literal; the policy alone does not \
                 let the planner choose it",
                tenant.id,
                tenant.rows as f64 / total as f64 * 100.0
            )
        })
        .collect()
}
