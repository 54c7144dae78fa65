//! One clone: made under a lock of its name, marked with its lease, dropped by whoever holds it.

use sqlx::Connection;

use super::admin::{Admin, Class, Path};
use super::mark::{Kind, Lease, Mark, Owner, Strategy};
use super::{Template, new_name};
use crate::catalog::name::{quote_ident, quote_literal};
use crate::failure::{Exit, Failure, Result};
use crate::pg::Server;
use crate::pg::error::{failure, sqlstate};

/// How long a clone is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// As long as the connection that made it lives.
    Session,
    /// For so many seconds, whoever uses it.
    Seconds(i64),
}

/// A clone, and the connection whose life it depends on.
pub struct Held {
    /// How to reach the clone.
    pub server: Server,
    project: String,
    lease: Lease,
    path: Path,
    admin: Admin,
}

/// Makes a clone of `template` on a connection that goes on to other work: its lease is a time.
///
/// # Errors
/// Exit 8 without the right to create databases; exit 5 with the server's words. Then there is none.
pub async fn create(
    admin: &mut Admin,
    template: &Template,
    owner: &Owner,
    seconds: i64,
) -> Result<Server> {
    let (name, _) = make(admin, template, owner, Life::Seconds(seconds)).await?;
    admin.unlock(Class::Clone, &name).await?;
    Ok(admin.server.with_database(&name))
}

impl Held {
    /// Makes a clone of `template` that lives no longer than this value, or its process.
    ///
    /// # Errors
    /// As [`create`].
    pub async fn create(
        mut admin: Admin,
        template: &Template,
        owner: &Owner,
        path: Path,
    ) -> Result<Self> {
        let (name, lease) = make(&mut admin, template, owner, Life::Session).await?;
        Ok(Self {
            server: admin.server.with_database(&name),
            project: template.project.clone(),
            lease,
            path,
            admin,
        })
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        self.server.database()
    }

    /// Sees that the connection lives, and opens it again where it broke: a network may drop what is
    /// silent for long, and a server may have been restarted.
    ///
    /// # Errors
    /// When the server cannot be reached now. The clone is then without protection until it can.
    pub async fn renew(&mut self) -> Result<()> {
        if self.admin.connection.ping().await.is_ok() {
            return Ok(());
        }
        let mut admin = Admin::open(&self.server, self.path).await?;
        let (held, _) = admin.try_lock(Class::Clone, self.name()).await?;
        self.admin = admin;
        if held {
            Ok(())
        } else {
            Err(Failure::new(
                Exit::Lock,
                format!("the lease of \"{}\" was lost", self.name()),
            ))
        }
    }

    /// Drops the clone.
    ///
    /// # Errors
    /// When the server refuses; `edu testdb gc` tries again.
    pub async fn drop_it(mut self) -> Result<()> {
        let name = self.name().to_owned();
        drop_database(&mut self.admin, &name).await?;
        self.admin.close().await;
        Ok(())
    }

    /// Keeps the clone for so many seconds from now, without this process.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn keep(mut self, seconds: i64) -> Result<Server> {
        let name = self.name().to_owned();
        let now = self.admin.now().await?;
        let lease = Lease {
            expires: Some(now + seconds),
            ..self.lease.clone()
        };
        let text = comment(&name, &Mark::new(&self.project, Kind::Clone(lease)))?;
        self.admin.run(&text, &format!("keep \"{name}\"")).await?;
        self.admin.close().await;
        Ok(self.server)
    }
}

/// The statement that marks a database.
pub(super) fn comment(name: &str, mark: &Mark) -> Result<String> {
    let text = quote_literal(&mark.text())?;
    Ok(format!(
        "COMMENT ON DATABASE {} IS {text}",
        quote_ident(name)
    ))
}

/// The statement that copies a template.
pub(super) fn copy(name: &str, template: &str, strategy: Strategy, owner: Option<&str>) -> String {
    let owner = owner.map_or(String::new(), |owner| {
        format!(" OWNER {}", quote_ident(owner))
    });
    format!(
        "CREATE DATABASE {} TEMPLATE {}{owner} STRATEGY {}",
        quote_ident(name),
        quote_ident(template),
        strategy.keyword()
    )
}

/// Makes a clone. The lock of its name is held afterwards.
async fn make(
    admin: &mut Admin,
    template: &Template,
    owner: &Owner,
    life: Life,
) -> Result<(String, Lease)> {
    let name = new_name(&template.project);
    let (held, now) = admin.try_lock(Class::Clone, &name).await?;
    if !held {
        return Err(Failure::new(
            Exit::Lock,
            format!("the name \"{name}\" is in use"),
        ));
    }
    prepare(admin, template.strategy).await?;
    // A role that may not give a database away keeps it.
    let given = admin
        .identity
        .superuser
        .then_some(template.privileges.owner.as_str());
    let sql = copy(&name, &template.name, template.strategy, given);
    if let Err(error) = admin.attempt(sql).await {
        return Err(refused(admin, template, &error));
    }
    let lease = Lease {
        template: template.name.clone(),
        owner: owner.clone(),
        since: now,
        expires: match life {
            Life::Session => None,
            Life::Seconds(seconds) => Some(now + seconds),
        },
    };
    let mark = Mark::new(&template.project, Kind::Clone(lease.clone()));
    let mut sql = comment(&name, &mark)?;
    sql.push_str(";\n");
    sql.push_str(&template.privileges.statements(&name)?);
    let doing = format!("give \"{name}\" the settings and privileges of its template");
    if let Err(error) = admin.attempt(sql).await {
        let _ = drop_database(admin, &name).await;
        return Err(failure(&doing, &error)
            .detail("The database was dropped again.")
            .hint("Use a role that may make these settings: a superuser, or one with GRANT SET ON PARAMETER."));
    }
    Ok((name, lease))
}

/// Sets what the strategy needs of the session.
pub(super) async fn prepare(admin: &mut Admin, strategy: Strategy) -> Result<()> {
    if admin.identity.major() < 18 || strategy == Strategy::WalLog {
        return Ok(());
    }
    let method = if strategy == Strategy::FileCopyClone {
        "clone"
    } else {
        "copy"
    };
    let sql = format!("SET file_copy_method = {}", quote_literal(method)?);
    admin.run(&sql, "choose how files are copied").await
}

fn refused(admin: &Admin, template: &Template, error: &sqlx::Error) -> Failure {
    let name = &template.name;
    let failure = failure(&format!("clone the template \"{name}\""), error);
    match sqlstate(error) {
        "42501" => failure.exit(Exit::Refused).hint(format!(
            "Let a superuser run: ALTER ROLE {} CREATEDB",
            quote_ident(&admin.identity.user)
        )),
        "3D000" => failure.hint("It was removed just now; run the command again."),
        "53100" => failure.hint("Free some space: edu testdb gc"),
        _ => failure,
    }
}

/// Drops a database and ends whatever is connected to it. The lock of its name is the caller's.
pub(super) async fn drop_database(admin: &mut Admin, name: &str) -> Result<()> {
    let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_ident(name));
    admin
        .attempt(sql)
        .await
        .map_err(|error| failure(&format!("drop database \"{name}\""), &error))
}
