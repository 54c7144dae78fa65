//! Verdicts as findings.

use super::{Judged, Side, Verdict};
use crate::posture::finding::{Engine, Finding, Severity};
use crate::posture::scene::Scene;
use crate::spec::access::{Command, Rule};

/// What is wrong, as findings.
pub fn findings(scene: &Scene<'_>, judged: &[Judged]) -> Vec<Finding> {
    judged
        .iter()
        .filter_map(|case| finding(scene, case))
        .collect()
}

fn finding(scene: &Scene<'_>, case: &Judged) -> Option<Finding> {
    let table = scene.relations.get(&case.table)?;
    let (name, command) = (table.full_name(), case.command.as_str());
    let row = match (case.command, case.side) {
        (Command::Update, Side::Old) => "an existing row",
        (Command::Update, Side::New) => "the changed row",
        _ => "a row",
    };
    let promised = match case.rule {
        Rule::Tenant => "of the session's tenant alone",
        Rule::Within => "of the session's tenant at most",
        Rule::Own => "of the session's user alone",
        Rule::Deny => "of nobody",
        Rule::Any => "of everybody",
    };
    let role = &case.role;
    let (id, severity, message) = match &case.verdict {
        Verdict::Proved => return None,
        Verdict::Wider(when) => (
            "policy-wider-than-declared",
            Severity::Error,
            format!(
                "{command} by {role} on {name} is promised for rows {promised}, and the policies admit {row} of tenant B to tenant A when {when}"
            ),
        ),
        Verdict::Narrower(when) => (
            "policy-narrower-than-declared",
            Severity::Error,
            format!(
                "{command} by {role} on {name} is promised for rows {promised}, and the policies refuse {row} of tenant A to tenant A when {when}"
            ),
        ),
        Verdict::NotProvable(what) => (
            "policy-not-provable",
            Severity::Error,
            format!("{command} by {role} on {name} cannot be proved: it depends on {what}"),
        ),
        Verdict::Membership(what) => (
            "policy-by-membership",
            Severity::Info,
            format!("{command} by {role} on {name} depends on {what}: attempts have to confirm it"),
        ),
    };
    let policies = scene.applying(case.table, role, case.command);
    let texts: Vec<String> = policies
        .iter()
        .map(|policy| {
            let side =
                |word, text: &Option<String>| text.as_ref().map(|text| format!(" {word} ({text})"));
            let using = side("USING", &policy.using_text).unwrap_or_default();
            format!(
                "{}{using}{}",
                policy.name,
                side("WITH CHECK", &policy.check_text).unwrap_or_default()
            )
        })
        .collect();
    let message = if texts.is_empty() {
        message
    } else {
        format!("{message}; policies: {}", texts.join("; "))
    };
    Some(Finding::new(Engine::Proof, severity, id, name.clone(), message).command(command).reproduce(format!(
        "SELECT polname, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy WHERE polrelid = '{name}'::regclass;"
    )))
}
