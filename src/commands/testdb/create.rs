//! `edu testdb create`

use std::time::Duration as Time;

use futures_util::future::join_all;
use serde::Serialize;

use super::{Invocation, Output, Target, Wanted, positive, site, tell};
use crate::failure::{Exit, Failure, Result};
use crate::pg::connect::Secret;
use crate::pg::testdb::Template;
use crate::pg::testdb::sweep::{self, Force};
use crate::pg::{Cancel, Server};
use crate::sql::duration::Duration;
use crate::testdb::Site;
use crate::testdb::site::{UNUSED_MAX, told};

/// Make databases for tests, each a fresh copy of the migrated, seeded and verified template
///
/// The template is built once per state of the project's files, however many processes ask for it,
/// and verified then: its copies are the same bytes. Each database is kept for its --ttl, then the
/// next create, run or gc drops it. Prints one URL per line, without a password.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    wanted: Wanted,
    /// How many
    #[arg(long, value_name = "N", default_value = "1", value_parser = positive)]
    count: usize,
    /// How many are made at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = positive)]
    jobs: usize,
    /// How long each is kept
    #[arg(long, value_name = "TIME", default_value = "1h")]
    ttl: Duration,
    /// Build the template if it is not there, and make no database
    #[arg(long, conflicts_with_all = ["count", "jobs", "ttl"])]
    template_only: bool,
    /// Put the password into the URLs, where --url or DATABASE_URL has one
    #[arg(long)]
    show_password: bool,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// The answer for machines.
#[derive(Debug, Serialize)]
struct Answer {
    schema: u32,
    template: String,
    strategy: String,
    databases: Vec<Made>,
}

#[derive(Debug, Serialize)]
struct Made {
    name: String,
    url: String,
}

/// Runs the command.
///
/// # Errors
/// See [`Site::template`] and [`Site::create`]; what was made by then is dropped again.
pub(super) fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let site = site(&args.target, &args.wanted, "edu testdb create", invocation)?;
    let cancel = Cancel::default();
    let report = |progress| invocation.ui.hear(progress);
    invocation.block_on_until(&cancel, async {
        let mut admin = site.open().await?;
        let template = site.template(&mut admin, &cancel, &report).await?;
        invocation.ui.detail(told(&template));
        admin.close().await;
        let made = if args.template_only {
            Vec::new()
        } else {
            all(args, &site, &template, &cancel).await?
        };
        answer(args, &template, &made, invocation)?;
        let names = made.iter().map(|one| one.database().to_owned()).collect();
        let swept = site.sweep_in_passing(template.name, names).await;
        tell(&swept, invocation);
        Ok(Exit::Done)
    })
}

/// Makes all of them, some at once; or none, when one of them fails.
async fn all(
    args: &Args,
    site: &Site,
    template: &Template,
    cancel: &Cancel,
) -> Result<Vec<Server>> {
    let jobs = args.jobs.min(args.count);
    let shares = (0..jobs).map(|job| {
        let count = args.count / jobs + usize::from(job < args.count % jobs);
        share(args.ttl.into(), site, template, cancel, count)
    });
    let (mut made, mut failed) = (Vec::new(), None);
    for (some, failure) in join_all(shares).await {
        made.extend(some);
        failed = failed.or(failure);
    }
    let Some(failure) = failed else {
        return Ok(made);
    };
    let mut admin = site.open().await?;
    let scope = site.scope(None, UNUSED_MAX);
    for server in made {
        sweep::drop_named(&mut admin, &scope, server.database(), Force::No).await?;
    }
    admin.close().await;
    Err(failure.detail("What was made until then was dropped again."))
}

/// Makes `count` of them, one after another on one connection. Shape: those made before a failure, and it.
async fn share(
    life: Time,
    site: &Site,
    template: &Template,
    cancel: &Cancel,
    count: usize,
) -> (Vec<Server>, Option<Failure>) {
    let mut made = Vec::new();
    let mut admin = match site.open().await {
        Ok(admin) => admin,
        Err(failure) => return (made, Some(failure)),
    };
    for _ in 0..count {
        if cancel.requested().is_some() {
            return (made, Some(cancel.failure()));
        }
        match site.create(&mut admin, template, life).await {
            Ok(server) => made.push(server),
            Err(failure) => return (made, Some(failure)),
        }
    }
    admin.close().await;
    (made, None)
}

fn answer(
    args: &Args,
    template: &Template,
    made: &[Server],
    invocation: &Invocation,
) -> Result<()> {
    let secret = if args.show_password {
        Secret::Shown
    } else {
        Secret::Hidden
    };
    if args.output == Output::Json {
        let databases = made
            .iter()
            .map(|server| Made {
                name: server.database().to_owned(),
                url: server.client_url(secret),
            })
            .collect();
        return super::json(
            invocation,
            &Answer {
                schema: 1,
                template: template.name.clone(),
                strategy: template.strategy.to_string(),
                databases,
            },
        );
    }
    if args.template_only {
        invocation.ui.answer(&template.name);
    }
    for server in made {
        invocation.ui.answer(server.client_url(secret));
    }
    Ok(())
}
