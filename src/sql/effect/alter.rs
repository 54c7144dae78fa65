//! The actions of ALTER TABLE.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{
    AddColumn, AlterColumn, AlterColumnOption, AlterTable, AlterTableAction, AstNode, Constraint,
};

use super::{Effect, Target, Work, at, calls, says, single_at};
use crate::sql::hazard::Hazard;
use crate::sql::lock::LockLevel::{AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};

/// Functions whose value is the same for a whole statement: a column default that calls only these is
/// computed once. Source: `pg_proc.provolatile` of PostgreSQL 16 to 18.
const STABLE: &[&str] = &[
    "now",
    "transaction_timestamp",
    "statement_timestamp",
    "current_setting",
    "current_database",
    "current_schema",
    "to_timestamp",
    "make_interval",
    "make_date",
    "lower",
    "upper",
    "length",
    "concat",
    "md5",
    "jsonb_build_object",
    "jsonb_build_array",
    "json_build_object",
    "array_fill",
    "to_jsonb",
    "coalesce",
    "varchar",
    "numeric",
    "decimal",
    "char",
    "bit",
    "timestamp",
    "interval",
];

/// The effects of each action of ALTER TABLE.
pub(super) fn table(statement: &AlterTable) -> Vec<Effect> {
    let Some(name) = statement.table_relation_name() else {
        return vec![super::unknown("ALTER TABLE ALL")];
    };
    let on = at(Some(name));
    statement
        .actions()
        .flat_map(|one| action(&one, &on))
        .collect()
}

fn action(action: &AlterTableAction, table: &Target) -> Vec<Effect> {
    use AlterTableAction as A;
    let effect = |name| Effect::new(name, table.clone());
    let exclusive = |name| effect(name).lock(AccessExclusive);
    match action {
        A::AddColumn(add) => add_column(add, table),
        A::AlterColumn(alter) => alter_column(alter, table),
        A::AddConstraint(add) => match add.constraint() {
            Some(constraint) => add_constraint(&constraint, table),
            None => vec![super::unknown("ADD CONSTRAINT")],
        },
        A::DropColumn(_) => vec![exclusive("DROP COLUMN").hazard(Hazard::DataLoss)],
        A::ValidateConstraint(_) => {
            vec![
                effect("VALIDATE CONSTRAINT")
                    .lock(ShareUpdateExclusive)
                    .work(Work::Scan),
            ]
        }
        A::RenameColumn(_) => vec![exclusive("RENAME COLUMN").hazard(Hazard::BreaksRunningCode)],
        A::TableRenameTo(_) => vec![exclusive("RENAME").hazard(Hazard::BreaksRunningCode)],
        A::SetSchema(_) => vec![exclusive("SET SCHEMA").hazard(Hazard::BreaksRunningCode)],
        A::DisableRls(_) => {
            vec![exclusive("DISABLE ROW LEVEL SECURITY").hazard(Hazard::WeakensIsolation)]
        }
        A::NoForceRls(_) => {
            vec![exclusive("NO FORCE ROW LEVEL SECURITY").hazard(Hazard::WeakensIsolation)]
        }
        A::EnableRls(_) => vec![exclusive("ENABLE ROW LEVEL SECURITY")],
        A::ForceRls(_) => vec![exclusive("FORCE ROW LEVEL SECURITY")],
        A::SetTablespace(_) => vec![exclusive("SET TABLESPACE").work(Work::Rewrite)],
        A::SetLogged(_) => vec![exclusive("SET LOGGED").work(Work::Rewrite)],
        A::SetUnlogged(_) => vec![exclusive("SET UNLOGGED").work(Work::Rewrite)],
        A::SetAccessMethod(_) => vec![exclusive("SET ACCESS METHOD").work(Work::Rewrite)],
        A::AttachPartition(attach) => vec![
            effect("ATTACH PARTITION").lock(ShareUpdateExclusive),
            Effect::new("ATTACH PARTITION", at(attach.table_name_ref()))
                .lock(AccessExclusive)
                .work(Work::Scan),
        ],
        A::DetachPartition(detach) => match detach.detach_partition_option() {
            Some(_) => vec![effect("DETACH PARTITION CONCURRENTLY").lock(ShareUpdateExclusive)],
            None => vec![exclusive("DETACH PARTITION")],
        },
        A::MergePartitions(_) => vec![exclusive("MERGE PARTITIONS").work(Work::Rewrite)],
        A::SplitPartition(_) => vec![exclusive("SPLIT PARTITION").work(Work::Rewrite)],
        A::EnableTrigger(_)
        | A::DisableTrigger(_)
        | A::EnableAlwaysTrigger(_)
        | A::EnableReplicaTrigger(_) => {
            vec![effect("ENABLE or DISABLE TRIGGER").lock(ShareRowExclusive)]
        }
        A::ClusterOn(_) | A::SetWithoutCluster(_) => {
            vec![effect("CLUSTER ON").lock(ShareUpdateExclusive)]
        }
        A::SetOptions(_) | A::ResetOptions(_) | A::OptionItemList(_) => {
            vec![effect("SET storage parameter").lock(ShareUpdateExclusive)]
        }
        A::DropConstraint(_) => vec![exclusive("DROP CONSTRAINT")],
        A::OwnerTo(_) => vec![exclusive("OWNER TO")],
        _ => vec![exclusive("ALTER TABLE")],
    }
}

