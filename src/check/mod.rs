//! Engine static: catalog checks over the posture. A check is one line of [`ALL`] and one function.
//!
//! It proves nothing about expressions (that is `proof`) and attempts nothing (that is `probe`). An
//! exception of `spec/access.toml` silences a static finding for one object, and nothing else.

use crate::posture::finding::{Engine, Finding, Severity};
use crate::posture::scene::Scene;
use crate::spec::access::Access;

mod columns;
mod context;
mod declared;
mod functions;
mod given;
mod graph;
mod keys;
mod objects;
mod policies;
mod reading;
mod roles;
mod server;
mod tables;
mod trust;

/// One check.
pub struct Check {
    /// Its id: words that name the defect.
    pub id: &'static str,
    /// Its number in the study the checks come from.
    pub alias: &'static str,
    /// How bad a finding is.
    pub severity: Severity,
    /// What it looks for.
    pub looks_for: &'static str,
    run: fn(&Scene<'_>) -> Vec<Found>,
}

/// What a check saw.
#[derive(Debug, Default)]
pub(crate) struct Found {
    object: String,
    command: Option<&'static str>,
    message: String,
    reproduce: Option<String>,
    fix: Option<String>,
}

impl Found {
    fn new(object: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            message: message.into(),
            ..Self::default()
        }
    }

    fn fix(mut self, sql: impl Into<String>) -> Self {
        self.fix = Some(sql.into());
        self
    }

    fn reproduce(mut self, sql: impl Into<String>) -> Self {
        self.reproduce = Some(sql.into());
        self
    }

    fn command(mut self, command: &'static str) -> Self {
        self.command = Some(command);
        self
    }
}

macro_rules! checks {
    ($($id:literal $alias:literal $severity:ident $run:path, $looks_for:literal;)*) => {
        &[$(Check { id: $id, alias: $alias, severity: Severity::$severity, looks_for: $looks_for, run: $run }),*]
    };
}

/// Every check.
pub const ALL: &[Check] = checks! {
    "rls-disabled" "R01" Error tables::disabled, "a tenant's table that can be reached has row security off";
    "relation-without-rls" "R01b" Error tables::without, "any other table that can be reached has no row security";
    "rls-not-forced" "R02" Error tables::not_forced, "row security does not bind the table's owner";
    "no-policy-applies" "R03" Error tables::no_policy, "no permissive policy applies to the application: every row is hidden";
    "policies-dormant" "R04" Error tables::dormant, "policies exist and row security is off";
    "grant-without-policy" "R05" Error tables::grant_without_policy, "a command is granted and no policy admits a row";
    "policy-without-grant" "R05" Error tables::policy_without_grant, "a policy admits rows and the command is not granted";
    "policy-to-public" "R06" Info policies::to_public, "a policy is for every role";
    "policy-for-nobody" "R07" Error policies::for_nobody, "a policy is for roles that no application has";
    "policy-always-true" "R08" Error policies::always_true, "a permissive policy admits every row";
    "policy-ignores-tenant" "R09" Error policies::ignores_tenant, "a permissive policy never reads the tenant column";
    "setting-not-declared" "R10" Error policies::foreign_setting, "a policy reads a setting that is not part of the context";
    "context-form-fragile" "R11" Error policies::fragile, "a policy raises, or opens, when the context is missing";
    "policy-check-forgets-column" "R12" Error policies::forgets, "WITH CHECK forgets a column that USING tests";
    "policies-or-together" "R13" Info policies::several, "several permissive policies admit rows for one command";
    "role-reaches-owner" "R15" Error roles::owner, "the application's login can become the owner of protected tables";
    "role-reaches-bypass" "R16" Error roles::bypass, "the application's login is, or can become, a role without limits";
    "privilege-ignores-rls" "R17" Error tables::ignoring, "a privilege that row security does not bind";
    "view-runs-as-owner" "R18" Error objects::definer_view, "a view reads protected tables as its owner";
    "materialized-view-exposes" "R19" Error objects::matview, "a materialized view holds rows of every tenant";
    "child-without-rls" "R20" Error objects::child, "a partition or child can be reached around its parent's policies";
    "parent-without-rls" "R20b" Error objects::parent, "a parent shows its protected children's rows";
    "foreign-table-reachable" "R21" Error objects::foreign, "a foreign table can have no policy";
    "definer-function-callable" "R22" Error functions::definer, "a SECURITY DEFINER function can be called";
    "policy-helper-unsafe" "R23" Error functions::helper, "a function that a policy calls is not STABLE, PARALLEL SAFE, SECURITY INVOKER";
    "leakproof-function" "R24" Error functions::leakproof, "a function sees rows before policies do";
    "definer-trigger" "R25" Error objects::trigger, "a trigger on a protected table runs as its owner";
    "rewrite-rule" "R25" Error objects::rule, "a rewrite rule on a protected table runs as its owner";
    "foreign-key-without-tenant" "R26" Error keys::without_tenant, "a foreign key can point at another tenant's row";
    "unique-without-tenant" "R28" Error keys::unique, "a unique index tells what other tenants have";
    "tenant-column-loose" "R29" Error columns::loose, "the tenant column may be NULL, or name no tenant";
    "tenant-index-missing" "R30" Warning columns::unindexed, "no index is led by the tenant column";
    "create-privilege" "R31" Error roles::create, "the application may create objects";
    "default-privileges-wide" "R32" Error roles::defaults, "objects to come are given away";
    "schema-not-usable" "R33" Error columns::schema, "the application may not use the schema of its table";
    "publication-streams-table" "R34" Error objects::publication, "a publication streams every tenant's rows";
    "graph-label-exposed" "R35" Error graph::exposed, "a graph's table can be read without a policy";
    "graph-door-open" "R35" Error graph::door, "a graph function reads past row security";
    "setting-preset" "R36" Error roles::preset, "a role or database presets the context";
    "sequence-readable" "R37" Info objects::sequence, "a sequence tells how much all tenants write";
    "sequence-settable" "R37" Error objects::sequence_set, "a tenant can set a sequence that all tenants draw from";
    "function-reaches-out" "R43" Error functions::outside, "a function that reaches files, servers or pages can be called";
    "function-presets-context" "R36" Error functions::presetting, "a function sets the context, the role or row security for its caller";
    "role-administers" "R15" Error roles::administers, "a role may give a role of the application away, or become the login";
    "given-past-policies" "R43" Error given::past_policies, "a parameter, large object or foreign server was given to the application, or code runs beside it";
    "grant-option" "R43" Error given::handed_on, "the application may hand its privileges on";
    "context-helper-session-wide" "R11" Error context::session_wide, "a function sets the context for the session, not for the transaction";
    "role-undeclared" "COV" Error given::undeclared, "a role that nobody declared reaches tenants' rows";
    "trigger-notifies" "R25" Error objects::notifies, "a trigger sends values to a channel that every session may listen to";
    "default-calls-definer" "R38" Error functions::default_call, "a default or CHECK runs as another role";
    "policy-reads-unprotected" "R40" Error trust::reads, "a policy trusts a table without row security, or reads its own";
    "server-outdated" "R41" Error server::outdated, "the server lacks a security fix for row security";
    "setting-name-is-keyword" "R42" Error server::keyword, "SET cannot parse the setting's name";
    "predefined-role-reached" "R43" Error roles::predefined, "the application has a role that reaches data or files";
    "policy-operator-foreign" "R44" Error trust::operator, "a policy compares with an operator that is not PostgreSQL's own";
    "tenant-compared-through-cast" "R45" Warning trust::cast, "the tenant column is cast, and no index serves it";
    "immutable-column-writable" "R46" Error columns::immutable, "a column that must not change can be updated";
    "login-has-privileges" "R47" Error roles::login, "the login reaches objects without becoming the application";
    "foreign-key-not-enforced" "R48" Error keys::unenforced, "a foreign key is not enforced";
    "reference-without-foreign-key" "R49" Warning keys::missing, "a column looks like a reference and has no foreign key";
    "owner-bypasses-rls" "R50" Error columns::owner, "a protected table's owner ignores row security even when forced";
    "view-without-barrier" "R51" Warning objects::barrier, "a view's filter can be looked behind";
    "vector-scan-not-iterative" "R52" Error server::vector, "a small tenant gets too few neighbours";
    "relation-undeclared" "COV" Error declared::relation, "a relation can be reached and spec/access.toml does not list it";
    "function-undeclared" "COV" Error declared::function, "a function can be called and spec/access.toml does not list it";
    "table-missing" "M" Error declared::table_missing, "a listed table does not exist";
    "role-missing" "M" Error declared::role_missing, "a listed role does not exist";
    "function-missing" "M" Error declared::function_missing, "a listed function cannot be called as listed";
    "grant-missing" "M" Error declared::grant_missing, "a promised command is not granted";
};

