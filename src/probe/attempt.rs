//! The attempts that the matrix leads to: what must work, and what must not.

use super::table::Table;
use super::value;
use super::world::{Who, World};
use crate::posture::Oid;
use crate::spec::access::Rule;

/// Who attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// No setting was ever set in the session. Comes first: a session cannot return to it.
    Unset,
    /// Both settings are ''.
    Empty,
    /// The tenant whose id is all zeros.
    Nil,
    /// A tenant and a user without rows.
    Stranger,
    /// Tenant A without a user.
    NoUser,
    /// Tenant A, its first user.
    A1,
}

impl Context {
    /// In the order in which they are entered.
    pub const ALL: [Self; 6] = [
        Self::Unset,
        Self::Empty,
        Self::Nil,
        Self::Stranger,
        Self::NoUser,
        Self::A1,
    ];

    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "a session without a context",
            Self::Empty => "a session whose context is empty",
            Self::Nil => "the tenant whose id is all zeros",
            Self::Stranger => "a tenant without rows",
            Self::NoUser => "tenant A without a user",
            Self::A1 => "tenant A",
        }
    }

    /// Tenant and user as SQL that gives text; nothing where nothing is set.
    pub fn values(self, world: &World<'_>) -> Option<(String, String)> {
        let nil = || "'00000000-0000-0000-0000-000000000000'".to_owned();
        let empty = || "''".to_owned();
        let user = |who| world.user_id(who).unwrap_or_else(empty);
        match self {
            Self::Unset => None,
            Self::Empty => Some((empty(), empty())),
            Self::Nil => Some((nil(), nil())),
            // Where members decide, a stranger is a user whom no tenant has.
            Self::Stranger if world.scene.members().is_some() => Some((empty(), world.stranger())),
            Self::Stranger => Some((format!("'{}'", value::uuid("stranger")), user(Who::A1))),
            Self::NoUser => Some((world.tenant_id(Who::A1)?, empty())),
            Self::A1 => Some((world.tenant_id(Who::A1)?, user(Who::A1))),
        }
    }
}

/// What has to come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// As many rows as this query counts for somebody whom nothing hides anything from.
    Exactly(String),
    /// At most as many; a refusal is as good.
    AtMost(String),
    /// No row, or a refusal.
    Nothing,
    /// A refusal; a constraint's error means that the policies had let it pass.
    Refused,
    /// It works; a constraint's error means the same.
    Works,
    /// The text that comes back has none of tenant B's marks in it.
    NoMark(String),
    /// Whatever comes out, this query gives the same before and after.
    Unchanged(String),
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The table, or 0.
    pub table: Oid,
    /// The object in reports.
    pub object: String,
    /// The command.
    pub command: &'static str,
    /// What is attempted: "changes the row of another tenant by its key".
    pub what: String,
    /// The statement. A SELECT gives one count.
    pub sql: String,
    /// What has to come out.
    pub expect: Expect,
}

/// Attempts of one role in one context.
#[derive(Debug, Clone)]
pub struct Group {
    /// The context.
    pub context: Context,
    /// The role.
    pub role: String,
    /// Triggers and foreign keys keep out, so that only policies decide.
    pub replica: bool,
    /// The attempts.
    pub attempts: Vec<Attempt>,
}

/// Everything that is attempted on promised tables.
pub fn groups(world: &World<'_>) -> Vec<Group> {
    let mut all = Vec::new();
    for context in Context::ALL {
        for role in &world.scene.applications {
            let (mut bare, mut whole) = (Vec::new(), Vec::new());
            for (relation, promise) in world
                .scene
                .promised()
                .filter(|(relation, _)| relation.is_table())
            {
                let Some(shape) = world.shape(relation.oid) else {
                    continue;
                };
                let rules = promise.roles.get(role).copied();
                let table = Table {
                    world,
                    relation,
                    promise,
                    shape,
                    role,
                    rule: &|command| rules.map_or(Rule::Deny, |r| r.of(command)),
                };
                if context == Context::A1 {
                    table.inside(&mut bare);
                    table.works(&mut whole);
                } else {
                    table.outside(context, &mut bare);
                }
            }
            all.push(Group {
                context,
                role: role.clone(),
                replica: true,
                attempts: bare,
            });
            if !whole.is_empty() {
                all.push(Group {
                    context,
                    role: role.clone(),
                    replica: false,
                    attempts: whole,
                });
            }
        }
    }
    all
}
