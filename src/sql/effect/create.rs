//! CREATE, and the upkeep of tables: REINDEX, VACUUM, CLUSTER, REFRESH.

use squawk_syntax::ast::{
    AstNode, Cluster, CreateIndex, CreateTable, ForeignKeyConstraint, ReferencesConstraint,
    Refresh, Reindex, ReindexTarget, Stmt, Vacuum,
};

use super::{Effect, Target, Work, at, index_at, says, schema_at};
use crate::sql::lock::LockLevel::{
    AccessExclusive, Exclusive, Share, ShareRowExclusive, ShareUpdateExclusive,
};

/// What a statement does that makes something or keeps it in shape; nothing when it is of another kind.
pub(super) fn of_statement(stmt: &Stmt) -> Option<Vec<Effect>> {
    let one = match stmt {
        Stmt::CreateTable(it) => return Some(create_table(it)),
        Stmt::Vacuum(it) => return Some(vacuum(it)),
        Stmt::CreateTableAs(it) => Effect::new("CREATE TABLE AS", at(it.table_name())).creates(),
        Stmt::SelectInto(_) => Effect::new("SELECT INTO", Target::Nothing),
        Stmt::CreateMaterializedView(it) => {
            Effect::new("CREATE MATERIALIZED VIEW", at(it.view())).creates()
        }
        Stmt::CreateIndex(it) => create_index(it),
        Stmt::CreateTrigger(it) => {
            let table = it.on_relation().and_then(|on| on.relation_name_ref());
            Effect::new("CREATE TRIGGER", at(table)).lock(ShareRowExclusive)
        }
        Stmt::CreatePolicy(it) => {
            let table = it.on_table().and_then(|on| on.table_name_ref());
            Effect::new("CREATE POLICY", at(table)).lock(AccessExclusive)
        }
        Stmt::CreateRule(it) => {
            let table = it.rule_on().and_then(|on| on.relation_name_ref());
            Effect::new("CREATE RULE", at(table)).lock(AccessExclusive)
        }
        Stmt::Reindex(it) => reindex(it),
        Stmt::Cluster(it) => cluster(it),
        Stmt::Refresh(it) => refresh(it),
        _ => return None,
    };
    Some(vec![one])
}

fn create_table(it: &CreateTable) -> Vec<Effect> {
    let mut made = Effect::new("CREATE TABLE", at(it.table_name())).creates();
    made.perhaps = it.if_not_exists().is_some();
    let mut effects = vec![made];
    if let Some(of) = it.partition_of() {
        effects.push(Effect::new("PARTITION OF", at(of.table_name_ref())).lock(AccessExclusive));
    }
    for node in it.syntax().descendants() {
        let table = ForeignKeyConstraint::cast(node.clone())
            .and_then(|key| key.table_name_ref())
            .or_else(|| ReferencesConstraint::cast(node).and_then(|key| key.table()));
        if table.is_some() {
            effects.push(Effect::new("REFERENCES", at(table)).lock(ShareRowExclusive));
        }
    }
    effects
}

fn create_index(it: &CreateIndex) -> Effect {
    let table = at(it.table_relation_name());
    match it.concurrently_token() {
        Some(_) => Effect::new("CREATE INDEX CONCURRENTLY", table)
            .lock(ShareUpdateExclusive)
            .work(Work::Build)
            .concurrent(),
        None => Effect::new("CREATE INDEX", table)
            .lock(Share)
            .work(Work::Build),
    }
}

fn reindex(it: &Reindex) -> Effect {
    use ReindexTarget as T;
    let concurrent = says(it.syntax(), &["CONCURRENTLY"])
        && !["FALSE", "OFF"]
            .iter()
            .any(|off| says(it.syntax(), &["CONCURRENTLY", off]));
    let target = match it.reindex_target() {
        Some(T::ReindexTargetIndex(it)) => index_at(it.index_ref()),
        Some(T::ReindexTargetTable(it)) => at(it.table_name_ref()),
        Some(T::ReindexTargetSchema(it)) => schema_at(it.schema_ref()),
        _ => Target::Nothing,
    };
    match concurrent {
        true => Effect::new("REINDEX CONCURRENTLY", target)
            .lock(ShareUpdateExclusive)
            .work(Work::Build)
            .concurrent(),
        false => Effect::new("REINDEX", target).lock(Share).work(Work::Build),
    }
}

/// `CLUSTER t [USING i]`, and the old form `CLUSTER i ON t`.
fn cluster(it: &Cluster) -> Effect {
    let table = match it.cluster_legacy() {
        Some(legacy) => at(legacy.on_path()),
        None => at(it.table_name_ref()),
    };
    Effect::new("CLUSTER", table)
        .lock(AccessExclusive)
        .work(Work::Rewrite)
}

fn refresh(it: &Refresh) -> Effect {
    let view = at(it.view_ref());
    match it.concurrently_token() {
        Some(_) => Effect::new("REFRESH MATERIALIZED VIEW CONCURRENTLY", view).lock(Exclusive),
        None => Effect::new("REFRESH MATERIALIZED VIEW", view)
            .lock(AccessExclusive)
            .work(Work::Rewrite),
    }
}

fn vacuum(it: &Vacuum) -> Vec<Effect> {
    let full = it.full_token().is_some()
        || it.vacuum_option_list().is_some_and(|list| {
            says(list.syntax(), &["FULL"])
                && !["FALSE", "OFF"]
                    .iter()
                    .any(|off| says(list.syntax(), &["FULL", off]))
        });
    let mut tables: Vec<Target> = it
        .table_and_columns_list()
        .into_iter()
        .flat_map(|list| list.table_and_columnss())
        .map(|table| at(table.table_relation_name()))
        .collect();
    if tables.is_empty() {
        tables.push(Target::Nothing);
    }
    let effect = |table: Target| match full {
        true => Effect::new("VACUUM FULL", table)
            .lock(AccessExclusive)
            .work(Work::Rewrite),
        false => Effect::new("VACUUM", table).lock(ShareUpdateExclusive),
    };
    tables.into_iter().map(effect).collect()
}