/// Runs every check, and tells of exceptions that silence nothing any more.
pub fn run(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used: Vec<(&str, String)> = Vec::new();
    for check in ALL {
        for found in (check.run)(scene) {
            if scene.access.exception(check.id, &found.object).is_some() {
                used.push((check.id, found.object));
                continue;
            }
            let mut finding = Finding::new(
                Engine::Static,
                check.severity,
                check.id,
                found.object,
                found.message,
            );
            finding.command = found.command;
            finding.reproduce = found.reproduce;
            finding.fix = found.fix;
            findings.push(finding);
        }
    }
    findings.extend(unused(scene.access, &used));
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.id.ends_with("-missing"))
    {
        if let Some(place) = scene
            .access
            .place(&finding.object)
            .filter(|_| finding.id != "grant-missing")
        {
            finding.message = format!("{}: {}", placed(scene.access, place), finding.message);
        }
    }
    findings
}

/// "spec/access.toml:12:8".
fn placed(access: &Access, span: std::ops::Range<usize>) -> String {
    let (line, column) = access.document.excerpt(span, "").position();
    format!("{}:{line}:{column}", access.document.path)
}

/// The SQL that mends what one check finds and no exception accepts.
pub fn fixes(scene: &Scene<'_>, id: &str) -> Vec<String> {
    let checks = ALL.iter().filter(|check| check.id == id);
    let found = checks.flat_map(|check| (check.run)(scene));
    found
        .filter(|found| scene.access.exception(id, &found.object).is_none())
        .filter_map(|found| found.fix)
        .collect()
}

fn unused(access: &Access, used: &[(&str, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for exception in &access.exceptions {
        for accepted in &exception.objects {
            if !used
                .iter()
                .any(|(id, object)| *id == exception.check && *object == accepted.object)
            {
                let what = match ALL.iter().any(|check| check.id == exception.check) {
                    true => "no longer silences anything: take it out, or see what changed",
                    false => "names no check that there is",
                };
                let message = format!(
                    "{}: exception `{}` for this object {what}",
                    placed(access, accepted.span.clone()),
                    exception.check
                );
                findings.push(Finding::new(
                    Engine::Static,
                    Severity::Warning,
                    "exception-unused",
                    &accepted.object,
                    message,
                ));
            }
        }
    }
    findings
}
