//! `edu db rls generate`

use std::fmt::Write as _;

use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Failure, Result};
use crate::posture::Relation;
use crate::posture::scene::Scene;
use crate::spec::access::{Carried, Command, Rule, Rules, TableAccess};

/// A migration that makes the declared matrix true: roles, grants, row security, policies, tenant-led
/// indexes, and foreign keys with the tenant in them. Every name is new or replaced; nothing else is touched.
///
/// # Errors
/// Exit 2 when a rule needs a setting that edu.toml does not name.
pub(super) fn migration(scene: &Scene<'_>) -> Result<String> {
    let mut out = String::from(
        "-- Intent: the privileges and policies that spec/access.toml declares, written by edu db rls generate.\n\
         -- Locks: AccessExclusive on each table for an instant; ShareRowExclusive where an index or key is made.\n\
         -- Undo: drop the policies named edu_*, then grant and create what was there before.\n",
    );
    roles(scene, &mut out);
    if let Some(function) = membership(scene)? {
        out.push_str(&function);
    }
    for (relation, promise) in scene.promised().filter(|(relation, _)| relation.is_table()) {
        let name = relation.full_name();
        let _ = writeln!(out, "\n-- {name}");
        let _ = writeln!(out, "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;");
        if asked_by_owner(scene, relation) {
            let _ = writeln!(out, "ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY;");
        } else if scene.access.exception("rls-not-forced", &name).is_none() {
            let _ = writeln!(out, "ALTER TABLE {name} FORCE ROW LEVEL SECURITY;");
        }
        for policy in scene.policies.get(&relation.oid).into_iter().flatten() {
            let _ = writeln!(out, "DROP POLICY {} ON {name};", quote_ident(&policy.name));
        }
        for (role, rules) in &promise.roles {
            grants(relation, promise, role, *rules, &mut out);
            policies(scene, relation, promise, (role, *rules), &mut out)?;
        }
        index(scene, relation, promise, &mut out);
    }
    keys(scene, &mut out);
    Ok(out)
}

fn roles(scene: &Scene<'_>, out: &mut String) {
    for role in &scene.applications {
        let (text, name) = (role.replace('\'', "''"), quote_ident(role));
        let _ = writeln!(
            out,
            "DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{text}') THEN CREATE ROLE {name} NOLOGIN; END IF; END $do$;"
        );
        if let Some(login) = &scene.login {
            let _ = writeln!(
                out,
                "GRANT {name} TO {} WITH INHERIT FALSE, SET TRUE;",
                quote_ident(login)
            );
        }
    }
}

/// The function by which policies ask whether the session's user is a member.
const MEMBER: &str = "edu_is_member";

