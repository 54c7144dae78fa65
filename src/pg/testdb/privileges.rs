//! What `CREATE DATABASE … TEMPLATE` does not copy: the owner, the settings and the privileges of the
//! database itself. Source: `pg_database.datdba` and `datacl`, `pg_db_role_setting`.

use sqlx::Row;

use super::admin::Admin;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::Result;
use crate::pg::error::failure;

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

/// Owner, settings and privileges of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Privileges {
    /// The owner.
    pub owner: String,
    settings: Vec<Setting>,
    /// Nothing: what every new database grants.
    grants: Option<Vec<Grant>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    role: Option<String>,
    name: String,
    value: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    /// Nothing: PUBLIC.
    role: Option<String>,
    privilege: String,
    grantable: bool,
}

/// One row per fact, in an order that may be replayed. Any role may read these catalogs.
const SQL: &str = "
WITH d AS (SELECT oid, datdba, datacl FROM pg_catalog.pg_database WHERE datname = $1)
SELECT 'owner' AS kind, pg_catalog.pg_get_userbyid(datdba)::text AS role,
       CASE WHEN datacl IS NULL THEN '' ELSE 'acl' END AS value, false AS grantable
FROM d
UNION ALL
SELECT 'setting', r.rolname::text, c.value, false
FROM d JOIN pg_catalog.pg_db_role_setting s ON s.setdatabase = d.oid
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (value)
WHERE s.setrole = 0 OR r.oid IS NOT NULL
UNION ALL
SELECT 'grant', r.rolname::text, a.privilege_type, a.is_grantable
FROM d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE a.grantee <> d.datdba AND (a.grantee = 0 OR r.oid IS NOT NULL)";

/// Reads those of the database `name`.
pub(super) async fn read(admin: &mut Admin, name: &str) -> Result<Privileges> {
    let rows = sqlx::query(SQL)
        .bind(name)
        .fetch_all(&mut admin.connection)
        .await
        .map_err(|error| failure(&format!("look at the privileges of \"{name}\""), &error))?;
    let mut found = Privileges::default();
    for row in rows {
        let role: Option<String> = row.get("role");
        let value: String = row.get("value");
        match row.get("kind") {
            "owner" => {
                found.owner = role.unwrap_or_default();
                found.grants = (value == "acl").then(Vec::new);
            }
            "setting" => {
                let (name, value) = value.split_once('=').unwrap_or((&value, ""));
                found.settings.push(Setting {
                    role,
                    name: name.to_owned(),
                    value: value.to_owned(),
                });
            }
            _ => found.grants.get_or_insert_default().push(Grant {
                role,
                privilege: value,
                grantable: row.get("grantable"),
            }),
        }
    }
    Ok(found)
}

impl Privileges {
    /// What every new database of `owner` has.
    pub(super) fn of(owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            ..Self::default()
        }
    }

    /// The statements that give the database `name` these settings and privileges.
    ///
    /// # Errors
    /// None that a server can cause: a setting holds no NUL byte.
    pub(super) fn statements(&self, name: &str) -> Result<String> {
        let database = quote_ident(name);
        let mut sql = String::new();
        for setting in &self.settings {
            let of = match &setting.role {
                Some(role) => format!("ROLE {} IN DATABASE {database}", quote_ident(role)),
                None => format!("DATABASE {database}"),
            };
            let parts: Vec<String> = setting.name.split('.').map(quote_ident).collect();
            let value = if LISTS.contains(&setting.name.as_str()) && !setting.value.is_empty() {
                setting.value.clone()
            } else {
                quote_literal(&setting.value)?
            };
            sql.push_str(&format!("ALTER {of} SET {} TO {value};\n", parts.join(".")));
        }
        if let Some(grants) = &self.grants {
            sql.push_str(&format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC;\n"));
            for grant in grants {
                let role = grant
                    .role
                    .as_deref()
                    .map_or("PUBLIC".to_owned(), quote_ident);
                let option = if grant.grantable {
                    " WITH GRANT OPTION"
                } else {
                    ""
                };
                // The server names its privileges itself: CONNECT, TEMPORARY, CREATE.
                sql.push_str(&format!(
                    "GRANT {} ON DATABASE {database} TO {role}{option};\n",
                    grant.privilege
                ));
            }
        }
        Ok(sql)
    }
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
                role: Some("o'x".to_owned()),
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
