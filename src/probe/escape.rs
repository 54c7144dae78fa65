//! Ways out of the application's role, of the tenant, and of the policies.

use super::attempt::{Attempt, Context, Expect, Group};
use super::world::{Who, World};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::posture::Relation;
use crate::spec::access::{Command, Rule, TableAccess};

/// Attempts to become somebody else, to switch policies off, and to take one tenant's plan into another's session.
pub fn groups(world: &World<'_>) -> Vec<Group> {
    let scene = world.scene;
    let mut all = Vec::new();
    for role in &scene.applications {
        let mut attempts = Vec::new();
        let others: Vec<&str> = scene
            .posture
            .roles
            .iter()
            .filter(|reach| Some(&reach.role) == scene.login.as_ref() || reach.role == *role)
            .map(|reach| reach.reaches.as_str())
            .chain(scene.login.as_deref())
            .filter(|other| {
                !scene
                    .applications
                    .iter()
                    .any(|application| application == other)
            })
            .collect();
        for (relation, promise) in scene.promised().filter(|(relation, _)| relation.is_table()) {
            if promise.tenant.is_none() {
                continue;
            }
            for other in &others {
                attempts.push(as_other(world, relation, other));
            }
            let sql = format!(
                "ALTER TABLE {} DISABLE ROW LEVEL SECURITY; SELECT 1::int8",
                relation.full_name()
            );
            attempts.push(attempt(
                relation,
                "ALTER",
                "switches row security off".to_owned(),
                sql,
                Expect::Refused,
            ));
            attempts.extend(cached(world, relation, promise, role));
        }
        for powerful in &scene.access.bypass {
            let sql = format!(
                "RESET ROLE; SET LOCAL ROLE {}; SELECT 1::int8",
                quote_ident(powerful)
            );
            attempts.push(Attempt {
                table: 0,
                object: powerful.clone(),
                command: "SET",
                what: format!("becomes {powerful}"),
                sql,
                expect: Expect::Refused,
            });
        }
        all.push(Group {
            context: Context::A1,
            role: role.clone(),
            replica: false,
            attempts,
        });
    }
    all
}

fn attempt(
    relation: &Relation,
    command: &'static str,
    what: String,
    sql: String,
    expect: Expect,
) -> Attempt {
    Attempt {
        table: relation.oid,
        object: relation.full_name(),
        command,
        what,
        sql,
        expect,
    }
}

fn as_other(world: &World<'_>, relation: &Relation, other: &str) -> Attempt {
    let keyed = world.condition(relation.oid, &world.row(relation.oid, Who::B1, ""));
    let sql = format!(
        "RESET ROLE; SET LOCAL ROLE {}; SELECT count(*) FROM {} WHERE {keyed}",
        quote_ident(other),
        relation.full_name()
    );
    attempt(
        relation,
        "SELECT",
        format!("goes back to {other} and reads tenant B's row"),
        sql,
        Expect::Nothing,
    )
}

/// A plan that was made in tenant A's context and is used in tenant B's.
fn cached(
    world: &World<'_>,
    relation: &Relation,
    promise: &TableAccess,
    role: &str,
) -> Option<Attempt> {
    let rule = promise.roles.get(role)?.of(Command::Select);
    let tenant = promise.tenant.as_ref()?;
    let theirs = world.holds(relation, tenant, Who::B1)?;
    let setting = quote_literal(world.scene.tenant_setting.as_ref()?).ok()?;
    let name = relation.full_name();
    let sql = format!(
        "SET LOCAL plan_cache_mode = force_generic_plan; PREPARE edu_{oid} AS SELECT count(*) FROM {name}; EXECUTE edu_{oid}; \
         SELECT pg_catalog.set_config({setting}, {tenant_b}, true); EXECUTE edu_{oid}; DEALLOCATE edu_{oid}",
        oid = relation.oid,
        tenant_b = world.tenant_id(Who::B1)?
    );
    let count = format!("SELECT count(*) FROM {name} WHERE {theirs}");
    (rule == Rule::Tenant).then(|| {
        attempt(
            relation,
            "SELECT",
            "uses another tenant's cached plan".to_owned(),
            sql,
            Expect::Exactly(count),
        )
    })
}
