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

/// Tries every helper that the login may call.
///
/// # Errors
/// When the connection is lost.
pub async fn probe(connection: &mut PgConnection, scene: &Scene<'_>, salt: &str) -> Result<Probed> {
    let mut probed = Probed::default();
    let (Some(login), Some(setting)) = (&scene.login, &scene.tenant_setting) else {
        return Ok(probed);
    };
    let own = scene
        .posture
        .functions
        .iter()
        .filter(|f| f.extension.is_none() && f.kind == 'f');
    let helpers = own.filter(|f| {
        let body = f.body.as_deref().unwrap_or_default();
        body.contains("set_config") && body.contains(setting.as_str()) && f.callers.contains(login)
    });
    for helper in helpers {
        if !helper
            .arguments
            .iter()
            .all(|argument| matches!(argument.as_str(), "uuid" | "text" | "character varying"))
        {
            probed.notes.push(format!(
                "{} could not be tried: its arguments are neither uuid nor text",
                helper.signature
            ));
            continue;
        }
        run(
            connection,
            &format!("SET SESSION AUTHORIZATION {}", quote_ident(login)),
        )
        .await?;
        let outcome = helper_outcome(connection, helper, setting, salt).await;
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

async fn helper_outcome(
    connection: &mut PgConnection,
    helper: &Function,
    setting: &str,
    salt: &str,
) -> Result<(usize, Vec<String>)> {
    let name = format!(
        "{}.{}",
        quote_ident(&helper.schema),
        quote_ident(&helper.name)
    );
    let id = uuid(salt);
    let call = |first: &str| {
        let rest = helper
            .arguments
            .iter()
            .skip(1)
            .map(|argument| format!("{}::{argument}", quote_literal(&id).unwrap_or_default()));
        let all: Vec<String> = std::iter::once(first.to_owned()).chain(rest).collect();
        format!(
            "SELECT {name}({})",
            if helper.arguments.is_empty() {
                String::new()
            } else {
                all.join(", ")
            }
        )
    };
    let seen = format!(
        "SELECT coalesce(current_setting({}, true), '') || ' ' || (current_user = session_user)",
        quote_literal(setting)?
    );
    let mut wrong = Vec::new();
    for end in ["COMMIT", "ROLLBACK"] {
        run(connection, "BEGIN").await?;
        if let Err(failed) = one(connection, &call(&quote_literal(&id)?)).await {
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
