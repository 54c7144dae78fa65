//! The few pieces that the queries share, and those that depend on the server's version.
//!
//! A query holds them as `{name argument …}`; the arguments are column references.

use crate::catalog::name::quote_literal;
use crate::failure::{Failure, Result};

/// Fills the pieces of `query` in for a server of `version`.
///
/// # Errors
/// Exit 70 for a piece that does not exist; exit 2 for a role's name with a NUL byte.
pub(super) fn expand(query: &str, version: i32, roles: &[&str]) -> Result<String> {
    let mut sql = String::with_capacity(query.len() * 2);
    let mut rest = query;
    while let Some((before, after)) = rest.split_once('{') {
        sql.push_str(before);
        if let Some(tail) = after.strip_prefix('}') {
            // An empty JSON object.
            sql.push_str("{}");
            rest = tail;
            continue;
        }
        let (piece, tail) = after
            .split_once('}')
            .ok_or_else(|| Failure::bug("a query has an open piece"))?;
        sql.push_str(&fill(piece, version, roles)?);
        rest = tail;
    }
    sql.push_str(rest);
    Ok(sql)
}

fn fill(piece: &str, version: i32, roles: &[&str]) -> Result<String> {
    let words: Vec<&str> = piece.split(' ').collect();
    let text = match words.as_slice() {
        // The bootstrap superuser has another name on every platform, and the same power.
        ["owner", owner] => {
            format!("CASE WHEN {owner} = 10 THEN '(superuser)' ELSE pg_get_userbyid({owner}) END")
        }
        ["grants", acl, class, owner] => grants(acl, class, owner),
        ["collation", oid] => format!(
            "(SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname) FROM pg_collation co
              JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = {oid})"
        ),
        ["roles"] => {
            let names: Result<Vec<String>> = roles.iter().map(|role| quote_literal(role)).collect();
            format!("ARRAY[{}]::text[]", names?.join(", "))
        }
        ["datlocale"] if version >= 170_000 => "d.datlocale".to_owned(),
        ["datlocale"] => "d.daticulocale".to_owned(),
        ["colllocale"] if version >= 170_000 => "c.colllocale".to_owned(),
        ["colllocale"] => "c.colliculocale".to_owned(),
        ["notenforced"] if version >= 180_000 => "NULLIF(NOT k.conenforced, false)".to_owned(),
        ["notenforced"] => "NULL::bool".to_owned(),
        ["enforced"] if version >= 180_000 => "k.conenforced".to_owned(),
        ["enforced"] => "true".to_owned(),
        ["notnullstate"] if version >= 180_000 => {
            "CASE WHEN NOT nn.convalidated THEN 'not validated' \
             WHEN nn.connoinherit AND c.relkind = 'r' THEN 'not inherited' END"
                .to_owned()
        }
        ["notnullstate"] => "NULL::text".to_owned(),
        ["notnulljoin"] if version >= 180_000 => {
            "LEFT JOIN pg_constraint nn ON nn.conrelid = a.attrelid \
             AND nn.contype = 'n' AND nn.conkey = ARRAY[a.attnum]"
                .to_owned()
        }
        ["notnulljoin"] => String::new(),
        _ => return Err(Failure::bug(format!("a query has no piece \"{piece}\""))),
    };
    Ok(text)
}

/// What roles other than the owner may do, one item each; and what the owner may not do any more.
/// What the server grants by default is spelled out, so that a privilege given and one never taken
/// away are the same. Source: `aclexplode`, `acldefault`.
fn grants(acl: &str, class: &str, owner: &str) -> String {
    format!(
        "(SELECT json_agg(gi.item ORDER BY gi.item) FROM (
            SELECT ge.privilege_type || ' to ' || CASE ge.grantee WHEN 0 THEN 'PUBLIC'
                   ELSE quote_ident(pg_get_userbyid(ge.grantee)) END
                   || CASE WHEN bool_or(ge.is_grantable) THEN ' with grant option' ELSE '' END AS item
            FROM aclexplode(COALESCE({acl}, acldefault({class}, {owner}))) ge WHERE ge.grantee <> {owner}
            GROUP BY ge.privilege_type, ge.grantee
            UNION ALL
            SELECT gd.privilege_type || ' taken from the owner' FROM aclexplode(acldefault({class}, {owner})) gd
            WHERE {acl} IS NOT NULL AND gd.grantee = {owner}
              AND NOT EXISTS (SELECT FROM aclexplode({acl}) gx
                              WHERE gx.grantee = {owner} AND gx.privilege_type = gd.privilege_type)) gi)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_name_is_a_literal_and_an_empty_object_stays() {
        let sql = expand("= ANY ({roles}) '{}'", 170_000, &["o'b"]).unwrap();
        assert_eq!(sql, "= ANY (ARRAY['o''b']::text[]) '{}'");
        assert!(expand("{other}", 170_000, &[]).is_err());
    }
}
