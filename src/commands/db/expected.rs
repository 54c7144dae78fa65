//! What `verify`, `snapshot` and their kin share: the project's files, and the catalog they give.

use super::Invocation;
use crate::catalog::Catalog;
pub(super) use crate::expected::{SNAPSHOT, Sources, committed, snapshot};
use crate::failure::{Failure, Result};
use crate::pg::Server;
use crate::pg::scratch::{self, From};
use crate::progress::Report;
use crate::project::Project;
use crate::server::cluster::SUPERUSER;
use crate::server::ephemeral::Options;
use crate::server::{Ephemeral, Runtime};

/// A server for scratch databases, which ends with this value if it was started for them.
pub(super) struct ScratchServer {
    pub server: Server,
    _own: Option<Ephemeral>,
}

/// The server that `url` names, else one of its own with the extensions it needs: roles belong to a whole server, so the one that
/// is verified cannot say what roles the project wants.
///
/// # Errors
/// Exit 2 for what is no URL; those of installing and starting a server.
pub(super) fn scratch_server(
    invocation: &Invocation,
    needs: &[&str],
    url: Option<&str>,
    major: u16,
) -> Result<ScratchServer> {
    if let Some(url) = url {
        let server = Server::from_url(url, "--scratch-url")?;
        return Ok(ScratchServer { server, _own: None });
    }
    let report = |progress| invocation.ui.hear(progress);
    let runtime = Runtime::ensure(&invocation.environment, major, needs, &report)?;
    let edu = std::env::current_exe()
        .map_err(|error| Failure::io("find this program's own file", &error))?;
    let own = Ephemeral::start(&runtime, &edu, &Options::default())?;
    let server = Server::from_url(&own.url("postgres", SUPERUSER), "the scratch server")?;
    Ok(ScratchServer {
        server,
        _own: Some(own),
    })
}

/// The catalog that the project's files give.
///
/// # Errors
/// See [`scratch::catalog`].
pub(super) async fn build(
    scratch: &ScratchServer,
    project: &Project,
    sources: &Sources,
    from: From,
    report: Report<'_>,
) -> Result<Catalog> {
    // Without a spec the migrations are all that is wanted.
    let from = match from {
        From::Spec if !sources.has_schema() => From::Migrations(None),
        from => from,
    };
    scratch::catalog(&scratch.server, &sources.wanted(project), from, report).await
}
