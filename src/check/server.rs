//! The server: its version, the settings' names, and how it searches vectors.

use super::Found;
use crate::catalog::name::quote_ident;
use crate::posture::scene::Scene;

/// The first release of each major with the last fix that concerns row security (CVE-2025-8713, CVE-2024-10976).
const FIXED: [(u32, u32); 4] = [(14, 140_019), (15, 150_014), (16, 160_010), (17, 170_006)];

pub(super) fn outdated(scene: &Scene<'_>) -> Vec<Found> {
    let version = scene.posture.server_version;
    let wanted = FIXED.iter().find(|(major, _)| *major == version / 10_000);
    match wanted {
        Some((_, fixed)) if version < *fixed => vec![Found::new(
            "server",
            format!(
                "server version {version} lacks fixes for row security (CVE-2025-8713, CVE-2024-10976): statistics and cached plans show rows of tenant B"
            ),
        )],
        _ => Vec::new(),
    }
}

pub(super) fn keyword(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for setting in [&scene.tenant_setting, &scene.user_setting]
        .into_iter()
        .flatten()
    {
        let reserved = scene.posture.facts("keyword").find(|fact| {
            setting
                .split('.')
                .any(|part| part.eq_ignore_ascii_case(&fact.subject))
        });
        if let Some(word) = reserved {
            let message = format!(
                "SET LOCAL {setting} is a syntax error, because {} is reserved: the transaction aborts; set_config works",
                word.subject
            );
            found.push(Found::new(setting, message).fix(format!(
                "SELECT set_config('{}', '…', true);",
                setting.replace('\'', "''")
            )));
        }
    }
    found
}

pub(super) fn vector(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for index in scene
        .posture
        .indexes
        .iter()
        .filter(|index| matches!(index.method.as_str(), "hnsw" | "ivfflat"))
    {
        let Some(table) = scene
            .relations
            .get(&index.table)
            .filter(|table| table.secured)
        else {
            continue;
        };
        let key = format!("{}.iterative_scan=", index.method);
        let on = scene.posture.facts("setting").any(|fact| {
            let concerned = fact.subject == "*"
                || scene
                    .login
                    .as_ref()
                    .is_some_and(|login| quote_ident(login) == fact.subject);
            concerned
                && fact
                    .text
                    .strip_prefix(&key)
                    .is_some_and(|value| matches!(value, "strict_order" | "relaxed_order"))
        });
        if !on {
            let object = format!(
                "{}.{}",
                quote_ident(&index.schema),
                quote_ident(&index.name)
            );
            let message = format!(
                "a tenant with 1 % of the rows of {} gets 0 or 1 of 10 neighbours: {key}off stops before its rows are found",
                table.full_name()
            );
            found.push(Found::new(object, message).fix(format!(
                "ALTER DATABASE {} SET {}.iterative_scan = {};",
                quote_ident(&scene.posture.database),
                index.method,
                // The other order is for hnsw alone.
                if index.method == "ivfflat" {
                    "relaxed_order"
                } else {
                    "strict_order"
                }
            )));
        }
    }
    found
}
