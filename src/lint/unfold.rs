//! A file with what stands in its DO blocks, its functions' bodies and the constants they execute.
//!
//! What runs at once is judged like a statement of the file. Where the names come later, or where somebody
//! has to call it first, only what takes rows or their isolation away is.

use super::{Found, Subject, hazard};
use crate::spec::migration::SqlFile;
use crate::sql::body::{Body, Runs, inside};
use crate::sql::hazard::Hazard;

/// Hazards that count whatever table a statement turns out to be for.
const WHATEVER: [Hazard; 3] = [
    Hazard::WeakensIsolation,
    Hazard::DataLoss,
    Hazard::ConcurrentIndexOnGraph,
];

/// The file with every statement that can be seen, each behind the one it stands in.
pub(super) fn whole(file: &SqlFile) -> SqlFile {
    with(file, |_| true)
}

/// The file with what runs when it runs, names known.
pub(super) fn at_once(file: &SqlFile) -> SqlFile {
    with(file, |runs| runs == Runs::AtOnce)
}

fn with(file: &SqlFile, wanted: impl Fn(Runs) -> bool) -> SqlFile {
    let mut all = Vec::new();
    for statement in &file.script.statements {
        all.push(statement.clone());
        let inner = inside(statement).statements.into_iter();
        all.extend(inner.filter(|(_, runs)| wanted(*runs)).map(|(one, _)| one));
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
    let bodies = file.script.statements.iter().map(inside);
    for (statement, runs) in bodies.flat_map(|body: Body| body.statements) {
        let counts = |id: &str| match runs {
            Runs::AtOnce => false,
            Runs::AtOnceNamedLater => WHATEVER.iter().any(|hazard| hazard.id() == id),
            // What a function is for may well be to delete.
            Runs::WhenCalled => [WHATEVER[0], WHATEVER[2]]
                .iter()
                .any(|hazard| hazard.id() == id),
        };
        let own = hazard::found(&holding(file, vec![statement]), graph);
        found.extend(own.into_iter().filter(|one| counts(one.id)));
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
