//! What belongs to a database without being in it: owner, encoding and collation, settings and
//! privileges. A template gives none of the last three to its clone, a dump brings none of them under
//! another name.

use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};

use super::error::failure;
use super::session;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::Result;

/// What a database has beside its contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Its owner's name.
    pub owner: String,
    /// For example "UTF8".
    pub encoding: String,
    /// "c" libc, "i" ICU, "b" built in. Source: `pg_database.datlocprovider`.
    pub provider: String,
    /// `LC_COLLATE`.
    pub collate: String,
    /// `LC_CTYPE`.
    pub ctype: String,
    /// The locale of the providers that are not libc.
    pub locale: Option<String>,
    /// Settings, by role.
    pub settings: Vec<Setting>,
    /// Privileges; nothing where they are the default ones.
    pub grants: Option<Vec<Grant>>,
}

/// A setting of a database, for one role or for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The role, or nothing for all.
    pub role: Option<String>,
    /// The parameter's name.
    pub name: String,
    /// Its value as `SHOW` tells it.
    pub value: String,
}

/// A privilege on a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The role, or nothing for PUBLIC.
    pub to: Option<String>,
    /// CONNECT, CREATE or TEMPORARY.
    pub privilege: String,
    /// Whether it may be granted on.
    pub grantable: bool,
}

const FRAME: &str = "
SELECT r.rolname::text AS owner, pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding,
       d.datlocprovider::text AS provider, d.datcollate AS collate, d.datctype AS ctype,
       pg_catalog.to_jsonb(d) ->> CASE WHEN pg_catalog.to_jsonb(d) ? 'datlocale' THEN 'datlocale' ELSE 'daticulocale' END AS locale,
       d.datacl IS NOT NULL AS granted
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba WHERE d.datname = $1";

const SETTINGS: &str = "
SELECT r.rolname::text AS role, pg_catalog.split_part(c.item, '=', 1) AS name,
       pg_catalog.substr(c.item, pg_catalog.strpos(c.item, '=') + 1) AS value
FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c (item, at)
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
WHERE d.datname = $1 ORDER BY r.rolname NULLS FIRST, c.at";

const GRANTS: &str = "
SELECT r.rolname::text AS to, a.privilege_type AS privilege, a.is_grantable AS grantable
FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE d.datname = $1 ORDER BY 1 NULLS FIRST, 2";

impl Frame {
    /// Reads the frame of the database `name`.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn read(connection: &mut PgConnection, name: &str) -> Result<Self> {
        let doing = "read the database's settings and privileges";
        let row = sqlx::query(FRAME)
            .bind(name)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failure(doing, &error))?;
        let settings = rows(connection, SETTINGS, name, doing).await?;
        let grants = match row.get("granted") {
            false => None,
            true => Some(rows(connection, GRANTS, name, doing).await?),
        };
        let grant = |row: &PgRow| Grant {
            to: row.get("to"),
            privilege: row.get("privilege"),
            grantable: row.get("grantable"),
        };
        let setting = |row: &PgRow| Setting {
            role: row.get("role"),
            name: row.get("name"),
            value: row.get("value"),
        };
        Ok(Self {
            owner: row.get("owner"),
            encoding: row.get("encoding"),
            provider: row.get("provider"),
            collate: row.get("collate"),
            ctype: row.get("ctype"),
            locale: row.get("locale"),
            settings: settings.iter().map(setting).collect(),
            grants: grants.map(|grants| grants.iter().map(grant).collect()),
        })
    }

    /// The statement that creates an empty database of this kind.
    ///
    /// # Errors
    /// Exit 2 for a locale with a NUL byte.
    pub fn create(&self, name: &str) -> Result<String> {
        let mut sql = format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            quote_ident(name),
            quote_literal(&self.encoding)?,
            quote_literal(&self.collate)?,
            quote_literal(&self.ctype)?,
        );
        match (self.provider.as_str(), &self.locale) {
            ("i", Some(locale)) => {
                sql.push_str(" LOCALE_PROVIDER icu ICU_LOCALE ");
                sql.push_str(&quote_literal(locale)?);
            }
            ("b", Some(locale)) => {
                sql.push_str(" LOCALE_PROVIDER builtin BUILTIN_LOCALE ");
                sql.push_str(&quote_literal(locale)?);
            }
            _ => sql.push_str(" LOCALE_PROVIDER libc"),
        }
        Ok(sql)
    }

    /// Gives the database `name` these settings, privileges and this owner. Roles that are not there
    /// are left out and returned.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn put_on(&self, connection: &mut PgConnection, name: &str) -> Result<Vec<String>> {
        let doing = "give the database its settings and privileges";
        let known: Vec<String> =
            sqlx::query_scalar("SELECT rolname::text FROM pg_catalog.pg_roles")
                .fetch_all(&mut *connection)
                .await
                .map_err(|error| failure(doing, &error))?;
        let mut absent = Vec::new();
        let mut there = |role: &Option<String>| match role {
            Some(role) if !known.contains(role) => {
                absent.push(role.clone());
                false
            }
            _ => true,
        };
        let database = quote_ident(name);
        let mut sql = String::new();
        for setting in self.settings.iter().filter(|one| there(&one.role)) {
            sql.push_str(&setting.statement(&database)?);
        }
        if let Some(grants) = &self.grants {
            sql.push_str(&format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC;"));
            for grant in grants.iter().filter(|one| there(&one.to)) {
                sql.push_str(&grant.statement(&database));
            }
        }
        if there(&Some(self.owner.clone())) {
            sql.push_str(&format!(
                "ALTER DATABASE {database} OWNER TO {};",
                quote_ident(&self.owner)
            ));
        }
        session::run(connection, &sql, doing).await?;
        absent.sort();
        absent.dedup();
        Ok(absent)
    }
}

impl Setting {
    /// FROM CURRENT spares the difference between a value that is a list and one that is a text.
    fn statement(&self, database: &str) -> Result<String> {
        let (name, whose) = (quote_ident(&self.name), &self.role);
        let whom = match whose {
            Some(role) => format!("ROLE {} IN DATABASE {database}", quote_ident(role)),
            None => format!("DATABASE {database}"),
        };
        Ok(format!(
            "SELECT pg_catalog.set_config({}, {}, false);ALTER {whom} SET {name} FROM CURRENT;RESET {name};",
            quote_literal(&self.name)?,
            quote_literal(&self.value)?,
        ))
    }
}

impl Grant {
    fn statement(&self, database: &str) -> String {
        let to = self.to.as_deref().map_or("PUBLIC".to_owned(), quote_ident);
        let option = if self.grantable {
            " WITH GRANT OPTION"
        } else {
            ""
        };
        // One of three words; anything else is quoted and refused by the server.
        let privilege = match self.privilege.as_str() {
            known @ ("CONNECT" | "CREATE" | "TEMPORARY") => known.to_owned(),
            other => quote_ident(other),
        };
        format!("GRANT {privilege} ON DATABASE {database} TO {to}{option};")
    }
}

async fn rows(
    connection: &mut PgConnection,
    sql: &str,
    name: &str,
    doing: &str,
) -> Result<Vec<PgRow>> {
    sqlx::query(AssertSqlSafe(sql.to_owned()))
        .bind(name)
        .fetch_all(connection)
        .await
        .map_err(|error| failure(doing, &error))
}
