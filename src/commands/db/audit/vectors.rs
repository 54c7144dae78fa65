//! The vector indexes: what `edu db index status` finds, without measuring recall.

use super::{Part, Run, Told, counted};
use crate::catalog::{Id, Kind};
use crate::failure::{Exit, Failure, Result};
use crate::finding::{Finding, Level};
use crate::pg::index::status::{self, Status};
use crate::pg::index::{Options, Site};
use crate::pg::{Cancel, session};
use crate::spec::vectors::VectorIndex;

impl Run<'_> {
    /// Returns whether the project has vector indexes.
    pub(super) fn vectors(&mut self) -> Result<bool> {
        let (invocation, project) = (self.audit.invocation, self.audit.project);
        let indexes = project.vectors()?.indexes;
        if indexes.is_empty() {
            return Ok(false);
        }
        if !self.ready(Part::Vectors) {
            return Ok(true);
        }
        let cancel = Cancel::default();
        let (server, options) = (self.audit.server, Options::default());
        let site = invocation.site(server, &project.manifest, options, &cancel);
        let outcome = invocation.block_on(look(&site, &indexes));
        let Some((found, remarks)) = self.unseen(Part::Vectors, outcome)? else {
            return Ok(true);
        };
        let told = |finding| Told::by_code(Part::Vectors, finding);
        self.told.extend(found.into_iter().map(told));
        self.note(format!(
            "vectors: {} looked at, recall not measured; {} (edu db index status --recall)",
            counted(indexes.len(), "index", "indexes"),
            counted(remarks, "remark", "remarks"),
        ));
        Ok(true)
    }
}

/// What is wrong, and how many remarks there are.
async fn look(site: &Site<'_>, indexes: &[VectorIndex]) -> Result<(Vec<Finding>, usize)> {
    let (mut connection, _) = session::open(site.server, "edu db verify").await?;
    let mut remarks = status::release(&mut connection).await?.len();
    let mut findings = Vec::new();
    for index in indexes {
        match status::look(&mut connection, site, std::slice::from_ref(index)).await {
            Ok(all) => {
                for status in &all {
                    remarks += status.remarks.len();
                    findings.extend(of(status, index));
                }
            }
            // Its table or operator class is not there.
            Err(failure) if failure.exit == Exit::Sql => findings.push(impossible(&failure, index)),
            Err(failure) => return Err(failure),
        }
    }
    Ok((findings, remarks))
}

fn of(status: &Status, index: &VectorIndex) -> Vec<Finding> {
    let told = |text: &String| finding(index, &format!("vector-index-{}", word(status)), text);
    status.findings.iter().map(told).collect()
}

fn word(status: &Status) -> &'static str {
    match status.state {
        "valid" => "differs",
        state => state,
    }
}

fn impossible(failure: &Failure, index: &VectorIndex) -> Finding {
    Finding {
        hint: failure.hint.clone(),
        ..finding(index, "vector-index-missing", &failure.error)
    }
}

fn finding(index: &VectorIndex, code: &str, text: &str) -> Finding {
    let id = Id::new(
        Kind::Index,
        index.table.to_string(),
        crate::catalog::name::quote_ident(&index.name.name),
    );
    Finding {
        code: code.to_owned(),
        level: Level::Error,
        group: id.group().to_owned(),
        object: id.to_string(),
        message: text.to_owned(),
        consequence: "searches are slower than they were meant to be, or do not find what is there"
            .to_owned(),
        hint: Some("edu db index, or edu db index rebuild".to_owned()),
        repair: None,
        path: Some("spec/vectors.toml".to_owned()),
        place: None,
    }
}
