//! A file with what stands in its DO blocks, its functions' bodies and the constants they execute.
//!
//! What runs at once is judged like a statement of the file. Where the names come later, or where somebody
//! has to call it first, only what takes rows or their isolation away is.

use super::{Found, Subject, hazard};
use crate::plan::{WHATEVER, WHEN_CALLED};
use crate::spec::migration::SqlFile;
use crate::sql::body::{Runs, inside};
use crate::sql::unfold::unfold;

/// The file with every statement that can be seen, each behind the one it runs with.
pub(super) fn whole(file: &SqlFile) -> SqlFile {
    with(file, |_| true)
}

/// The file with what runs when it runs, names known.
pub(super) fn at_once(file: &SqlFile) -> SqlFile {
    with(file, |runs| runs == Runs::AtOnce)
}

fn with(file: &SqlFile, wanted: impl Fn(Runs) -> bool) -> SqlFile {
    let statements = &file.script.statements;
    let mut inner = unfold(statements).into_iter().peekable();
    let mut all = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        all.push(statement.clone());
        while let Some(one) = inner.next_if(|one| one.outer == at) {
            all.extend(wanted(one.runs).then_some(one.statement));
        }
    }
    holding(file, all)
}

fn holding(file: &SqlFile, statements: Vec<crate::sql::split::Statement>) -> SqlFile {
    let mut file = file.clone();
    file.script.statements = statements;
    file
}

/// The hazards of the file and of what stands in its statements.
pub(super) fn hazards(file: &SqlFile, graph: Option<&str>) -> Vec<Found> {
    let mut found = hazard::found(&at_once(file), graph);
    for one in unfold(&file.script.statements) {
        let counting = match one.runs {
            Runs::AtOnce => continue,
            Runs::AtOnceNamedLater => WHATEVER,
            Runs::WhenCalled => WHEN_CALLED,
        };
        let own = hazard::found(&holding(file, vec![one.statement]), graph);
        found.extend(
            own.into_iter()
                .filter(|found| counting.iter().any(|hazard| hazard.id() == found.id)),
        );
    }
    found
}

/// Where the files run what is put together only then: path and line, from 1.
pub fn unseen(subject: &Subject<'_>) -> Vec<(String, usize)> {
    let ups = subject.migrations.iter().map(|migration| &migration.up);
    let mut all = Vec::new();
    for file in ups.chain(subject.schema) {
        let bodies = file.script.statements.iter().map(inside);
        for at in bodies.flat_map(|body| body.unseen) {
            let (line, _) = file.document.excerpt(at..at, "").position();
            all.push((file.document.path.clone(), line));
        }
    }
    all
}
