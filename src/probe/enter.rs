//! Entering a tenant's context by the function that is there for it: a user enters its own tenant and no other.

use super::attempt::{Attempt, Context, Expect, Group};
use super::world::{Who, World};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::posture::Function;
use crate::spec::access::Enters;

/// Attempts of the login with every function that lets sessions enter the tenants of their user alone.
pub fn groups(world: &World<'_>) -> Vec<Group> {
    let scene = world.scene;
    let Some(login) = &scene.login else {
        return Vec::new();
    };
    let mut attempts = Vec::new();
    let functions = scene.posture.functions.iter();
    for function in functions.filter(|f| scene.enters(f) == Some(Enters::Own)) {
        attempts.extend(enters(world, function, Who::A1, Expect::Works));
        attempts.extend(enters(world, function, Who::B1, Expect::Refused));
    }
    let group = Group {
        context: Context::NoUser,
        role: login.clone(),
        replica: false,
        attempts,
    };
    match group.attempts.is_empty() {
        true => Vec::new(),
        false => vec![group],
    }
}

/// Tenant A's user enters somebody's tenant. Shape: 1 when the session is in that tenant then.
fn enters(world: &World<'_>, function: &Function, whose: Who, expect: Expect) -> Option<Attempt> {
    let scene = world.scene;
    let (tenant, user) = (world.tenant_id(whose)?, world.user_id(Who::A1)?);
    let names = &function.argument_names;
    let says = |name: &String| name.contains("user") || name.contains("member");
    // Where no name says so, the tenant comes first and its user second.
    let said = names.iter().any(says);
    let is_user = |at: usize| match said {
        true => names.get(at).is_some_and(says),
        false => at == 1,
    };
    let arguments: Vec<String> = function
        .arguments
        .iter()
        .enumerate()
        .map(|(at, of_type)| format!("({})::{of_type}", if is_user(at) { &user } else { &tenant }))
        .collect();
    let verb = if function.kind == 'p' {
        "CALL"
    } else {
        "SELECT"
    };
    let setting = quote_literal(scene.tenant_setting.as_ref()?).ok()?;
    let empty = format!("SELECT pg_catalog.set_config({setting}, '', true)");
    let own = match &scene.user_setting {
        Some(name) => format!(
            "; SELECT pg_catalog.set_config({}, {user}, true)",
            quote_literal(name).ok()?
        ),
        None => String::new(),
    };
    let (schema, name) = (quote_ident(&function.schema), quote_ident(&function.name));
    let sql = format!(
        "{empty}{own}; {verb} {schema}.{name}({}); \
         SELECT (pg_catalog.current_setting({setting}, true) = ({tenant})::text)::int4",
        arguments.join(", ")
    );
    let what = match whose {
        Who::B1 => "enters tenant B, which its user does not belong to",
        _ => "enters its own tenant",
    };
    Some(Attempt {
        table: 0,
        object: function.signature.clone(),
        command: "EXECUTE",
        what: what.to_owned(),
        sql,
        expect,
    })
}
