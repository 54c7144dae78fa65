//! The kinds of objects that a catalog knows.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($variant:ident $text:literal $part:literal $doc:literal),+ $(,)?) => {
        /// A kind of object. The order is that in which they are listed and made.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Kind {
            $(#[doc = $doc] #[serde(rename = $text)] $variant,)+
        }

        impl Kind {
            /// Every kind, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The kind in words: "materialized view".
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Whether an object of this kind belongs to another one and goes with it.
            pub const fn is_part(self) -> bool {
                match self { $(Self::$variant => $part,)+ }
            }
        }
    };
}

kinds! {
    Database "database" false "The database itself. Source: `pg_database`.",
    Setting "setting" true "A setting of the database. Source: `pg_db_role_setting`.",
    Role "role" false "A role that matters to the database. Source: `pg_roles`.",
    Membership "membership" true "What role another role is a member of. Source: `pg_auth_members`.",
    Schema "schema" false "A namespace. Source: `pg_namespace`.",
    Extension "extension" false "An extension. Source: `pg_extension`.",
    ExtensionPrivileges "extension privileges" false "Privileges on an extension's member that are not the extension's. Source: `pg_init_privs`.",
    DefaultPrivileges "default privileges" false "What objects made later are granted. Source: `pg_default_acl`.",
    Collation "collation" false "A collation. Source: `pg_collation`.",
    Enum "enum" false "An enumerated type. Source: `pg_enum`.",
    Domain "domain" false "A domain. Source: `pg_type`.",
    Composite "composite" false "A composite type that is no table's. Source: `pg_attribute`.",
    Range "range" false "A range type. Source: `pg_range`.",
    ForeignDataWrapper "foreign-data wrapper" false "A foreign-data wrapper. Source: `pg_foreign_data_wrapper`.",
    ForeignServer "foreign server" false "A foreign server. Source: `pg_foreign_server`.",
    UserMapping "user mapping" true "A user mapping of a foreign server. Source: `pg_user_mappings`.",
    Sequence "sequence" false "A sequence. Source: `pg_sequence`.",
    Function "function" false "A function. Source: `pg_proc`.",
    Procedure "procedure" false "A procedure. Source: `pg_proc`.",
    Aggregate "aggregate" false "An aggregate. Source: `pg_aggregate`.",
    Operator "operator" false "An operator. Source: `pg_operator`.",
    Cast "cast" false "A cast. Source: `pg_cast`.",
    Graph "graph" false "An AGE graph. Source: `ag_graph`.",
    Table "table" false "A table, partitioned or foreign too. Source: `pg_class`.",
    Label "label" true "A registered label of a graph; its table is a table. Source: `ag_label`.",
    Column "column" true "A column. Source: `pg_attribute`.",
    Constraint "constraint" true "A constraint. Source: `pg_constraint`.",
    View "view" false "A view. Source: `pg_class`, `pg_rewrite`.",
    MaterializedView "materialized view" false "A materialized view. Source: `pg_class`.",
    Index "index" true "An index that no constraint made. Source: `pg_index`.",
    Statistics "statistics" false "Extended statistics. Source: `pg_statistic_ext`.",
    Rule "rule" true "A rewrite rule. Source: `pg_rewrite`.",
    Trigger "trigger" true "A trigger. Source: `pg_trigger`.",
    Policy "policy" true "A row-level security policy. Source: `pg_policy`.",
    EventTrigger "event trigger" false "An event trigger. Source: `pg_event_trigger`.",
    Publication "publication" false "A publication. Source: `pg_publication`.",
    Subscription "subscription" false "A subscription. Source: `pg_subscription`.",
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no kind of object"))
    }
}
