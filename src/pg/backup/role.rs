//! The roles a database depends on: a dump names them and does not bring them.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::postgres::PgConnection;

use crate::catalog::name::quote_ident;
use crate::failure::Result;
use crate::pg::error::failure;
use crate::pg::session;

/// A role without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// LOGIN, SUPERUSER and so on, those it has.
    pub attributes: Vec<String>,
    /// The roles it is a member of.
    pub member_of: Vec<Membership>,
}

/// A membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The role whose member it is.
    pub role: String,
    /// May pass it on.
    pub admin: bool,
    /// Has its privileges without SET ROLE.
    pub inherit: bool,
    /// May SET ROLE to it.
    pub set: bool,
}

/// Owners and grantees of what is in the database, those who can become them and those they can
/// become. One row a role, by name. The server's own roles are everywhere.
const ROLES: &str = "
WITH RECURSIVE named AS (
    SELECT DISTINCT s.refobjid AS oid FROM pg_catalog.pg_shdepend s, pg_catalog.pg_database d
    WHERE d.datname = pg_catalog.current_database() AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
    AND (s.dbid = d.oid OR s.dbid = 0 AND s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND s.objid = d.oid)
  UNION
    SELECT s.setrole FROM pg_catalog.pg_db_role_setting s, pg_catalog.pg_database d
    WHERE d.datname = pg_catalog.current_database() AND s.setdatabase = d.oid AND s.setrole <> 0
), up AS (
    SELECT oid FROM named UNION SELECT m.roleid FROM up JOIN pg_catalog.pg_auth_members m ON m.member = up.oid
), down AS (
    SELECT oid FROM named UNION SELECT m.member FROM down JOIN pg_catalog.pg_auth_members m ON m.roleid = down.oid
), wanted AS (SELECT oid FROM up UNION SELECT oid FROM down)
SELECT r.rolname::text AS name,
       pg_catalog.array_remove(ARRAY[
           CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN NOT r.rolinherit THEN 'NOINHERIT' END,
           CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
           CASE WHEN r.rolcanlogin THEN 'LOGIN' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
           CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
           CASE WHEN r.rolconnlimit >= 0 THEN 'CONNECTION LIMIT ' || r.rolconnlimit END], NULL) AS attributes,
       COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('role', g.rolname, 'admin', m.admin_option,
                     'inherit', m.inherit_option, 'set', m.set_option) ORDER BY g.rolname)
                 FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
                 WHERE m.member = r.oid), '[]'::pg_catalog.jsonb) AS member_of
FROM wanted w JOIN pg_catalog.pg_roles r ON r.oid = w.oid
WHERE r.oid <> 10 AND r.rolname !~ '^pg_' ORDER BY r.rolname";

/// The roles that the connection's database depends on.
///
/// # Errors
/// By SQLSTATE.
pub async fn read(connection: &mut PgConnection) -> Result<Vec<Role>> {
    let rows = sqlx::query(ROLES)
        .fetch_all(connection)
        .await
        .map_err(|error| failure("read the roles the database depends on", &error))?;
    Ok(rows
        .iter()
        .map(|row| Role {
            name: row.get("name"),
            attributes: row.get("attributes"),
            member_of: row
                .get::<sqlx::types::Json<Vec<Membership>>, _>("member_of")
                .0,
        })
        .collect())
}

/// What a role may be created with; a record that says more is not believed.
const ATTRIBUTES: [&str; 7] = [
    "SUPERUSER",
    "NOINHERIT",
    "CREATEROLE",
    "CREATEDB",
    "LOGIN",
    "REPLICATION",
    "BYPASSRLS",
];

/// Creates those of `roles` that the server does not have, without a password. Shape: their names.
///
/// # Errors
/// By SQLSTATE; the server rolled all of them back then.
pub async fn create_missing(connection: &mut PgConnection, roles: &[Role]) -> Result<Vec<String>> {
    let known: Vec<String> = sqlx::query_scalar("SELECT rolname::text FROM pg_catalog.pg_roles")
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| failure("read the server's roles", &error))?;
    let missing: Vec<&Role> = roles
        .iter()
        .filter(|role| !known.contains(&role.name))
        .collect();
    let mut sql = String::new();
    for role in &missing {
        sql.push_str(&format!("CREATE ROLE {}", quote_ident(&role.name)));
        for attribute in role.attributes.iter().filter(|one| is_attribute(one)) {
            sql.push(' ');
            sql.push_str(attribute);
        }
        sql.push(';');
    }
    for role in &missing {
        for of in &role.member_of {
            if known.contains(&of.role) || roles.iter().any(|role| role.name == of.role) {
                sql.push_str(&format!(
                    "GRANT {} TO {} WITH ADMIN {}, INHERIT {}, SET {};",
                    quote_ident(&of.role),
                    quote_ident(&role.name),
                    of.admin,
                    of.inherit,
                    of.set
                ));
            }
        }
    }
    session::run(connection, &sql, "create the roles that the backup needs").await?;
    Ok(missing.iter().map(|role| role.name.clone()).collect())
}

fn is_attribute(text: &str) -> bool {
    let limit = text.strip_prefix("CONNECTION LIMIT ");
    ATTRIBUTES.contains(&text) || limit.is_some_and(|limit| limit.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_one_of_the_servers_words() {
        assert!(is_attribute("LOGIN") && is_attribute("CONNECTION LIMIT 5"));
        assert!(!is_attribute("LOGIN; DROP TABLE x") && !is_attribute("CONNECTION LIMIT 5;"));
    }
}