/// That function, where members decide. A policy on the members' table that read it would recurse without end,
/// so it runs as the table's owner, whom FORCE must not bind there, and answers only about the session's own user.
fn membership(scene: &Scene<'_>) -> Result<Option<String>> {
    let (None, Some((members, membership))) = (&scene.tenant_setting, scene.members()) else {
        return Ok(None);
    };
    let name = members.full_name();
    let column = |column: &str| {
        members.column(column).ok_or_else(|| {
            Failure::usage(format!("the members' table {name} has no column {column}"))
                .hint("Correct [membership] in spec/access.toml.")
        })
    };
    let (user, tenant) = (column(&membership.user)?, column(&membership.tenant)?);
    let setting = scene.user_setting.as_ref().ok_or_else(|| {
        Failure::usage("where members decide, sessions need a user")
            .hint("Name context.user in edu.toml.")
    })?;
    let plain = |data_type: &str| data_type.split('(').next().unwrap_or("text").to_owned();
    let called = format!("{}.{MEMBER}", quote_ident(&members.schema));
    let signature = format!("{called}({})", plain(&tenant.data_type));
    let mut out = format!(
        "\nCREATE FUNCTION {called}(tenant {of_tenant}) RETURNS boolean\n    \
         LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$\n    \
         SELECT EXISTS (SELECT 1 FROM {name} m WHERE m.{of} = $1\n        \
         AND m.{who} = NULLIF(pg_catalog.current_setting({setting}, true), '')::{of_user})\n$function$;\n\
         REVOKE ALL ON FUNCTION {signature} FROM PUBLIC;\n",
        of_tenant = plain(&tenant.data_type),
        of_user = plain(&user.data_type),
        of = quote_ident(&tenant.name),
        who = quote_ident(&user.name),
        setting = quote_literal(setting)?,
    );
    let mut callers = Vec::new();
    for role in &scene.applications {
        let _ = writeln!(
            out,
            "GRANT EXECUTE ON FUNCTION {signature} TO {};",
            quote_ident(role)
        );
        callers.push(format!("{role:?}"));
    }
    let reason = "it answers about the session's own user alone";
    let exception = |check: &str, object: &str, reason: &str| {
        format!(
            "-- [[exception]]\n-- check = \"{check}\"\n-- objects = [{object:?}]\n-- reason = \"{reason}\"\n"
        )
    };
    out.push_str("-- spec/access.toml has to say so:\n");
    let _ = writeln!(
        out,
        "-- [[function]]\n-- name = {signature:?}\n-- callers = [{}]",
        callers.join(", ")
    );
    out.push_str(&exception("definer-function-callable", &signature, reason));
    out.push_str(&exception("policy-helper-unsafe", &signature, reason));
    if scene.access.exception("rls-not-forced", &name).is_none() {
        let reason = "the function that asks for members runs as its owner";
        out.push_str(&exception("rls-not-forced", &name, reason));
    }
    Ok(Some(out))
}

/// Whether FORCE has to stay off: the function that asks for members runs as the table's owner.
fn asked_by_owner(scene: &Scene<'_>, relation: &Relation) -> bool {
    let members = scene
        .members()
        .is_some_and(|(members, _)| members.oid == relation.oid);
    members && scene.tenant_setting.is_none()
}

fn grants(relation: &Relation, promise: &TableAccess, role: &str, rules: Rules, out: &mut String) {
    let (name, role) = (relation.full_name(), quote_ident(role));
    let _ = writeln!(out, "REVOKE ALL ON {name} FROM PUBLIC, {role};");
    let mut words = Vec::new();
    for command in Command::ALL
        .into_iter()
        .filter(|command| rules.of(*command) != Rule::Deny)
    {
        let columns: Vec<String> = relation
            .columns
            .iter()
            .filter(|column| !promise.immutable.contains(&column.name))
            .map(|column| quote_ident(&column.name))
            .collect();
        match command {
            Command::Update if !promise.immutable.is_empty() => {
                words.push(format!("UPDATE ({})", columns.join(", ")))
            }
            _ => words.push(command.as_str().to_owned()),
        }
    }
    if !words.is_empty() {
        let _ = writeln!(out, "GRANT {} ON {name} TO {role};", words.join(", "));
    }
}

/// `column = NULLIF(current_setting(…, true), '')::type`, asked of the row that carries it.
fn equals(
    scene: &Scene<'_>,
    relation: &Relation,
    carried: &Carried,
    setting: Option<&String>,
) -> Result<String> {
    let lacking = || {
        Failure::usage(format!(
            "a rule on {} needs a column that exists and a setting in edu.toml",
            relation.full_name()
        ))
        .hint("Name context.tenant and context.user in edu.toml; where members decide, context.user and [membership] in spec/access.toml.")
    };
    if let (None, Some((members, _))) = (setting, scene.members()) {
        let member = format!("{}.{MEMBER}", quote_ident(&members.schema));
        let row = quote_ident(&relation.name);
        return asks(scene, &member, (relation, &row), carried).ok_or_else(lacking);
    }
    if let Some((first, rest)) = carried.through.split_first() {
        let (key, target) = scene.reference(relation.oid, first).ok_or_else(lacking)?;
        let on = Carried {
            through: rest.to_vec(),
            ..carried.clone()
        };
        let number = key.target_columns.first().copied();
        let referred = target
            .columns
            .iter()
            .find(|column| Some(column.number) == number);
        return Ok(format!(
            "{} IN (SELECT {} FROM {} WHERE {})",
            quote_ident(first),
            quote_ident(&referred.ok_or_else(lacking)?.name),
            target.full_name(),
            equals(scene, target, &on, setting)?
        ));
    }
    let column = relation.column(&carried.column).ok_or_else(lacking)?;
    let setting = setting.ok_or_else(lacking)?;
    Ok(format!(
        "{} = NULLIF(pg_catalog.current_setting({}, true), '')::{}",
        quote_ident(&column.name),
        quote_literal(setting)?,
        column.data_type.split('(').next().unwrap_or("text")
    ))
}

