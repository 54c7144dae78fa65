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
    /// What can be changed of it.
    #[serde(flatten)]
    pub privileges: Privileges,
}

/// What neither `CREATE DATABASE … TEMPLATE` nor a dump copies. Source: `pg_database.datdba` and `datacl`,
/// `pg_db_role_setting`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privileges {
    /// The owner's name.
    pub owner: String,
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

/// The settings whose value is a list of names, already quoted. Source: `GUC_LIST_QUOTE` in
/// `guc_tables.c`; extensions cannot define such settings.
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

const FRAME: &str = "
SELECT pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding,
       d.datlocprovider::text AS provider, d.datcollate AS collate, d.datctype AS ctype,
       pg_catalog.to_jsonb(d) ->> CASE WHEN pg_catalog.to_jsonb(d) ? 'datlocale' THEN 'datlocale' ELSE 'daticulocale' END AS locale
FROM pg_catalog.pg_database d WHERE d.datname = $1";

const OWNER: &str = "
SELECT pg_catalog.pg_get_userbyid(d.datdba)::text AS owner, d.datacl IS NOT NULL AS granted
FROM pg_catalog.pg_database d WHERE d.datname = $1";

const SETTINGS: &str = "
SELECT r.rolname::text AS role, pg_catalog.split_part(c.item, '=', 1) AS name,
       pg_catalog.substr(c.item, pg_catalog.strpos(c.item, '=') + 1) AS value
FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c (item, at)
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
WHERE d.datname = $1 AND (s.setrole = 0 OR r.oid IS NOT NULL) ORDER BY r.rolname NULLS FIRST, c.at";

const GRANTS: &str = "
SELECT r.rolname::text AS to, a.privilege_type AS privilege, a.is_grantable AS grantable
FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE d.datname = $1 AND a.grantee <> d.datdba AND (a.grantee = 0 OR r.oid IS NOT NULL) ORDER BY 1 NULLS FIRST, 2";

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
        Ok(Self {
            encoding: row.get("encoding"),
            provider: row.get("provider"),
            collate: row.get("collate"),
            ctype: row.get("ctype"),
            locale: row.get("locale"),
            privileges: Privileges::read(connection, name).await?,
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
}

impl Privileges {
    /// What every new database of `owner` has.
    pub fn of(owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            ..Self::default()
        }
    }

    /// Reads those of the database `name`. Any role may.
    ///
    /// # Errors
    /// By SQLSTATE.
    pub async fn read(connection: &mut PgConnection, name: &str) -> Result<Self> {
        let doing = "read the database's settings and privileges";
        let row = sqlx::query(OWNER)
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
            settings: settings.iter().map(setting).collect(),
            grants: grants.map(|grants| grants.iter().map(grant).collect()),
        })
    }

    /// The statements that give the database `name` these settings and privileges, but not the owner.
    ///
    /// # Errors
    /// None that a server can cause: a setting holds no NUL byte.
    pub fn statements(&self, name: &str) -> Result<String> {
        let database = quote_ident(name);
        let mut sql = String::new();
        for setting in &self.settings {
            sql.push_str(&setting.statement(&database)?);
        }
        if let Some(grants) = &self.grants {
            sql.push_str(&format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC;\n"));
            for grant in grants {
                sql.push_str(&grant.statement(&database));
            }
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
        let mut there = |role: Option<&String>| match role {
            Some(role) if !known.contains(role) => {
                absent.push(role.clone());
                false
            }
            _ => true,
        };
        let mut given = self.clone();
        given.settings.retain(|one| there(one.role.as_ref()));
        if let Some(grants) = &mut given.grants {
            grants.retain(|one| there(one.to.as_ref()));
        }
        let mut sql = given.statements(name)?;
        if there(Some(&self.owner)) {
            sql.push_str(&format!(
                "ALTER DATABASE {} OWNER TO {};",
                quote_ident(name),
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
    fn statement(&self, database: &str) -> Result<String> {
        let whom = match &self.role {
            Some(role) => format!("ROLE {} IN DATABASE {database}", quote_ident(role)),
            None => format!("DATABASE {database}"),
        };
        let name: Vec<String> = self.name.split('.').map(quote_ident).collect();
        let value = match LISTS.contains(&self.name.as_str()) && !self.value.is_empty() {
            true => self.value.clone(),
            false => quote_literal(&self.value)?,
        };
        Ok(format!("ALTER {whom} SET {} TO {value};\n", name.join(".")))
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
        format!("GRANT {privilege} ON DATABASE {database} TO {to}{option};\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_is_set_as_such_and_a_text_as_a_text() {
        let setting = |role: Option<&str>, name: &str, value: &str| Setting {
            role: role.map(str::to_owned),
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let found = Privileges {
            owner: "o".to_owned(),
            settings: vec![
                setting(None, "search_path", "\"$user\", public"),
                setting(Some("a b"), "app.greeting", "it's"),
            ],
            grants: Some(vec![Grant {
                to: Some("o'x".to_owned()),
                privilege: "CONNECT".to_owned(),
                grantable: true,
            }]),
        };
        assert_eq!(
            found.statements("t").unwrap(),
            "ALTER DATABASE t SET search_path TO \"$user\", public;\n\
             ALTER ROLE \"a b\" IN DATABASE t SET app.greeting TO 'it''s';\n\
             REVOKE ALL ON DATABASE t FROM PUBLIC;\n\
             GRANT CONNECT ON DATABASE t TO \"o'x\" WITH GRANT OPTION;\n"
        );
    }
}
