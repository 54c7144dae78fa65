//! What the files say together: which tables row-level security is on, and which a policy is for.

use std::collections::BTreeSet;

use super::{Found, Subject, at};
use crate::spec::migration::SqlFile;
use crate::sql::reader::Reader;
use crate::sql::split::Statement;

/// What all migrations and the schema say together.
pub(super) struct Whole {
    secured: BTreeSet<String>,
    policed: BTreeSet<String>,
    /// Functions to come are not given to PUBLIC.
    pub(super) functions_closed: bool,
}

impl Whole {
    pub(super) fn of(subject: &Subject<'_>) -> Self {
        let mut whole = Self {
            secured: BTreeSet::new(),
            policed: BTreeSet::new(),
            functions_closed: false,
        };
        let ups = subject.migrations.iter().map(|migration| &migration.up);
        for statement in ups
            .chain(subject.schema)
            .flat_map(|file| &file.script.statements)
        {
            if let Some(table) = secures(statement) {
                whole.secured.insert(table);
            }
            if let Some(table) = polices(statement) {
                whole.policed.insert(table);
            }
            whole.functions_closed |= closes_functions(statement);
        }
        whole
    }

    /// Whether there is row-level security at all.
    pub(super) fn isolates(&self) -> bool {
        !self.secured.is_empty()
    }

    /// Security without a policy, a policy without security.
    pub(super) fn found(&self, file: &SqlFile) -> Vec<Found> {
        let mut found = Vec::new();
        for statement in &file.script.statements {
            let start = statement.body.start;
            if let Some(table) = secures(statement).filter(|table| !self.policed.contains(table)) {
                let message = format!(
                    "row-level security of {table} is enabled, and no file has a policy for it"
                );
                found.push(at(&file.document, start, "rls-without-policy", message));
            }
            if let Some(table) = polices(statement).filter(|table| !self.secured.contains(table)) {
                let message =
                    format!("a policy is for {table}, and no file enables its row-level security");
                found.push(at(&file.document, start, "policy-without-rls", message));
            }
        }
        found
    }
}

/// The table whose row-level security a statement enables.
fn secures(statement: &Statement) -> Option<String> {
    let mut reader = Reader::new(&statement.text);
    if !reader.skip(&["ALTER", "TABLE"]) {
        return None;
    }
    reader.skip(&["IF", "EXISTS"]);
    reader.skip(&["ONLY"]);
    let table = qualified(reader.name()?);
    while reader.seek("ENABLE") {
        if reader.follows(&["ROW", "LEVEL", "SECURITY"]) {
            return Some(table);
        }
    }
    None
}

/// The table that a statement creates a policy for.
fn polices(statement: &Statement) -> Option<String> {
    let mut reader = Reader::new(&statement.text);
    if !reader.skip(&["CREATE", "POLICY"]) {
        return None;
    }
    reader.name()?;
    reader.skip(&["ON"]).then(|| reader.name().map(qualified))?
}

/// `ALTER DEFAULT PRIVILEGES … REVOKE … ON FUNCTIONS FROM PUBLIC`.
fn closes_functions(statement: &Statement) -> bool {
    let mut reader = Reader::new(&statement.text);
    reader.skip(&["ALTER", "DEFAULT", "PRIVILEGES"])
        && reader.seek("REVOKE")
        && (reader.has("FUNCTIONS") || reader.has("ROUTINES"))
        && reader.seek("FROM")
        && reader.has("PUBLIC")
}

/// A name without a schema is taken for one in public.
fn qualified(name: String) -> String {
    if name.contains('.') {
        name
    } else {
        format!("public.{name}")
    }
}
