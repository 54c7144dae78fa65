//! CREATE, DROP, and everything else that touches relations.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{
    AstNode, CreateIndex, CreateTable, LockMode, Reindex, ReindexTarget, Stmt, Vacuum,
};

use super::alter::changes;
use super::{Effect, Target, Work, on, on_index, relation, says};
use crate::sql::hazard::Hazard;
use crate::sql::lock::LockLevel::{
    self, AccessExclusive, AccessShare, Exclusive, RowExclusive, RowShare, Share,
    ShareRowExclusive, ShareUpdateExclusive,
};

/// What a statement does that is not one of ALTER.
pub(super) fn of_statement(stmt: &Stmt) -> Vec<Effect> {
    match stmt {
        Stmt::CreateTable(it) => create_table(it),
        Stmt::CreateTableAs(it) => {
            vec![
                Effect::new(
                    "CREATE TABLE AS",
                    on(it.table_name().as_ref().map(AstNode::syntax)),
                )
                .creates(),
            ]
        }
        Stmt::SelectInto(_) => vec![Effect::new("SELECT INTO", Target::Nothing)],
        Stmt::CreateMaterializedView(it) => {
            vec![
                Effect::new(
                    "CREATE MATERIALIZED VIEW",
                    on(it.view().as_ref().map(AstNode::syntax)),
                )
                .creates(),
            ]
        }
        Stmt::CreateIndex(it) => vec![create_index(it)],
        Stmt::CreateTrigger(it) => {
            let table = it.on_relation().and_then(|on| on.relation_name_ref());
            vec![
                Effect::new("CREATE TRIGGER", on(table.as_ref().map(AstNode::syntax)))
                    .lock(ShareRowExclusive),
            ]
        }
        Stmt::CreatePolicy(it) => {
            let table = it.on_table().and_then(|on| on.table_name_ref());
            vec![
                Effect::new("CREATE POLICY", on(table.as_ref().map(AstNode::syntax)))
                    .lock(AccessExclusive),
            ]
        }
        Stmt::CreateRule(it) => {
            let table = it.rule_on().and_then(|on| on.relation_name_ref());
            vec![
                Effect::new("CREATE RULE", on(table.as_ref().map(AstNode::syntax)))
                    .lock(AccessExclusive),
            ]
        }
        Stmt::Reindex(it) => vec![reindex(it)],
        Stmt::Vacuum(it) => vacuum(it),
        Stmt::Cluster(it) => {
            let legacy = it.cluster_legacy().and_then(|legacy| legacy.on_path());
            let table = match (it.table_name_ref(), legacy) {
                (Some(table), _) => on(Some(table.syntax())),
                (None, Some(path)) => after_on(path.syntax()),
                (None, None) => Target::Nothing,
            };
            vec![
                Effect::new("CLUSTER", table)
                    .lock(AccessExclusive)
                    .work(Work::Rewrite),
            ]
        }
        Stmt::Refresh(it) => {
            let view = on(it.view_ref().as_ref().map(AstNode::syntax));
            vec![match it.concurrently_token() {
                Some(_) => {
                    Effect::new("REFRESH MATERIALIZED VIEW CONCURRENTLY", view).lock(Exclusive)
                }
                None => Effect::new("REFRESH MATERIALIZED VIEW", view)
                    .lock(AccessExclusive)
                    .work(Work::Rewrite),
            }]
        }
        Stmt::Lock(it) => {
            let level = it.lock_mode_clause().and_then(|clause| clause.lock_mode());
            let level = level.as_ref().map_or(AccessExclusive, lock_mode);
            let names = it
                .relation_list()
                .into_iter()
                .flat_map(|list| list.relation_names());
            names
                .map(|name| Effect::new("LOCK TABLE", on(Some(name.syntax()))).lock(level))
                .collect()
        }
        Stmt::Insert(it) => vec![changes(
            "INSERT",
            it.relation_name_ref().as_ref().map(AstNode::syntax),
        )],
        Stmt::Merge(it) => vec![changes(
            "MERGE",
            it.table_relation_name().as_ref().map(AstNode::syntax),
        )],
        Stmt::Copy(it) => {
            let table = it.copy_table().and_then(|table| table.table_name_ref());
            vec![changes("COPY", table.as_ref().map(AstNode::syntax))]
        }
        Stmt::Update(it) => {
            let effect = changes("UPDATE", it.relation_name().as_ref().map(AstNode::syntax));
            vec![match it.where_clause_or_current_of() {
                Some(_) => effect,
                None => effect.hazard(Hazard::UpdateAllRows),
            }]
        }
        Stmt::Delete(it) => {
            let effect = changes("DELETE", it.relation_name().as_ref().map(AstNode::syntax));
            vec![match it.where_clause_or_current_of() {
                Some(_) => effect,
                None => effect.hazard(Hazard::DataLoss),
            }]
        }
        Stmt::Truncate(it) => {
            let names = it
                .table_list()
                .into_iter()
                .flat_map(|list| list.table_relation_names());
            names
                .map(|name| {
                    Effect::new("TRUNCATE", on(Some(name.syntax())))
                        .lock(AccessExclusive)
                        .hazard(Hazard::DataLoss)
                })
                .collect()
        }
        Stmt::Analyze(_) | Stmt::CommentOn(_) | Stmt::SecurityLabel(_) => Vec::new(),
        other => drop(other),
    }
}

