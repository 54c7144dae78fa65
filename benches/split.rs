//! How long it takes to split a text of 40,000 statements, and to say what each of them does.
//!
//! Run: cargo bench --bench split

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::{Duration, Instant};

use edu::sql::Source;
use edu::sql::effect::effects;
use edu::sql::split::split;

/// The promise for splitting alone.
const LIMIT: Duration = Duration::from_secs(1);

fn main() {
    let mut text = String::new();
    for i in 0..10_000 {
        text.push_str(&format!(
            "-- table {i}\nCREATE TABLE app.t{i} (id int PRIMARY KEY, body text DEFAULT 'a;b''c');\n\
             CREATE INDEX t{i}_body ON app.t{i} (lower(body)); /* one; two */\n\
             CREATE FUNCTION app.f{i}() RETURNS int LANGUAGE sql AS $f$ SELECT 1; SELECT {i} $f$;\n\
             ALTER TABLE app.t{i} ADD COLUMN note jsonb DEFAULT '{{}}', ENABLE ROW LEVEL SECURITY;\n"
        ));
    }
    let source = Source {
        path: "big.sql",
        text: &text,
    };
    let mut best = Duration::MAX;
    let mut script = split(source).unwrap_or_default();
    for _ in 0..5 {
        let begun = Instant::now();
        script = split(source).unwrap_or_default();
        best = best.min(begun.elapsed());
    }
    let count = script.statements.len();
    assert_eq!(count, 40_000);
    println!(
        "split {count} statements ({} kB): {:.0} ms",
        text.len() / 1024,
        best.as_secs_f64() * 1e3
    );
    let begun = Instant::now();
    let found: usize = script.statements.iter().map(|one| effects(one).len()).sum();
    println!(
        "say what they do ({found} effects): {:.0} ms",
        begun.elapsed().as_secs_f64() * 1e3
    );
    // Without optimization it may take longer.
    assert!(
        cfg!(debug_assertions) || best < LIMIT,
        "splitting took {best:?}, the limit is {LIMIT:?}"
    );
}
