//! Policies on every label and both parents, and the guard on writes.
//!
//! An unlabelled pattern reads the parents' policies alone. AGE before 1.7 applies no policy to Cypher
//! writes, but no version passes a constraint by: the guard on the parents is inherited by every label,
//! those to come included. Expressions are built-ins in line: on AGE 1.8 a sub-select in a policy
//! breaks every Cypher write, and a function can end the server.

use super::{Wanted, lacks};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::Result;
use crate::graph::expression::{canonical, context_of, text_of};
use crate::graph::finding::{Finding, Phase};
use crate::graph::live;
use crate::spec::ontology::Isolation;

/// The policy that edu puts on every label table.
pub const POLICY: &str = "edu_tenant";

/// The constraint that edu puts on both parents.
pub const GUARD: &str = "edu_tenant_guard";

/// What a row must fulfil, with what it takes to say so.
pub(super) struct Rule<'a> {
    pub application: &'a str,
    /// The row belongs to the session's tenant; NULL without a context.
    own: String,
}

pub(super) fn rule<'a>(wanted: Wanted<'a>) -> Result<Rule<'a>> {
    let manifest = wanted.manifest;
    let application = manifest.roles.application.as_deref();
    let setting = manifest.context.tenant.as_deref();
    let property = text_of(&wanted.ontology.tenant_property)?;
    let context = context_of(setting.ok_or_else(|| lacks("context.tenant"))?)?;
    Ok(Rule {
        application: application.ok_or_else(|| lacks("roles.application"))?,
        own: format!("({property} = {context})"),
    })
}

/// Compares row security and policies of one table.
pub(super) fn label(
    wanted: Wanted<'_>,
    found: &live::Label,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    for policy in found.policies.iter().filter(|policy| forbidden(policy)) {
        findings.push(Finding::new(
            "policy-forbidden-form",
            format!("policy {} on {}", policy.name, found.label),
            "it has a sub-select or calls a function that is not built in",
        ));
    }
    if wanted.ontology.isolation != Isolation::Enforced {
        return Ok(());
    }
    let rule = rule(wanted)?;
    let table = wanted.table(&found.label)?;
    let what = format!("row-level security on {}", found.label);
    let sql = format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
    if !found.row_security {
        findings.push(
            Finding::new("row-security-off", &what, "it is switched off").mended_by(
                Phase::Structure,
                &what,
                sql,
            ),
        );
    } else if !found.forced {
        findings.push(
            Finding::new("row-security-not-forced", &what, "it is not forced").mended_by(
                Phase::Structure,
                &what,
                sql,
            ),
        );
    }
    own_policy(wanted, found, &rule, findings)?;
    for policy in found
        .policies
        .iter()
        .filter(|policy| policy.name != POLICY && policy.permissive)
    {
        findings.push(Finding::new(
            "policy-undeclared",
            format!("policy {} on {}", policy.name, found.label),
            format!(
                "it lets {} through by {}",
                policy.roles.join(", "),
                shown(&policy.using)
            ),
        ));
    }
    Ok(())
}

/// Compares edu's own policy on one table.
fn own_policy(
    wanted: Wanted<'_>,
    found: &live::Label,
    rule: &Rule<'_>,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let table = wanted.table(&found.label)?;
    let role = quote_ident(rule.application);
    let object = format!("policy {POLICY} on {}", found.label);
    let make = format!(
        "CREATE POLICY {POLICY} ON {table} FOR ALL TO {role} USING {own} WITH CHECK {own}",
        own = rule.own
    );
    match found.policies.iter().find(|policy| policy.name == POLICY) {
        None => findings.push(
            Finding::new("policy-missing", &object, "it does not exist").mended_by(
                Phase::Structure,
                &object,
                make,
            ),
        ),
        Some(policy) => {
            if let Some(difference) = difference(policy, rule) {
                let sql = format!("DROP POLICY {POLICY} ON {table}; {make}");
                findings.push(
                    Finding::new("policy-differs", &object, difference).mended_by(
                        Phase::Structure,
                        &object,
                        sql,
                    ),
                );
            }
        }
    }
    Ok(())
}

