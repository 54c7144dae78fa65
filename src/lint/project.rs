//! What the files say together: which tables row-level security is on, and which a policy is for.

use std::collections::BTreeSet;

use super::{Found, Subject, at};
use crate::catalog::name::quote_ident;
use crate::spec::migration::SqlFile;
use crate::sql::reader::Reader;
use crate::sql::split::Statement;
use crate::sql::token::{Kind, tokens};

/// What all migrations and the schema say together.
pub(super) struct Whole {
    secured: BTreeSet<String>,
    policed: BTreeSet<String>,
    /// Functions to come are not given to PUBLIC.
    pub(super) functions_closed: bool,
    graph: Option<String>,
    isolated: Option<BTreeSet<String>>,
}

impl Whole {
    pub(super) fn of(subject: &Subject<'_>) -> Self {
        let mut whole = Self {
            secured: BTreeSet::new(),
            policed: BTreeSet::new(),
            functions_closed: false,
            graph: subject.graph.map(str::to_owned),
            isolated: subject.isolated.cloned(),
        };
        let ups = subject.migrations.iter().map(|migration| &migration.up);
        for file in ups.chain(subject.schema).map(super::unfold::at_once) {
            for statement in &file.script.statements {
                whole.secured.extend(secures(statement));
                whole.policed.extend(polices(statement));
                whole.functions_closed |= closes_functions(statement);
            }
        }
        whole
    }

    /// Whether there is row-level security at all.
    pub(super) fn isolates(&self) -> bool {
        !self.secured.is_empty()
    }

    /// A label that a statement makes in a graph whose tenants are kept apart, and that neither the ontology nor a
    /// policy knows.
    pub(super) fn open_label(&self, statement: &Statement) -> Option<String> {
        let (graph, isolated) = (self.graph.as_ref()?, self.isolated.as_ref()?);
        let label = makes_label(statement, graph)?;
        let table = format!("{}.{}", quote_ident(graph), quote_ident(&label));
        let known = isolated.contains(&label) || self.policed.contains(&table);
        (!known).then_some(label)
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

/// The label that `create_vlabel('graph', 'label')` or `create_elabel` makes.
fn makes_label(statement: &Statement, graph: &str) -> Option<String> {
    let text = &statement.text;
    let items: Vec<(Kind, &str)> = tokens(text)
        .filter(|token| !token.kind.is_trivia())
        .map(|token| (token.kind, &text[token.span]))
        .collect();
    let makes = |word: &str| {
        ["create_vlabel", "create_elabel"].contains(&word.to_ascii_lowercase().as_str())
    };
    let five = items
        .windows(5)
        .find(|five| makes(five[0].1) && five[1].0 == Kind::Open)?;
    let constant = |at: usize| (five[at].0 == Kind::Text).then(|| five[at].1.trim_matches('\''));
    (constant(2)? == graph).then(|| constant(4).map(str::to_owned))?
}

/// A name without a schema is taken for one in public.
fn qualified(name: String) -> String {
    if name.contains('.') {
        name
    } else {
        format!("public.{name}")
    }
}
