//! Expressions over a label table's columns, written the way the server writes them back.
//!
//! The server's own spelling makes wanted and found comparable: with `search_path` set to
//! `pg_catalog` alone, what it prints depends on the expression only. Source: `ruleutils.c`.

use crate::catalog::name::quote_literal;
use crate::failure::Result;

/// `properties ->> 'p'`: what policies and plain SQL read. The key is a text literal; a bare one would
/// be taken for agtype.
///
/// # Errors
/// Exit 2 for a NUL byte.
pub fn text_of(property: &str) -> Result<String> {
    Ok(format!(
        "(properties OPERATOR(ag_catalog.->>) {}::text)",
        quote_literal(property)?
    ))
}

/// `properties -> 'p'`, as agtype.
///
/// # Errors
/// Exit 2 for a NUL byte.
pub fn member_of(property: &str) -> Result<String> {
    Ok(format!(
        "(properties OPERATOR(ag_catalog.->) {}::text)",
        quote_literal(property)?
    ))
}

/// What Cypher makes of `v.p`.
///
/// # Errors
/// Exit 2 for a NUL byte.
pub fn access_to(property: &str) -> Result<String> {
    let key = quote_literal(&serde_json::Value::from(property).to_string())?;
    Ok(format!(
        "ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, {key}::ag_catalog.agtype])"
    ))
}

/// The property's value in agtype's text form: `"text"`, `1.5`, `[…]`. NULL when it is missing.
///
/// # Errors
/// Exit 2 for a NUL byte.
pub fn written_of(property: &str) -> Result<String> {
    Ok(format!(
        "(ag_catalog.agtype_out({}))::text",
        member_of(property)?
    ))
}

/// The tenant of the session; NULL without one, so that nothing is equal to it.
///
/// # Errors
/// Exit 2 for a NUL byte.
pub fn context_of(setting: &str) -> Result<String> {
    Ok(format!(
        "NULLIF(current_setting({}::text, true), ''::text)",
        quote_literal(setting)?
    ))
}

/// A number as the server prints a `double precision` constant: the shortest digits, and an exponent
/// of at least two digits beyond 15 places.
pub fn double(number: f64) -> String {
    let plain = number == 0.0 || (1e-4..1e15).contains(&number.abs());
    if plain {
        return format!("'{number}'::double precision");
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("'{digits}e{sign}{exponent:0>2}'::double precision")
}

/// An expression without what says nothing: white space and parentheses outside of quotes.
///
/// Two of edu's expressions that are equal then are the same: no other grouping of their tokens has
/// the types that the operators need.
pub fn canonical(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(closing) => {
                out.push(c);
                if c == closing {
                    quote = None;
                }
            }
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                out.push(c);
            }
            None if c.is_whitespace() || matches!(c, '(' | ')') => {}
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grouping_and_spaces_say_nothing_outside_of_quotes() {
        assert_eq!(canonical("((a  = 'x (y)') )"), canonical("a='x (y)'"));
        assert_ne!(canonical("a = 'x'"), canonical("a = ' x'"));
    }

    #[test]
    fn a_number_is_written_as_the_server_writes_it() {
        for (number, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (1e20, "1e+20"),
            (-2.5e-7, "-2.5e-07"),
        ] {
            assert_eq!(double(number), format!("'{text}'::double precision"));
        }
    }
}
