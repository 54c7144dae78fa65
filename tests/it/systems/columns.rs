//! Every column as the document wants it: type, NULL, default, and the key it is.

use std::collections::BTreeSet;
use std::fs;

use super::System;
use crate::support::Project;

/// One line per column, as `<system>.columns` has it. Constraints of several columns are not told here.
const COLUMNS: &str = "
SELECT c.relname || '.' || a.attname || ' | ' || format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attnotnull THEN ' | not null | ' ELSE ' | null | ' END
       || COALESCE(pg_get_expr(d.adbin, d.adrelid), '-') || ' | ' || COALESCE(k.keys, '-')
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
CROSS JOIN LATERAL (
    SELECT string_agg(key, '; ' ORDER BY at) AS keys FROM (
        SELECT CASE k.contype WHEN 'p' THEN 'PK'
                   ELSE regexp_replace(pg_get_constraintdef(k.oid), '^.* REFERENCES ', 'FK → ') END AS key,
               CASE k.contype WHEN 'p' THEN 1 ELSE 2 END AS at
        FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conkey = ARRAY[a.attnum] AND k.contype IN ('p', 'f')
        UNION ALL
        SELECT 'UNIQUE', 3 FROM pg_index i
        WHERE i.indrelid = c.oid AND i.indisunique AND NOT i.indisprimary AND i.indpred IS NULL
          AND i.indkey::text = a.attnum::text) AS every) k
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'refinery_schema_history'
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = c.oid AND x.deptype = 'e')";

/// The columns are those of `tests/it/systems/<system>.columns`, each of them, and no other.
pub fn columns(system: System) {
    let path = Project::root().join(format!("tests/it/systems/{}.columns", system.0));
    let text = fs::read_to_string(&path).unwrap();
    let wanted: BTreeSet<String> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let found: BTreeSet<String> = system
        .database()
        .rows(COLUMNS)
        .into_iter()
        .map(|mut row| row.remove(0))
        .collect();
    let missing: Vec<&String> = wanted.difference(&found).collect();
    let more: Vec<&String> = found.difference(&wanted).collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "{}: wanted and not found: {missing:#?}; found and not wanted: {more:#?}",
        system.0
    );
}
