//! Roles: what the application's roles are, can become, may create, and find preset.

use super::Found;
use crate::catalog::name::quote_ident;
use crate::posture::Reach;
use crate::posture::scene::Scene;

fn reaches<'a>(scene: &'a Scene<'_>) -> impl Iterator<Item = &'a Reach> {
    let actors = scene.actors();
    scene
        .posture
        .roles
        .iter()
        .filter(move |reach| actors.contains(&reach.role.as_str()))
}

fn how(reach: &Reach) -> &'static str {
    match (reach.role == reach.reaches, reach.inherits) {
        (true, _) => "is",
        (false, true) => "has all rights of",
        (false, false) => "can become",
    }
}

pub(super) fn owner(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for reach in reaches(scene).filter(|reach| reach.inherits || reach.sets) {
        let owned = scene
            .posture
            .relations
            .iter()
            .find(|r| r.owner == reach.reaches && scene.protected(r));
        let function = scene
            .posture
            .functions
            .iter()
            .find(|f| f.owner == reach.reaches && f.extension.is_none());
        let view = scene
            .posture
            .relations
            .iter()
            .find(|r| r.owner == reach.reaches && !r.is_table());
        let fact = scene
            .posture
            .facts("owned")
            .find(|fact| fact.subject == reach.reaches);
        let other = function
            .map(|f| f.signature.clone())
            .or_else(|| view.map(|view| view.full_name()))
            .or_else(|| fact.map(|fact| fact.text.clone()));
        if let (None, Some(name)) = (owned, other) {
            let message = format!(
                "{} {} {}, the owner of {name}: a tenant can put something else in its place",
                reach.role,
                how(reach),
                reach.reaches
            );
            found.push(Found::new(&reach.role, message));
        }
        if let Some(table) = owned {
            let message = format!(
                "{} {} {}, the owner of {}: one SET ROLE shows all tenants or takes the policies away",
                reach.role,
                how(reach),
                reach.reaches,
                table.full_name()
            );
            found.push(Found::new(&reach.role, message).fix(revoke(reach)));
        }
    }
    found
}

fn revoke(reach: &Reach) -> String {
    format!(
        "REVOKE {} FROM {};",
        quote_ident(&reach.reaches),
        quote_ident(&reach.role)
    )
}

pub(super) fn bypass(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for reach in reaches(scene) {
        let powers = [
            (reach.superuser, "SUPERUSER"),
            (reach.bypasses, "BYPASSRLS"),
            (reach.creates_roles, "CREATEROLE"),
            (reach.replicates, "REPLICATION"),
        ];
        let powers: Vec<&str> = powers
            .into_iter()
            .filter_map(|(has, word)| has.then_some(word))
            .collect();
        let listed = scene.access.bypass.contains(&reach.reaches) && reach.role != reach.reaches;
        if !powers.is_empty() || listed {
            let with = if powers.is_empty() {
                "that row security does not bind".to_owned()
            } else {
                format!("with {}", powers.join(", "))
            };
            let message = format!(
                "{} {} {} {with}: no policy holds",
                reach.role,
                how(reach),
                reach.reaches
            );
            found.push(Found::new(&reach.role, message).fix(revoke(reach)));
        }
    }
    found
}

/// Roles that may give a role of the application away, and applications that can become the login.
pub(super) fn administers(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for reach in reaches(scene).filter(|reach| reach.role != reach.reaches) {
        let back = scene.applications.contains(&reach.role)
            && scene.login.as_ref() == Some(&reach.reaches);
        let what = match (reach.administers, back) {
            (true, _) => "may give away",
            (_, true) => "can become the login",
            _ => continue,
        };
        let message = format!(
            "{} {what} {}: what keeps them apart is in the tenant's hand",
            reach.role, reach.reaches
        );
        found.push(Found::new(&reach.role, message).fix(revoke(reach)));
    }
    found
}

pub(super) fn predefined(scene: &Scene<'_>) -> Vec<Found> {
    const POWERFUL: [&str; 11] = [
        "pg_read_all_data",
        "pg_write_all_data",
        "pg_read_server_files",
        "pg_write_server_files",
        "pg_execute_server_program",
        "pg_maintain",
        "pg_create_subscription",
        "pg_read_all_stats",
        "pg_monitor",
        "pg_stat_scan_tables",
        "pg_signal_backend",
    ];
    reaches(scene)
        .filter(|reach| POWERFUL.contains(&reach.reaches.as_str()) && reach.role != reach.reaches)
        .map(|reach| {
            let message = format!(
                "{} {} {}: it reaches data or files past grants",
                reach.role,
                how(reach),
                reach.reaches
            );
            Found::new(&reach.role, message).fix(revoke(reach))
        })
        .collect()
}

