//! The functions by which applications enter a tenant's context: they must fail closed and leave nothing behind.
//!
//! What a transaction's end leaves can only be seen after one: each helper runs in transactions of its
//! own, which write nothing.

use sqlx::postgres::PgConnection;

use super::attempt::{one, run};
use super::probe::Probed;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::Result;
use crate::posture::Function;
use crate::posture::finding::{Engine, Finding, Severity};
use crate::posture::scene::Scene;
use crate::probe::value::uuid;
use crate::spec::access::Enters;

/// Tries every helper that the login may call.
///
/// # Errors
/// When the connection is lost.
pub async fn probe(connection: &mut PgConnection, scene: &Scene<'_>, salt: &str) -> Result<Probed> {
    let mut probed = Probed::default();
    let Some(login) = &scene.login else {
        return Ok(probed);
    };
    let own = scene
        .posture
        .functions
        .iter()
        .filter(|f| f.extension.is_none() && matches!(f.kind, 'f' | 'p') && !f.trigger);
    let helpers = own.filter(|f| scene.sets_tenant(f) && f.callers.contains(login));
    for helper in helpers {
        if !helper
            .arguments
            .iter()
            .all(|argument| value(argument, salt).is_some())
        {
            probed.findings.push(Finding::new(
                Engine::Probe,
                Severity::Error,
                "could-not-be-tried",
                &helper.signature,
                format!(
                    "{} could not be called: its arguments are neither uuid, text nor numbers",
                    helper.signature
                ),
            ));
            continue;
        }
        run(
            connection,
            &format!("SET SESSION AUTHORIZATION {}", quote_ident(login)),
        )
        .await?;
        let outcome = helper_outcome(connection, scene, helper, salt).await;
        run(
            connection,
            "ROLLBACK; RESET SESSION AUTHORIZATION; RESET ROLE",
        )
        .await?;
        let (attempts, wrong) = outcome?;
        probed.attempts += attempts;
        for message in wrong {
            probed.findings.push(Finding::new(
                Engine::Probe,
                Severity::Error,
                "context-helper-leaks",
                &helper.signature,
                message,
            ));
        }
    }
    Ok(probed)
}

/// A made-up id of a type, as text.
fn value(data_type: &str, salt: &str) -> Option<String> {
    match data_type {
        "uuid" | "text" | "character varying" => Some(uuid(salt)),
        "integer" | "bigint" | "smallint" | "numeric" => Some("4711".to_owned()),
        _ => None,
    }
}

async fn helper_outcome(
    connection: &mut PgConnection,
    scene: &Scene<'_>,
    helper: &Function,
    salt: &str,
) -> Result<(usize, Vec<String>)> {
    let setting = scene.tenant_setting.as_deref().unwrap_or_default();
    // It refuses made-up users, as it should: what is left is that nothing stays.
    let particular = scene.enters(helper) == Some(Enters::Own);
    let name = format!(
        "{}.{}",
        quote_ident(&helper.schema),
        quote_ident(&helper.name)
    );
    let first = helper.arguments.first().map_or("text", String::as_str);
    let id = value(first, salt).unwrap_or_default();
    let verb = if helper.kind == 'p' { "CALL" } else { "SELECT" };
    let call = |first: &str| {
        let rest = helper.arguments.iter().skip(1);
        let rest = rest.filter_map(|argument| {
            let value = value(argument, salt)?;
            Some(format!("{}::{argument}", quote_literal(&value).ok()?))
        });
        let all: Vec<String> = std::iter::once(first.to_owned()).chain(rest).collect();
        match helper.arguments.is_empty() {
            true => format!("{verb} {name}()"),
            false => format!("{verb} {name}({})", all.join(", ")),
        }
    };
    let seen = format!(
        "SELECT coalesce(current_setting({}, true), '') || ' ' || (current_user = session_user)",
        quote_literal(setting)?
    );
    let mut wrong = Vec::new();
    for end in ["COMMIT", "ROLLBACK"] {
        run(connection, "BEGIN").await?;
        let called = one(connection, &call(&quote_literal(&id)?)).await;
        if called.is_err() && particular {
            run(connection, "ROLLBACK").await?;
            if one(connection, &seen).await? != " true" {
                wrong.push("it refuses, and its context stays".to_owned());
            }
            continue;
        }
        if let Err(failed) = called {
            wrong.push(format!("the login calls it and it fails: {failed}"));
            run(connection, "ROLLBACK").await?;
            return Ok((1, wrong));
        }
        let inside = one(connection, &seen).await?;
        if !inside.starts_with(&id) {
            wrong.push(format!(
                "after the call {setting} is not the tenant that was given"
            ));
        }
        run(connection, end).await?;
        if one(connection, &seen).await? != " true" {
            wrong.push(format!("the context outlives {end}: the next request on a pooled connection has tenant A's rows"));
        }
    }
    // Outside a transaction nothing may stay.
    let _ = one(connection, &call(&quote_literal(&id)?)).await;
    if one(connection, &seen).await? != " true" {
        wrong.push(
            "called outside a transaction it sets the context for the whole session".to_owned(),
        );
    }
    run(connection, "BEGIN").await?;
    let missing = one(connection, &call("NULL")).await.is_ok();
    if missing && !helper.arguments.is_empty() && !one(connection, &seen).await?.starts_with(' ') {
        wrong.push("called without a tenant it leaves one set".to_owned());
    }
    run(connection, "ROLLBACK").await?;
    Ok((5, wrong))
}
