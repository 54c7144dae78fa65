//! Where each tool keeps its history, and how it is read.
//!
//! Source: the tools' own table definitions: sqlx-postgres 0.9 `migrate.rs`; refinery-core; Flyway
//! (`createMetaDataTable.sql`); dbmate 2; drizzle-orm 0.30 to 0.44 (`migrator`); prisma-engines
//! (`_prisma_migrations`); Sqitch 1 (`pg.sql`); golang-migrate 4 (`postgres`).

use super::Tool;

/// One tool's table.
pub(super) struct Layout {
    pub table: &'static str,
    /// Columns without which the table is another tool's.
    pub columns: &'static [&'static str],
    /// The columns label, version, name, hash, applied_at (RFC 3339) and fate.
    pub select: &'static str,
    pub order: &'static str,
}

/// A timestamp with time zone in the form that is read here.
macro_rules! utc {
    ($column:literal) => {
        concat!(
            "to_char((",
            $column,
            ")::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        )
    };
}

impl Tool {
    pub(super) const fn layout(self) -> &'static Layout {
        match self {
            Self::Sqlx => &SQLX,
            Self::Refinery => &REFINERY,
            Self::Flyway => &FLYWAY,
            Self::Dbmate => &DBMATE,
            Self::Drizzle => &DRIZZLE,
            Self::Prisma => &PRISMA,
            Self::Sqitch => &SQITCH,
            Self::GolangMigrate => &GOLANG_MIGRATE,
        }
    }
}

const SQLX: Layout = Layout {
    table: "_sqlx_migrations",
    columns: &["version", "description", "installed_on", "success"],
    select: concat!(
        "version::text || ' ' || description, version::text, description, NULL, ",
        utc!("installed_on"),
        ", CASE WHEN success THEN 'done' ELSE 'failed' END"
    ),
    order: "version",
};

const REFINERY: Layout = Layout {
    table: "refinery_schema_history",
    columns: &["version", "name", "applied_on", "checksum"],
    select: "version::text || ' ' || name, version::text, name, NULL, applied_on::text, 'done'",
    order: "version",
};

// installed_on has no time zone; it is taken as the server's.
const FLYWAY: Layout = Layout {
    table: "flyway_schema_history",
    columns: &[
        "installed_rank",
        "version",
        "description",
        "type",
        "installed_on",
        "success",
    ],
    select: concat!(
        "COALESCE(version, 'R') || ' ' || description, version, description, NULL, ",
        utc!("installed_on"),
        ", CASE WHEN NOT success THEN 'failed' WHEN version IS NULL THEN 'aside' ",
        "WHEN type LIKE 'UNDO%' OR type = 'DELETE' THEN 'undone' ",
        "WHEN type LIKE '%BASELINE%' THEN 'up to' ELSE 'done' END"
    ),
    order: "installed_rank",
};

const DBMATE: Layout = Layout {
    table: "schema_migrations",
    columns: &["version"],
    select: "version::text, version::text, NULL, NULL, NULL, 'done'",
    order: "version",
};

// created_at is when the file was generated, not when it was applied; as a timestamp it may be
// the version of the file that it became.
const DRIZZLE: Layout = Layout {
    table: "__drizzle_migrations",
    columns: &["hash", "created_at"],
    select: "'row ' || id || ' of ' || to_char(to_timestamp(created_at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD'), \
                    to_char(to_timestamp(created_at / 1000.0) AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'), NULL, hash, NULL, 'done'",
    order: "created_at",
};

const PRISMA: Layout = Layout {
    table: "_prisma_migrations",
    columns: &[
        "migration_name",
        "finished_at",
        "rolled_back_at",
        "checksum",
    ],
    select: concat!(
        "migration_name, substring(migration_name from '^[0-9]+'), ",
        "COALESCE(substring(migration_name from '^[0-9]+_(.*)$'), migration_name), checksum, ",
        utc!("finished_at"),
        ", CASE WHEN rolled_back_at IS NOT NULL THEN 'aside' ",
        "WHEN finished_at IS NULL THEN 'failed' ELSE 'done' END"
    ),
    order: "started_at",
};

const SQITCH: Layout = Layout {
    table: "changes",
    columns: &["change_id", "change", "project", "committed_at"],
    select: concat!(
        "project || ':' || change, NULL, change, NULL, ",
        utc!("committed_at"),
        ", 'done'"
    ),
    order: "committed_at",
};

const GOLANG_MIGRATE: Layout = Layout {
    table: "schema_migrations",
    columns: &["version", "dirty"],
    select: "version::text, version::text, NULL, NULL, NULL, CASE WHEN dirty THEN 'failed' ELSE 'up to' END",
    order: "version",
};
