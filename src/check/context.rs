//! The functions by which applications enter a tenant's context, by what they do: a setting that is set for the
//! whole session is there for the next request of a pooled connection.

use std::collections::BTreeSet;

use super::Found;
use crate::posture::expr::{self, Expr};
use crate::posture::scene::Scene;
use crate::posture::tree::{self, Node};
use crate::posture::{Function, Oid};

/// `set_config`. Source: `pg_proc.dat`.
const SET_CONFIG: Oid = 2078;

pub(super) fn session_wide(scene: &Scene<'_>) -> Vec<Found> {
    let own = scene.posture.functions.iter();
    let mut found = Vec::new();
    for function in own.filter(|f| f.extension.is_none()) {
        let settings = of_text(scene, function).into_iter();
        let settings: BTreeSet<String> = settings.chain(of_tree(scene, function)).collect();
        for setting in settings {
            let name = &function.signature;
            let message = format!(
                "{name} sets {setting} for the session, not for the transaction: behind a pooler the next request has this one's rows"
            );
            found.push(Found::new(name, message).fix(format!(
                "-- in {name}: pg_catalog.set_config('{setting}', …, true), or SET LOCAL"
            )));
        }
    }
    found
}

/// The settings of the context that a function's text sets otherwise than to the transaction's end.
fn of_text(scene: &Scene<'_>, function: &Function) -> Vec<String> {
    let text = function.body.as_deref().unwrap_or_default().to_lowercase();
    let mut found = Vec::new();
    for setting in scene.context() {
        let name = setting.to_lowercase();
        let called = text.split("set_config").skip(1).any(|call| {
            let given = arguments(call);
            let word = |at: usize| given.get(at).map_or("", |word| word.trim());
            word(0) == format!("'{name}'") && word(2) != "true"
        });
        let said = ["set ", "set session "].iter().any(|set| {
            text.contains(&format!("{set}{name} ")) || text.contains(&format!("{set}{name}="))
        });
        if called || said {
            found.push(setting.to_owned());
        }
    }
    found
}

/// The same of a body that PostgreSQL has parsed.
fn of_tree(scene: &Scene<'_>, function: &Function) -> Vec<String> {
    let mut calls = Vec::new();
    if let Some(tree) = function.tree.as_deref().and_then(tree::parse) {
        setting_calls(&tree, &mut calls);
    }
    let mut found = Vec::new();
    for setting in scene.context() {
        for call in &calls {
            let own = |name: &String| name.eq_ignore_ascii_case(setting);
            let named = call
                .first()
                .and_then(Expr::as_text)
                .is_some_and(|name| own(&name));
            if named && call.get(2).and_then(Expr::as_bool) != Some(Some(true)) {
                found.push(setting.to_owned());
            }
        }
    }
    found
}

/// The arguments of every call of `set_config` in a tree.
fn setting_calls(node: &Node, found: &mut Vec<Vec<Expr>>) {
    let called = node.tag() == "FUNCEXPR" && node.number("funcid") == Some(i64::from(SET_CONFIG));
    if let (true, Expr::Call(_, arguments)) = (called, expr::read(node)) {
        found.push(arguments);
    }
    match node {
        Node::Struct(_, fields) => {
            let values = fields.iter().flat_map(|(_, values)| values);
            values.for_each(|value| setting_calls(value, found));
        }
        Node::List(items) => items.iter().for_each(|item| setting_calls(item, found)),
        Node::Word(_) | Node::Bytes(_) => {}
    }
}

/// The arguments of a call, from its opening parenthesis on.
pub(super) fn arguments(call: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let (mut depth, mut quoted) = (0, false);
    for char in call.chars() {
        quoted ^= char == '\'';
        match char {
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 1 => all.push(String::new()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth > 1 || !matches!(char, '(' | ',') || quoted {
            all.iter_mut()
                .last()
                .into_iter()
                .for_each(|last| last.push(char));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn the_arguments_of_a_call_are_told_apart_by_their_commas() {
        let call = "('a,b', f(x, 'y)'), true); PERFORM g(1)";
        assert_eq!(
            arguments(call),
            ["'a,b'", " f(x, 'y)')", " true"].map(str::to_owned)
        );
        assert_eq!(arguments("()"), [""]);
    }
}