fn drop(stmt: &Stmt) -> Vec<Effect> {
    let each = |action: &'static str, names: Vec<SyntaxNode>, hazard: Hazard| {
        names
            .iter()
            .map(|name| {
                Effect::new(action, on(Some(name)))
                    .lock(AccessExclusive)
                    .hazard(hazard)
            })
            .collect::<Vec<_>>()
    };
    let cascades = says(stmt.syntax(), &["CASCADE"]);
    let nothing = |action, hazard| vec![Effect::new(action, Target::Nothing).hazard(hazard)];
    match stmt {
        Stmt::DropTable(it) => each("DROP TABLE", nodes(it.table_name_refs()), Hazard::DataLoss),
        Stmt::DropView(it) => each(
            "DROP VIEW",
            nodes(it.view_refs()),
            Hazard::BreaksRunningCode,
        ),
        Stmt::DropMaterializedView(_) => {
            nothing("DROP MATERIALIZED VIEW", Hazard::BreaksRunningCode)
        }
        Stmt::DropSequence(it) => each(
            "DROP SEQUENCE",
            nodes(it.sequence_refs()),
            Hazard::BreaksRunningCode,
        ),
        Stmt::DropIndex(it) => {
            let concurrent = it.concurrently_token().is_some();
            let (action, lock) = match concurrent {
                true => ("DROP INDEX CONCURRENTLY", ShareUpdateExclusive),
                false => ("DROP INDEX", AccessExclusive),
            };
            let names = it.index_refs();
            names
                .map(|name| Effect::new(action, on_index(Some(name.syntax()))).lock(lock))
                .collect()
        }
        Stmt::DropSchema(it) => it
            .schema_refs()
            .map(|name| {
                let schema = relation(Some(name.syntax()))
                    .map_or(Target::Nothing, |it| Target::Schema(it.name));
                Effect::new("DROP SCHEMA", schema)
                    .lock(AccessExclusive)
                    .hazard(Hazard::DataLoss)
            })
            .collect(),
        Stmt::DropPolicy(it) => {
            let table = it.on_table().and_then(|on| on.table_name_ref());
            vec![
                Effect::new("DROP POLICY", on(table.as_ref().map(AstNode::syntax)))
                    .lock(AccessExclusive),
            ]
        }
        Stmt::DropTrigger(it) => {
            let table = it.on_relation().and_then(|on| on.relation_name_ref());
            vec![
                Effect::new("DROP TRIGGER", on(table.as_ref().map(AstNode::syntax)))
                    .lock(AccessExclusive),
            ]
        }
        Stmt::DropType(_) | Stmt::DropDomain(_) if cascades => {
            nothing("DROP TYPE CASCADE", Hazard::DataLoss)
        }
        Stmt::DropType(_) | Stmt::DropDomain(_) => nothing("DROP TYPE", Hazard::BreaksRunningCode),
        Stmt::DropExtension(_) => nothing("DROP EXTENSION", Hazard::DataLoss),
        Stmt::DropOwned(_) => nothing("DROP OWNED", Hazard::DataLoss),
        Stmt::DropDatabase(_) => nothing("DROP DATABASE", Hazard::DataLoss),
        Stmt::DropForeignTable(_) => nothing("DROP FOREIGN TABLE", Hazard::BreaksRunningCode),
        Stmt::DropFunction(_)
        | Stmt::DropProcedure(_)
        | Stmt::DropRoutine(_)
        | Stmt::DropAggregate(_)
        | Stmt::DropOperator(_)
        | Stmt::DropCast(_)
            if cascades =>
        {
            nothing("DROP FUNCTION CASCADE", Hazard::DataLoss)
        }
        Stmt::DropFunction(_)
        | Stmt::DropProcedure(_)
        | Stmt::DropRoutine(_)
        | Stmt::DropAggregate(_) => nothing("DROP FUNCTION", Hazard::BreaksRunningCode),
        _ => Vec::new(),
    }
}

