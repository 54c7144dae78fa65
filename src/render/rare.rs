//! Statements that make what few databases have: casts, operators, aggregates, collations,
//! event triggers, publications, and what stands for another server.

use super::words;
use crate::catalog::name::{quote_ident, quote_literal};
use crate::catalog::{Facets, Id, Kind};

/// The statement; nothing where the catalog does not know enough.
pub(super) fn create(id: &Id, f: &Facets) -> Option<String> {
    match id.kind {
        Kind::Collation => collation(id, f),
        Kind::Cast => Some(cast(id, f)),
        Kind::Operator => Some(operator(id, f)),
        Kind::Aggregate => aggregate(id, f),
        Kind::ForeignDataWrapper => Some(wrapper(id, f)),
        Kind::ForeignServer => server(id, f),
        Kind::UserMapping => Some(format!(
            "CREATE USER MAPPING FOR {} SERVER {}",
            id.name, id.on
        )),
        Kind::EventTrigger => Some(event_trigger(&id.name, f)),
        Kind::Publication => Some(publication(&id.name, f)),
        _ => None,
    }
}

fn collation(id: &Id, f: &Facets) -> Option<String> {
    let mut parts = vec![format!(
        "provider = {}",
        match f.text("provider") {
            "i" => "icu",
            "b" => "builtin",
            _ => "libc",
        }
    )];
    for (facet, word) in [
        ("locale", "locale"),
        ("collate", "lc_collate"),
        ("ctype", "lc_ctype"),
        ("rules", "rules"),
    ] {
        if f.get(facet).is_some() {
            parts.push(format!("{word} = {}", quote_literal(f.text(facet)).ok()?));
        }
    }
    if f.flag("not_deterministic") {
        parts.push("deterministic = false".to_owned());
    }
    Some(format!(
        "CREATE COLLATION {} ({})",
        id.name,
        parts.join(", ")
    ))
}

fn cast(id: &Id, f: &Facets) -> String {
    let how = match (f.text("method"), f.text("function")) {
        ("i", _) => "WITH INOUT".to_owned(),
        ("b", _) => "WITHOUT FUNCTION".to_owned(),
        (_, function) => format!("WITH FUNCTION {function}"),
    };
    let when = match f.text("context") {
        "a" => " AS ASSIGNMENT",
        "i" => " AS IMPLICIT",
        _ => "",
    };
    format!("CREATE CAST {} {how}{when}", id.name)
}

fn operator(id: &Id, f: &Facets) -> String {
    let (name, types) = id.name.split_at(words::routine(&id.name).len());
    let types = types.trim_start_matches('(').trim_end_matches(')');
    let mut parts = vec![format!("FUNCTION = {}", words::routine(f.text("function")))];
    if let Some((left, right)) = types.split_once(", ") {
        for (word, type_) in [("LEFTARG", left), ("RIGHTARG", right)] {
            if type_ != "NONE" {
                parts.push(format!("{word} = {type_}"));
            }
        }
    }
    for (facet, word) in [("commutator", "COMMUTATOR"), ("negator", "NEGATOR")] {
        if f.get(facet).is_some() {
            parts.push(format!(
                "{word} = OPERATOR({})",
                words::routine(f.text(facet))
            ));
        }
    }
    for (facet, word) in [("restrict", "RESTRICT"), ("join", "JOIN")] {
        if f.get(facet).is_some() {
            parts.push(format!("{word} = {}", words::routine(f.text(facet))));
        }
    }
    for (facet, word) in [("hashes", "HASHES"), ("merges", "MERGES")] {
        if f.flag(facet) {
            parts.push(word.to_owned());
        }
    }
    format!("CREATE OPERATOR {name} ({})", parts.join(", "))
}

fn aggregate(id: &Id, f: &Facets) -> Option<String> {
    let mut parts = vec![
        format!("SFUNC = {}", words::routine(f.text("transition"))),
        format!("STYPE = {}", f.text("state")),
    ];
    for (facet, word) in [("final", "FINALFUNC"), ("combine", "COMBINEFUNC")] {
        if f.get(facet).is_some() {
            parts.push(format!("{word} = {}", words::routine(f.text(facet))));
        }
    }
    if f.get("initial").is_some() {
        parts.push(format!(
            "INITCOND = {}",
            quote_literal(f.text("initial")).ok()?
        ));
    }
    if f.get("parallel").is_some() {
        parts.push(format!("PARALLEL = {}", f.text("parallel").to_uppercase()));
    }
    Some(format!(
        "CREATE AGGREGATE {}({}) ({})",
        words::routine(&id.name),
        f.text("arguments"),
        parts.join(", ")
    ))
}

fn wrapper(id: &Id, f: &Facets) -> String {
    let mut sql = format!("CREATE FOREIGN DATA WRAPPER {}", id.name);
    for (facet, word) in [("handler", "HANDLER"), ("validator", "VALIDATOR")] {
        if f.get(facet).is_some() {
            sql.push_str(&format!(" {word} {}", words::routine(f.text(facet))));
        }
    }
    sql
}

fn server(id: &Id, f: &Facets) -> Option<String> {
    let mut sql = format!("CREATE SERVER {}", id.name);
    for (facet, word) in [("type", "TYPE"), ("version", "VERSION")] {
        if f.get(facet).is_some() {
            sql.push_str(&format!(" {word} {}", quote_literal(f.text(facet)).ok()?));
        }
    }
    sql.push_str(&format!(
        " FOREIGN DATA WRAPPER {}",
        quote_ident(f.text("wrapper"))
    ));
    sql.push_str(&given(f.items("options"))?);
    Some(sql)
}

/// ` OPTIONS (…)`, or nothing.
pub(super) fn given(items: &[Box<str>]) -> Option<String> {
    if items.is_empty() {
        return Some(String::new());
    }
    let parts: Option<Vec<String>> = items
        .iter()
        .map(|item| {
            let (key, value) = item.split_once('=')?;
            Some(format!(
                "{} {}",
                quote_ident(key),
                quote_literal(value).ok()?
            ))
        })
        .collect();
    Some(format!(" OPTIONS ({})", parts?.join(", ")))
}

fn event_trigger(name: &str, f: &Facets) -> String {
    let tags: Vec<String> = f
        .items("tags")
        .iter()
        .filter_map(|t| quote_literal(t).ok())
        .collect();
    let when = if tags.is_empty() {
        String::new()
    } else {
        format!(" WHEN TAG IN ({})", tags.join(", "))
    };
    format!(
        "CREATE EVENT TRIGGER {name} ON {}{when} EXECUTE FUNCTION {}()",
        f.text("event"),
        words::routine(f.text("function"))
    )
}

fn publication(name: &str, f: &Facets) -> String {
    let mut what: Vec<String> = f
        .items("tables")
        .iter()
        // Children are listed by themselves.
        .map(|t| format!("TABLE ONLY {t}"))
        .collect();
    what.extend(
        f.items("schemas")
            .iter()
            .map(|s| format!("TABLES IN SCHEMA {}", quote_ident(s))),
    );
    let what = match (f.flag("all_tables"), what.as_slice()) {
        (true, _) => " FOR ALL TABLES".to_owned(),
        (false, []) => String::new(),
        (false, what) => format!(" FOR {}", what.join(", ")),
    };
    let root = if f.flag("via_root") {
        ", publish_via_partition_root = true"
    } else {
        ""
    };
    format!(
        "CREATE PUBLICATION {name}{what} WITH (publish = '{}'{root})",
        f.text("publishes")
    )
}
