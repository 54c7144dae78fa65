//! Functions that run as somebody else, that policies call, or that see rows first.

use std::collections::BTreeSet;

use super::Found;
use crate::posture::Function;
use crate::posture::expr::Expr;
use crate::posture::scene::Scene;

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
                "a default, generated column or CHECK of {} calls {}, which runs as its owner",
                fact.text, fact.subject
            );
            Found::new(&fact.text, message)
                .fix(format!("ALTER FUNCTION {} SECURITY INVOKER;", fact.subject))
        })
        .collect()
}