fn add_column(add: &AddColumn, table: &Target) -> Vec<Effect> {
    let mut work = Work::Brief;
    if let Some(ty) = add.ty() {
        let ty = ty.syntax().text().to_string().to_ascii_lowercase();
        if matches!(
            ty.trim(),
            "serial" | "bigserial" | "smallserial" | "serial4" | "serial8" | "serial2"
        ) {
            work = Work::Rewrite;
        }
    }
    let mut more = Vec::new();
    for constraint in add.constraints() {
        match &constraint {
            Constraint::DefaultConstraint(default)
                if default
                    .expr()
                    .is_some_and(|expr| is_volatile(expr.syntax())) =>
            {
                work = Work::Rewrite;
            }
            Constraint::GeneratedConstraint(generated)
                if !says(generated.syntax(), &["VIRTUAL"]) =>
            {
                work = Work::Rewrite;
            }
            Constraint::CheckConstraint(_) if work == Work::Brief => work = Work::Scan,
            Constraint::PrimaryKeyConstraint(_) | Constraint::UniqueConstraint(_) => {
                more.extend(add_constraint(&constraint, table));
            }
            Constraint::ReferencesConstraint(references) => {
                more.push(Effect::new("REFERENCES", at(references.table())).lock(ShareRowExclusive))
            }
            _ => {}
        }
    }
    let mut all = vec![
        Effect::new("ADD COLUMN", table.clone())
            .lock(AccessExclusive)
            .work(work),
    ];
    all.extend(more);
    all
}

/// Whether a default is computed for each row anew. A function that is not known counts as volatile.
fn is_volatile(expr: &SyntaxNode) -> bool {
    let text = expr.text().to_string();
    let called: Vec<String> = called(&text);
    called.iter().any(|name| !STABLE.contains(&name.as_str()))
        || calls(
            &text,
            &["random", "gen_random_uuid", "clock_timestamp", "nextval"],
        )
}

fn called(text: &str) -> Vec<String> {
    use crate::sql::token::{Kind, identifier, tokens};
    let mut names = Vec::new();
    let mut before = None;
    for token in tokens(text).filter(|token| !token.kind.is_trivia()) {
        if token.kind == Kind::Open
            && let Some(name) = before.take()
        {
            names.push(name);
        }
        before = identifier(token.kind, &text[token.span.clone()]);
    }
    names
}

fn alter_column(alter: &AlterColumn, table: &Target) -> Vec<Effect> {
    use AlterColumnOption as O;
    let column = single_at(alter.column_name_ref()).unwrap_or_default();
    let exclusive = |name| Effect::new(name, table.clone()).lock(AccessExclusive);
    let light = |name| Effect::new(name, table.clone()).lock(ShareUpdateExclusive);
    vec![match alter.option() {
        Some(O::SetType(set)) => exclusive("ALTER COLUMN TYPE").work(Work::RewriteUnlessSame {
            column,
            to: set
                .ty()
                .map(|ty| ty.syntax().text().to_string())
                .unwrap_or_default(),
            using: set.using_expr().is_some() || set.collate().is_some(),
        }),
        Some(O::SetNotNull(_)) => {
            exclusive("ALTER COLUMN SET NOT NULL").work(Work::ScanUnlessNotNull(column))
        }
        Some(O::SetExpression(_)) => exclusive("ALTER COLUMN SET EXPRESSION").work(Work::Rewrite),
        Some(O::SetStatistics(_)) => light("ALTER COLUMN SET STATISTICS"),
        Some(O::SetOptions(_) | O::SetOptionsList(_) | O::ResetOptions(_)) => {
            light("ALTER COLUMN SET option")
        }
        Some(O::DropNotNull(_)) => exclusive("ALTER COLUMN DROP NOT NULL"),
        Some(O::SetDefault(_)) => exclusive("ALTER COLUMN SET DEFAULT"),
        Some(O::DropDefault(_)) => exclusive("ALTER COLUMN DROP DEFAULT"),
        _ => exclusive("ALTER COLUMN"),
    }]
}

fn add_constraint(constraint: &Constraint, table: &Target) -> Vec<Effect> {
    let not_valid = says(constraint.syntax(), &["NOT", "VALID"]);
    let scan = if not_valid { Work::Brief } else { Work::Scan };
    let exclusive = |name| Effect::new(name, table.clone()).lock(AccessExclusive);
    match constraint {
        Constraint::ForeignKeyConstraint(key) => vec![
            Effect::new("ADD FOREIGN KEY", table.clone())
                .lock(ShareRowExclusive)
                .work(scan.clone()),
            Effect::new("REFERENCES", at(key.table_name_ref()))
                .lock(ShareRowExclusive)
                .work(scan),
        ],
        Constraint::PrimaryKeyConstraint(key) if key.using_index().is_some() => {
            vec![exclusive("ADD PRIMARY KEY USING INDEX")]
        }
        Constraint::PrimaryKeyConstraint(_) => vec![exclusive("ADD PRIMARY KEY").work(Work::Build)],
        Constraint::UniqueConstraint(key) if key.using_index().is_some() => {
            vec![exclusive("ADD UNIQUE USING INDEX")]
        }
        Constraint::UniqueConstraint(_) => vec![exclusive("ADD UNIQUE").work(Work::Build)],
        Constraint::ExcludeConstraint(_) => vec![exclusive("ADD EXCLUDE").work(Work::Build)],
        Constraint::NotNullConstraint(_) => vec![exclusive("ADD NOT NULL").work(scan)],
        _ => vec![exclusive("ADD CONSTRAINT").work(scan)],
    }
}
