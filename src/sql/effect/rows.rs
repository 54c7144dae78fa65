//! Statements that change rows, and LOCK.

use squawk_syntax::ast::{AstNode, LockMode, Stmt};

use super::{Effect, Work, at, says};
use crate::sql::hazard::Hazard;
use crate::sql::lock::LockLevel::{
    self, AccessExclusive, AccessShare, Exclusive, RowExclusive, RowShare, Share,
    ShareRowExclusive, ShareUpdateExclusive,
};

/// What a statement does to rows; nothing when it is of another kind.
pub(super) fn of_statement(stmt: &Stmt) -> Option<Vec<Effect>> {
    let one = match stmt {
        // Rows that are written down are few; rows that are selected may be many.
        Stmt::Insert(it) => match says(it.syntax(), &["SELECT"]) {
            true => changes("INSERT", it.relation_name_ref()),
            false => changes("INSERT", it.relation_name_ref()).work(Work::Brief),
        },
        Stmt::Merge(it) => changes("MERGE", it.table_relation_name()),
        Stmt::Copy(it) => changes(
            "COPY",
            it.copy_table().and_then(|table| table.table_name_ref()),
        ),
        Stmt::Update(it) => match it.where_clause_or_current_of() {
            Some(_) => changes("UPDATE", it.relation_name()),
            None => changes("UPDATE", it.relation_name()).hazard(Hazard::UpdateAllRows),
        },
        Stmt::Delete(it) => match it.where_clause_or_current_of() {
            Some(_) => changes("DELETE", it.relation_name()),
            None => changes("DELETE", it.relation_name()).hazard(Hazard::DataLoss),
        },
        Stmt::Truncate(it) => {
            let names = it
                .table_list()
                .into_iter()
                .flat_map(|list| list.table_relation_names());
            let truncated = names.map(|name| {
                Effect::new("TRUNCATE", at(Some(name)))
                    .lock(AccessExclusive)
                    .hazard(Hazard::DataLoss)
            });
            return Some(truncated.collect());
        }
        Stmt::Lock(it) => {
            let mode = it.lock_mode_clause().and_then(|clause| clause.lock_mode());
            let level = mode.as_ref().map_or(AccessExclusive, level);
            let names = it
                .relation_list()
                .into_iter()
                .flat_map(|list| list.relation_names());
            let locked = names.map(|name| Effect::new("LOCK TABLE", at(Some(name))).lock(level));
            return Some(locked.collect());
        }
        _ => return None,
    };
    Some(vec![one])
}

fn changes<N: AstNode>(action: &'static str, name: Option<N>) -> Effect {
    Effect::new(action, at(name))
        .lock(RowExclusive)
        .work(Work::Rows)
}

fn level(mode: &LockMode) -> LockLevel {
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