fn difference(policy: &live::Policy, rule: &Rule<'_>) -> Option<String> {
    if policy.command != "*" {
        return Some("it is not for all commands".to_owned());
    }
    if !policy.permissive {
        return Some("it is restrictive: alone it lets nothing through".to_owned());
    }
    if policy.roles != [rule.application] {
        return Some(format!(
            "it is for {}, declared is {}",
            policy.roles.join(", "),
            rule.application
        ));
    }
    [("USING", &policy.using), ("WITH CHECK", &policy.check)]
        .into_iter()
        .find(|(_, found)| canonical(found) != canonical(&rule.own))
        .map(|(part, found)| format!("its {part} is {}, declared is {}", shown(found), rule.own))
}

fn shown(expression: &str) -> &str {
    if expression.is_empty() {
        "nothing"
    } else {
        expression
    }
}

/// Whether AGE cannot live with a policy: a sub-select, or a function beyond PostgreSQL's and AGE's own.
/// The server writes such functions back with their schema, because the path has `pg_catalog` alone.
fn forbidden(policy: &live::Policy) -> bool {
    [&policy.using, &policy.check].into_iter().any(|text| {
        let code = unquoted(text);
        let calls = code.match_indices('(').any(|(at, _)| {
            let before = &code[..at];
            let name: String = before
                .chars()
                .rev()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"'))
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            name.contains('.')
                && !name.starts_with("ag_catalog.")
                && !name.starts_with("pg_catalog.")
        });
        calls
            || code
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == "SELECT")
    })
}

/// The text without its constants.
fn unquoted(text: &str) -> String {
    text.split('\'').step_by(2).collect::<Vec<_>>().join("''")
}

/// Compares the guard on one parent.
pub(super) fn guard(
    wanted: Wanted<'_>,
    found: &live::Label,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    if wanted.ontology.isolation != Isolation::Enforced {
        return Ok(());
    }
    let rule = rule(wanted)?;
    let table = wanted.table(&found.label)?;
    let role = quote_literal(rule.application)?;
    let condition = format!("(CURRENT_USER <> {role}::name) OR ({} IS TRUE)", rule.own);
    let make = format!("ADD CONSTRAINT {GUARD} CHECK ({condition}) NOT VALID");
    let object = format!("tenant guard on {}", found.label);
    let finding = match found
        .constraints
        .iter()
        .find(|constraint| constraint.name == GUARD)
    {
        None => Finding::new("guard-missing", &object, "it does not exist").mended_by(
            Phase::Structure,
            &object,
            format!("ALTER TABLE {table} {make}"),
        ),
        Some(guard) if canonical(&guard.condition) != canonical(&condition) => Finding::new(
            "guard-differs",
            &object,
            format!("it is {}, declared is {condition}", guard.condition),
        )
        .mended_by(
            Phase::Structure,
            &object,
            format!("ALTER TABLE {table} DROP CONSTRAINT {GUARD}, {make}"),
        ),
        Some(_) => return Ok(()),
    };
    findings.push(finding);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(using: &str) -> live::Policy {
        live::Policy {
            name: "p".into(),
            command: "*".into(),
            permissive: true,
            roles: vec!["app".into()],
            using: using.into(),
            check: String::new(),
        }
    }

    #[test]
    fn a_policy_of_built_ins_is_allowed_and_one_with_a_function_or_sub_select_is_not() {
        for good in [
            "(a = current_setting('x SELECT f.g('::text, true))",
            "ag_catalog.agtype_out(p)",
        ] {
            assert!(!forbidden(&policy(good)), "{good}");
        }
        for bad in [
            "EXISTS ( SELECT 1)",
            "(a = public.tenant())",
            "(a = \"S\".f(1))",
            "(a = ( SELECT current_setting('x'::text)))",
        ] {
            assert!(forbidden(&policy(bad)), "{bad}");
        }
    }
}
