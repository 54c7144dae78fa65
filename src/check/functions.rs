//! Functions that run as somebody else, that policies call, or that see rows first.

use std::collections::BTreeSet;

use super::Found;
use crate::catalog::name::quote_ident;
use crate::posture::expr::Expr;
use crate::posture::scene::Scene;
use crate::posture::{FIRST_USER_OID, Function};

pub(super) fn definer(scene: &Scene<'_>) -> Vec<Found> {
    let own = scene
        .posture
        .functions
        .iter()
        .filter(|f| f.definer && !f.trigger && f.extension.is_none())
        .filter(|f| !scene.is_vertex_guard(f));
    let mut found = Vec::new();
    for function in own {
        let Some(role) = scene
            .actors()
            .into_iter()
            .find(|role| function.callers.iter().any(|caller| caller == role))
        else {
            continue;
        };
        let mut more = String::new();
        if function.owner_bypasses {
            more.push_str(", whom no policy binds");
        }
        if !function
            .settings
            .iter()
            .any(|setting| setting.starts_with("search_path="))
        {
            more.push_str("; its search_path is not pinned");
        }
        if function.public {
            more.push_str("; PUBLIC may call it");
        }
        let name = &function.signature;
        let message = format!(
            "tenant A, as {role}, calls {name}, which runs as {}{more}: it can return rows of tenant B",
            function.owner
        );
        found.push(
            Found::new(name, message).fix(format!("ALTER FUNCTION {name} SECURITY INVOKER;")),
        );
    }
    found
}

pub(super) fn helper(scene: &Scene<'_>) -> Vec<Found> {
    let mut called = BTreeSet::new();
    for expr in scene.exprs.values() {
        expr.walk(&mut |inner| match inner {
            Expr::Call(function, _) => {
                called.insert(*function);
            }
            Expr::SubSelect { query, .. } => called.extend(&query.functions),
            _ => {}
        });
    }
    let mut found = Vec::new();
    for function in scene
        .posture
        .functions
        .iter()
        .filter(|f| called.contains(&f.oid))
    {
        let wrong = [
            (
                function.definer,
                "it is SECURITY DEFINER: what it reads ignores row security",
            ),
            (
                function.volatility == 'i',
                "it is IMMUTABLE: a cached plan keeps the first tenant's result for the next",
            ),
            (
                function.volatility == 'v',
                "it is VOLATILE: it runs for every row, and no index serves",
            ),
            (
                !function.parallel_safe,
                "it is not PARALLEL SAFE: no query on the table runs in parallel",
            ),
        ];
        for (_, what) in wrong.iter().filter(|(wrong, _)| *wrong) {
            found.push(
                Found::new(
                    &function.signature,
                    format!("a policy calls {}: {what}", function.signature),
                )
                .fix(format!(
                    "ALTER FUNCTION {} STABLE PARALLEL SAFE SECURITY INVOKER;",
                    function.signature
                )),
            );
        }
    }
    found
}

/// Functions of extensions that reach other servers and files, and functions of PostgreSQL's own that were given away.
pub(super) fn outside(scene: &Scene<'_>) -> Vec<Found> {
    const CLOSED: [&str; 3] = ["age", "vector", "pgcrypto"];
    let mut found = Vec::new();
    for function in &scene.posture.functions {
        let Some(extension) = function
            .extension
            .as_deref()
            .filter(|name| !CLOSED.contains(name))
        else {
            continue;
        };
        let actors = scene.actors();
        let caller = actors
            .into_iter()
            .find(|role| function.callers.iter().any(|caller| caller == role));
        let reaches = function.oid < FIRST_USER_OID
            || matches!(
                extension,
                "dblink" | "file_fdw" | "adminpack" | "pg_surgery" | "pageinspect" | "lo"
            );
        if let (Some(role), true) = (caller, reaches) {
            let name = &function.signature;
            let message = format!(
                "{role} may call {name} of {extension}: it reaches files, other servers or pages, where no policy is"
            );
            let from = if function.public {
                "PUBLIC".to_owned()
            } else {
                quote_ident(role)
            };
            found.push(
                Found::new(name, message)
                    .fix(format!("REVOKE EXECUTE ON FUNCTION {name} FROM {from};")),
            );
        }
    }
    found
}

/// Functions that set the context, the role or row security themselves.
pub(super) fn presetting(scene: &Scene<'_>) -> Vec<Found> {
    let mut keys = vec!["row_security", "session_replication_role", "role"];
    let context = [&scene.tenant_setting, &scene.user_setting];
    keys.extend(context.into_iter().flatten().map(String::as_str));
    let mut found = Vec::new();
    for function in &scene.posture.functions {
        let sets = function.settings.iter().find(|setting| {
            let key = setting.split('=').next().unwrap_or_default();
            keys.iter().any(|name| name.eq_ignore_ascii_case(key))
        });
        if let Some(setting) = sets {
            let name = &function.signature;
            let key = setting.split('=').next().unwrap_or_default();
            let message = format!(
                "{name} runs with {setting}: whoever calls it is another tenant, or nobody's, inside"
            );
            found
                .push(Found::new(name, message).fix(format!("ALTER FUNCTION {name} RESET {key};")));
        }
    }
    found
}

pub(super) fn leakproof(scene: &Scene<'_>) -> Vec<Found> {
    scene
        .posture
        .functions
        .iter()
        .filter(|function| function.leakproof)
        .map(|function| {
            let name = &function.signature;
            Found::new(name, format!("{name} is LEAKPROOF: it sees rows of tenant B before a policy hides them from tenant A"))
                .fix(format!("ALTER FUNCTION {name} NOT LEAKPROOF;"))
        })
        .collect()
}

pub(super) fn default_call(scene: &Scene<'_>) -> Vec<Found> {
    scene
        .posture
        .facts("default_call")
        .filter(|fact| {
            let guard = |f: &&Function| f.signature == fact.subject && scene.is_vertex_guard(f);
            scene.posture.functions.iter().find(guard).is_none()
        })
        .map(|fact| {
            let message = format!(
                "a default, generated column, index or CHECK of {} calls {}, which runs as its owner",
                fact.text, fact.subject
            );
            Found::new(&fact.text, message)
                .fix(format!("ALTER FUNCTION {} SECURITY INVOKER;", fact.subject))
        })
        .collect()
}