pub(super) fn create(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for schema in &scene.posture.schemas {
        for role in scene
            .actors()
            .into_iter()
            .filter(|role| schema.created_by.iter().any(|by| by == role))
        {
            let (object, fix) = match &schema.name {
                Some(name) => (
                    quote_ident(name),
                    format!(
                        "REVOKE CREATE ON SCHEMA {} FROM {}, PUBLIC;",
                        quote_ident(name),
                        quote_ident(role)
                    ),
                ),
                None => (
                    "database".to_owned(),
                    format!(
                        "REVOKE CREATE ON DATABASE {} FROM {}, PUBLIC;",
                        quote_ident(&scene.posture.database),
                        quote_ident(role)
                    ),
                ),
            };
            let message = format!(
                "{role} may create objects in {object}: a function of its own can stand in the way of another's"
            );
            found.push(Found::new(object, message).fix(fix));
        }
    }
    found
}

pub(super) fn defaults(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for fact in scene.posture.facts("default") {
        let words: Vec<&str> = fact.text.splitn(3, ' ').collect();
        let [kind, grantee, privilege] = words.as_slice() else {
            continue;
        };
        let wide = *grantee == "PUBLIC" && matches!(*kind, "r" | "S" | "f")
            || matches!(
                *privilege,
                "TRUNCATE" | "REFERENCES" | "TRIGGER" | "MAINTAIN"
            )
            || scene.login.as_deref() == Some(*grantee) && *kind == "r"
            || *kind == "n" && *privilege == "CREATE"
            || *kind == "S" && *privilege == "UPDATE";
        if wide {
            let message = format!(
                "default privileges in {} give {grantee} {privilege} on objects to come",
                fact.subject
            );
            found.push(Found::new(&fact.subject, message));
        }
    }
    found
}

pub(super) fn preset(scene: &Scene<'_>) -> Vec<Found> {
    let mut keys = vec!["row_security", "session_replication_role", "role"];
    keys.extend(
        [&scene.tenant_setting, &scene.user_setting]
            .into_iter()
            .flatten()
            .map(String::as_str),
    );
    let mut found = Vec::new();
    for fact in scene.posture.facts("setting") {
        let key = fact.text.split('=').next().unwrap_or_default();
        let concerned = fact.subject == "*"
            || scene
                .actors()
                .iter()
                .any(|role| quote_ident(role) == fact.subject);
        if concerned && keys.iter().any(|name| name.eq_ignore_ascii_case(key)) {
            let message = format!(
                "{} is preset for {}: a session that sets no context has one",
                fact.text, fact.subject
            );
            let fix = match fact.subject.as_str() {
                "*" => format!(
                    "ALTER DATABASE {} RESET {key};",
                    quote_ident(&scene.posture.database)
                ),
                role => format!("ALTER ROLE {role} RESET {key};"),
            };
            found.push(Found::new(key, message).fix(fix));
        }
    }
    found
}

pub(super) fn login(scene: &Scene<'_>) -> Vec<Found> {
    let Some(login) = &scene.login else {
        return Vec::new();
    };
    if scene.applications.contains(login) {
        return Vec::new();
    }
    let inherits = scene.posture.roles.iter().any(|reach| {
        reach.role == *login && reach.inherits && scene.applications.contains(&reach.reaches)
    });
    if inherits {
        let message = format!(
            "{login} inherits the application's rights: it reads without SET ROLE, outside any context function"
        );
        return vec![Found::new(login, message)];
    }
    let direct = scene
        .posture
        .relations
        .iter()
        .filter(|r| !r.extension && r.kind != 'S' && r.grants(login, "rawd"));
    direct
        .map(|relation| {
            let name = relation.full_name();
            Found::new(
                &name,
                format!("{login} reaches {name} without becoming the application's role"),
            )
            .fix(format!("REVOKE ALL ON {name} FROM {};", quote_ident(login)))
        })
        .collect()
}
