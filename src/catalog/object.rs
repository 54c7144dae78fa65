//! How an object is named.

use super::kind::Kind;

/// An object's kind and name. The parts are quoted where SQL needs it, so they can stand in a
/// statement as they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The kind.
    pub kind: Kind,
    /// What it belongs to ("public.users"); empty for what stands alone.
    pub on: Box<str>,
    /// Its name, with the schema where it stands alone in one, with argument types for a function.
    pub name: Box<str>,
}

impl Id {
    /// Joins a kind and quoted names.
    pub fn new(kind: Kind, on: impl Into<Box<str>>, name: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            on: on.into(),
            name: name.into(),
        }
    }

    /// What it is grouped under in a report: what it belongs to, else itself.
    pub fn group(&self) -> &str {
        if self.on.is_empty() {
            &self.name
        } else {
            &self.on
        }
    }
}

impl std::fmt::Display for Id {
    /// "column public.users.email", "policy own_rows on public.users", "table public.users".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, on, name } = self;
        match kind {
            Kind::Database => f.write_str("the database"),
            Kind::Setting => write!(f, "setting {name} of the {on}"),
            Kind::Column => write!(f, "column {on}.{name}"),
            Kind::Membership => write!(f, "membership of {on} in {name}"),
            Kind::UserMapping => write!(f, "user mapping of {name} for {on}"),
            Kind::ExtensionPrivileges => write!(f, "privileges on {name}"),
            Kind::DefaultPrivileges => write!(f, "default privileges of {name}"),
            Kind::Label => write!(f, "label {name} ({on})"),
            _ if on.is_empty() => write!(f, "{kind} {name}"),
            _ => write!(f, "{kind} {name} on {on}"),
        }
    }
}