/// Whether the session's user is a member of the tenant that a row leads to. `row` is what the row is called.
fn asks(
    scene: &Scene<'_>,
    member: &str,
    (relation, row): (&Relation, &str),
    carried: &Carried,
) -> Option<String> {
    let Some((first, rest)) = carried.through.split_first() else {
        let column = relation.column(&carried.column)?;
        return Some(format!("{member}({row}.{})", quote_ident(&column.name)));
    };
    let (key, target) = scene.reference(relation.oid, first)?;
    let number = key.target_columns.first()?;
    let referred = target.columns.iter().find(|one| one.number == *number)?;
    let on = Carried {
        through: rest.to_vec(),
        ..carried.clone()
    };
    let next = format!("r{}", rest.len() + 1);
    let inner = asks(scene, member, (target, &next), &on)?;
    Some(format!(
        "EXISTS (SELECT FROM {} {next} WHERE {next}.{} = {row}.{} AND {inner})",
        target.full_name(),
        quote_ident(&referred.name),
        quote_ident(first)
    ))
}

fn policies(
    scene: &Scene<'_>,
    relation: &Relation,
    promise: &TableAccess,
    (role, rules): (&str, Rules),
    out: &mut String,
) -> Result<()> {
    let (name, name_of_role) = (relation.full_name(), quote_ident(role));
    for command in Command::ALL {
        let condition = match rules.of(command) {
            Rule::Deny => continue,
            Rule::Any => "true".to_owned(),
            rule => {
                let mut parts = Vec::new();
                if let Some(tenant) = &promise.tenant {
                    parts.push(equals(
                        scene,
                        relation,
                        tenant,
                        scene.tenant_setting.as_ref(),
                    )?);
                }
                if let (Rule::Own, Some(owner)) = (rule, &promise.owner) {
                    parts.push(equals(scene, relation, owner, scene.user_setting.as_ref())?);
                }
                parts.join(" AND ")
            }
        };
        let sides = match command {
            Command::Insert => format!("WITH CHECK ({condition})"),
            Command::Update => format!("USING ({condition}) WITH CHECK ({condition})"),
            Command::Select | Command::Delete => format!("USING ({condition})"),
        };
        let word = command.as_str();
        let policy = quote_ident(&format!("edu_{role}_{}", word.to_lowercase()));
        let _ = writeln!(
            out,
            "CREATE POLICY {policy} ON {name} FOR {word} TO {name_of_role} {sides};"
        );
    }
    Ok(())
}

fn index(scene: &Scene<'_>, relation: &Relation, promise: &TableAccess, out: &mut String) {
    let carried = promise.tenant.as_ref().filter(|_| !scene.is_root(relation));
    let Some(tenant) = carried.map(Carried::first) else {
        return;
    };
    let number = scene.carrying_number(relation);
    let led = scene.posture.indexes.iter().any(|i| {
        i.table == relation.oid && i.valid && !i.partial && i.columns.first().copied() == number
    });
    if !led {
        let _ = writeln!(
            out,
            "CREATE INDEX ON {} ({});",
            relation.full_name(),
            quote_ident(tenant)
        );
    }
}

/// Composite foreign keys where no exception accepts the plain one.
fn keys(scene: &Scene<'_>, out: &mut String) {
    let wanted = crate::check::fixes(scene, "foreign-key-without-tenant");
    if !wanted.is_empty() {
        let _ = writeln!(
            out,
            "\n-- Foreign keys that hold the tenant, beside the plain ones"
        );
    }
    for fix in wanted {
        let _ = writeln!(out, "{fix}");
    }
}
