//! ALTER of anything but a table.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{AstNode, Stmt};

use super::{Effect, Target, Work, at, index_at, says};
use crate::sql::hazard::Hazard;
use crate::sql::lock::LockLevel::{
    AccessExclusive, Share, ShareRowExclusive, ShareUpdateExclusive,
};

/// What an ALTER does that names no table; of ALTER TABLE, nothing.
pub(super) fn of_statement(stmt: &Stmt) -> Vec<Effect> {
    let renames = says(stmt.syntax(), &["RENAME"]) || says(stmt.syntax(), &["SET", "SCHEMA"]);
    let breaking = |effect: Effect| match renames {
        true => effect.hazard(Hazard::BreaksRunningCode),
        false => effect,
    };
    match stmt {
        Stmt::AlterIndex(it) => {
            let on = index_at(it.index_ref());
            let tablespace = says(it.syntax(), &["SET", "TABLESPACE"]);
            vec![if tablespace {
                Effect::new("ALTER INDEX SET TABLESPACE", on)
                    .lock(AccessExclusive)
                    .work(Work::Rewrite)
            } else {
                Effect::new("ALTER INDEX", on).lock(ShareUpdateExclusive)
            }]
        }
        Stmt::AlterView(it) => {
            let on = at(it.view_ref());
            vec![breaking(
                Effect::new("ALTER VIEW", on).lock(AccessExclusive),
            )]
        }
        Stmt::AlterMaterializedView(it) => {
            let on = at(it.view_ref());
            vec![breaking(
                Effect::new("ALTER MATERIALIZED VIEW", on).lock(AccessExclusive),
            )]
        }
        Stmt::AlterSequence(it) => {
            let on = at(it.sequence_ref());
            vec![breaking(
                Effect::new("ALTER SEQUENCE", on).lock(ShareRowExclusive),
            )]
        }
        Stmt::AlterSchema(_) => vec![breaking(Effect::new("ALTER SCHEMA", Target::Nothing))],
        Stmt::AlterType(_) => alter_type(stmt.syntax(), renames),
        Stmt::AlterFunction(_) => vec![breaking(Effect::new("ALTER FUNCTION", Target::Nothing))],
        Stmt::AlterTrigger(it) => {
            let on = at(it.on_relation().and_then(|on| on.relation_name_ref()));
            vec![Effect::new("ALTER TRIGGER", on).lock(AccessExclusive)]
        }
        Stmt::AlterPolicy(it) => {
            let on = at(it.on_table().and_then(|on| on.table_name_ref()));
            vec![Effect::new("ALTER POLICY", on).lock(AccessExclusive)]
        }
        Stmt::AlterDomain(_) => {
            let scans = says(stmt.syntax(), &["ADD"]) && !says(stmt.syntax(), &["NOT", "VALID"])
                || says(stmt.syntax(), &["VALIDATE"])
                || says(stmt.syntax(), &["SET", "NOT", "NULL"]);
            let effect = breaking(Effect::new("ALTER DOMAIN", Target::Nothing));
            vec![if scans {
                effect.lock(Share).hazard(Hazard::TableScanUnderLock)
            } else {
                effect
            }]
        }
        _ => Vec::new(),
    }
}

/// Changing an attribute of a composite type is refused by the server where a table uses it, so only
/// names are a hazard here.
fn alter_type(node: &SyntaxNode, renames: bool) -> Vec<Effect> {
    let effect = Effect::new("ALTER TYPE", Target::Nothing);
    if says(node, &["ADD", "VALUE"]) {
        return vec![Effect::new("ALTER TYPE ADD VALUE", Target::Nothing)];
    }
    vec![if renames {
        effect.hazard(Hazard::BreaksRunningCode)
    } else {
        effect
    }]
}