fn nodes<N: AstNode>(names: impl Iterator<Item = N>) -> Vec<SyntaxNode> {
    names.map(|name| name.syntax().clone()).collect()
}

fn after_on(node: &SyntaxNode) -> Target {
    let text = node.text().to_string();
    let name = text.trim_start().get(2..).unwrap_or_default().trim();
    let mut parts = name.split('.').map(|part| match part.strip_prefix('"') {
        Some(quoted) => quoted.trim_end_matches('"').to_owned(),
        None => part.to_ascii_lowercase(),
    });
    let (first, second) = (parts.next(), parts.next());
    match (first, second) {
        (Some(schema), Some(name)) => Target::Relation(super::Relation {
            schema: Some(schema),
            name,
        }),
        (Some(name), None) => Target::Relation(super::Relation { schema: None, name }),
        _ => Target::Nothing,
    }
}

fn create_table(it: &CreateTable) -> Vec<Effect> {
    let mut effects = vec![
        Effect::new(
            "CREATE TABLE",
            on(it.table_name().as_ref().map(AstNode::syntax)),
        )
        .creates(),
    ];
    if let Some(parent) = it.partition_of().and_then(|of| of.table_name_ref()) {
        effects.push(Effect::new("PARTITION OF", on(Some(parent.syntax()))).lock(AccessExclusive));
    }
    for node in it.syntax().descendants() {
        let table = squawk_syntax::ast::ForeignKeyConstraint::cast(node.clone())
            .and_then(|key| key.table_name_ref())
            .or_else(|| {
                squawk_syntax::ast::ReferencesConstraint::cast(node).and_then(|key| key.table())
            });
        if let Some(table) = table {
            effects
                .push(Effect::new("REFERENCES", on(Some(table.syntax()))).lock(ShareRowExclusive));
        }
    }
    effects
}

fn create_index(it: &CreateIndex) -> Effect {
    let table = on(it.table_relation_name().as_ref().map(AstNode::syntax));
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
    let concurrent =
        says(it.syntax(), &["CONCURRENTLY"]) && !says(it.syntax(), &["CONCURRENTLY", "FALSE"]);
    let target = match it.reindex_target() {
        Some(ReindexTarget::ReindexTargetIndex(it)) => {
            on_index(it.index_ref().as_ref().map(AstNode::syntax))
        }
        Some(ReindexTarget::ReindexTargetTable(it)) => {
            on(it.table_name_ref().as_ref().map(AstNode::syntax))
        }
        Some(ReindexTarget::ReindexTargetSchema(it)) => {
            relation(it.schema_ref().as_ref().map(AstNode::syntax))
                .map_or(Target::Nothing, |it| Target::Schema(it.name))
        }
        _ => Target::Nothing,
    };
    if concurrent {
        return Effect::new("REINDEX CONCURRENTLY", target)
            .lock(ShareUpdateExclusive)
            .work(Work::Build)
            .concurrent();
    }
    Effect::new("REINDEX", target).lock(Share).work(Work::Build)
}

fn vacuum(it: &Vacuum) -> Vec<Effect> {
    let full = it.full_token().is_some()
        || it.vacuum_option_list().is_some_and(|list| {
            says(list.syntax(), &["FULL"]) && !says(list.syntax(), &["FULL", "FALSE"])
        });
    let tables: Vec<Target> = it
        .table_and_columns_list()
        .into_iter()
        .flat_map(|list| list.table_and_columnss())
        .map(|table| on(table.table_relation_name().as_ref().map(AstNode::syntax)))
        .collect();
    let tables = if tables.is_empty() {
        vec![Target::Nothing]
    } else {
        tables
    };
    let effect = |table: Target| match full {
        true => Effect::new("VACUUM FULL", table)
            .lock(AccessExclusive)
            .work(Work::Rewrite),
        false => Effect::new("VACUUM", table).lock(ShareUpdateExclusive),
    };
    tables.into_iter().map(effect).collect()
}

fn lock_mode(mode: &LockMode) -> LockLevel {
    match mode {
        LockMode::AccessExclusive(_) => AccessExclusive,
        LockMode::AccessShare(_) => AccessShare,
        LockMode::Exclusive(_) => Exclusive,
        LockMode::RowExclusive(_) => RowExclusive,
        LockMode::RowShare(_) => RowShare,
        LockMode::Share(_) => Share,
        LockMode::ShareRowExclusive(_) => ShareRowExclusive,
        LockMode::ShareUpdateExclusive(_) => ShareUpdateExclusive,
    }
}
