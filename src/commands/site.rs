//! Where vector indexes are built, from what the command line, the project and this machine say.

use super::Invocation;
use crate::pg::index::{Local, Options, Site};
use crate::pg::{Cancel, Server};
use crate::server::machine;
use crate::spec::manifest::Manifest;

impl Invocation {
    /// The site of `server` for this project. This machine counts when the server seems to be on it.
    pub fn site<'a>(
        &self,
        server: &'a Server,
        manifest: &'a Manifest,
        options: Options,
        cancel: &'a Cancel,
    ) -> Site<'a> {
        let local = server.is_local().then(|| Local {
            machine: machine::read(),
            disk_free: machine::disk_free,
        });
        Site {
            server,
            owner: manifest.roles.owner.as_deref(),
            dims: manifest.vectors.as_ref().map(|vectors| vectors.dimensions),
            local,
            options,
            cancel,
        }
    }
}
