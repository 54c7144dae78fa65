//! DROP, in all its forms.

use squawk_syntax::ast::{AstNode, Stmt};

use super::{Effect, Target, at, index_at, says, schema_at};
use crate::sql::hazard::Hazard;
use crate::sql::lock::LockLevel::{AccessExclusive, ShareUpdateExclusive};
use crate::sql::token::tokens;

/// What a DROP does; nothing for a statement of another kind.
pub(super) fn of_statement(stmt: &Stmt) -> Vec<Effect> {
    match stmt {
        Stmt::DropTable(it) => each("DROP TABLE", it.table_name_refs(), Hazard::DataLoss),
        Stmt::DropMaterializedView(it) => each(
            "DROP MATERIALIZED VIEW",
            it.view_refs(),
            Hazard::BreaksRunningCode,
        ),
        Stmt::DropForeignTable(it) => each(
            "DROP FOREIGN TABLE",
            it.table_name_refs(),
            Hazard::BreaksRunningCode,
        ),
        Stmt::DropView(it) => each("DROP VIEW", it.view_refs(), Hazard::BreaksRunningCode),
        Stmt::DropSequence(it) => each(
            "DROP SEQUENCE",
            it.sequence_refs(),
            Hazard::BreaksRunningCode,
        ),
        Stmt::DropIndex(it) => {
            let (action, lock) = match it.concurrently_token() {
                Some(_) => ("DROP INDEX CONCURRENTLY", ShareUpdateExclusive),
                None => ("DROP INDEX", AccessExclusive),
            };
            let names = it.index_refs();
            names
                .map(|name| Effect::new(action, index_at(Some(name))).lock(lock))
                .collect()
        }
        Stmt::DropSchema(it) => {
            let drop =
                |schema| Effect::new("DROP SCHEMA", schema_at(Some(schema))).lock(AccessExclusive);
            it.schema_refs()
                .map(|schema| drop(schema).hazard(Hazard::DataLoss))
                .collect()
        }
        Stmt::DropPolicy(it) => {
            let table = it.on_table().and_then(|on| on.table_name_ref());
            vec![Effect::new("DROP POLICY", at(table)).lock(AccessExclusive)]
        }
        Stmt::DropTrigger(it) => {
            let table = it.on_relation().and_then(|on| on.relation_name_ref());
            vec![Effect::new("DROP TRIGGER", at(table)).lock(AccessExclusive)]
        }
        other => without_relation(other).into_iter().collect(),
    }
}

fn each<N: AstNode>(
    action: &'static str,
    names: impl Iterator<Item = N>,
    hazard: Hazard,
) -> Vec<Effect> {
    let drop = |name| {
        Effect::new(action, at(Some(name)))
            .lock(AccessExclusive)
            .hazard(hazard)
    };
    names.map(drop).collect()
}

/// What has no rows of its own. CASCADE takes columns and tables along that it does not name.
fn without_relation(stmt: &Stmt) -> Option<Effect> {
    let (action, hazard) = match stmt {
        Stmt::DropType(_) | Stmt::DropDomain(_) => ("DROP TYPE", Hazard::BreaksRunningCode),
        Stmt::DropFunction(_)
        | Stmt::DropProcedure(_)
        | Stmt::DropRoutine(_)
        | Stmt::DropAggregate(_)
        | Stmt::DropOperator(_)
        | Stmt::DropCast(_) => ("DROP FUNCTION", Hazard::BreaksRunningCode),
        Stmt::DropExtension(_) => ("DROP EXTENSION", Hazard::DataLoss),
        Stmt::DropOwned(_) => ("DROP OWNED", Hazard::DataLoss),
        Stmt::DropDatabase(_) => ("DROP DATABASE", Hazard::DataLoss),
        _ => return None,
    };
    let hazard = match says(stmt.syntax(), &["CASCADE"]) {
        true => Hazard::DataLoss,
        false => hazard,
    };
    let mut effect = Effect::new(action, Target::Nothing).hazard(hazard);
    effect.named = names(&stmt.syntax().text().to_string());
    Some(effect)
}

/// What a DROP names, on one line: all behind the kind, without IF EXISTS, CASCADE and RESTRICT.
fn names(text: &str) -> Option<String> {
    const KINDS: [&str; 12] = [
        "DROP",
        "TYPE",
        "DOMAIN",
        "FUNCTION",
        "PROCEDURE",
        "ROUTINE",
        "AGGREGATE",
        "OPERATOR",
        "CAST",
        "OWNED",
        "EXTENSION",
        "DATABASE",
    ];
    let is = |words: &[&str], part: &str| words.iter().any(|word| part.eq_ignore_ascii_case(word));
    let mut found = String::new();
    let mut lead = true;
    let mut end = 0;
    for token in tokens(text).filter(|token| !token.kind.is_trivia()) {
        let part = &text[token.span.clone()];
        if lead && is(&KINDS, part) || is(&["IF", "EXISTS", "CASCADE", "RESTRICT"], part) {
            continue;
        }
        if !lead && token.span.start > end {
            found.push(' ');
        }
        lead = false;
        found.push_str(part);
        end = token.span.end;
    }
    (!found.is_empty()).then(|| found.trim_end_matches(';').to_owned())
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn what_a_drop_takes_away_is_named_without_its_words() {
        for (text, wanted) in [
            (
                "DROP FUNCTION IF EXISTS app.f(int, text), g CASCADE",
                "app.f(int, text), g",
            ),
            ("drop  procedure\n\"V\"()", "\"V\"()"),
            ("DROP TYPE mood RESTRICT", "mood"),
        ] {
            assert_eq!(names(text).as_deref(), Some(wanted), "{text}");
        }
    }
}
