//! What a database holds, as values. Nothing here reads a database: `pg::inspect` does.
//!
//! A [`Catalog`] is a sorted map from an object's [`Id`] to its facets. A facet that has the server's
//! default is left out, so that two catalogs are compared by what was chosen, and stay small.

pub mod facet;
pub mod fingerprint;
pub mod kind;
pub mod name;
pub mod object;
pub mod snapshot;

use std::collections::BTreeMap;

pub use facet::{Facets, Value};
pub use kind::Kind;
pub use object::Id;

/// All that was found in one database, or is wanted of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The server's major.
    pub major: u16,
    /// The objects, by kind and name.
    pub objects: BTreeMap<Id, Facets>,
    /// What was found and has no model: "operator class public.x". Sorted.
    pub unmodelled: Vec<String>,
    /// What the reading role may not see, as sentences.
    pub unseen: Vec<String>,
}

impl Catalog {
    /// One facet of one object.
    pub fn facet(&self, id: &Id, facet: &str) -> Option<&Value> {
        self.objects.get(id)?.get(facet)
    }

    /// The objects of one kind, by name.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (&Id, &Facets)> {
        let from = Id::new(kind, "", "");
        self.objects
            .range(from..)
            .take_while(move |(id, _)| id.kind == kind)
    }

    /// The names of the roles, as the server spells them.
    pub fn roles(&self) -> Vec<String> {
        self.of(Kind::Role)
            .filter_map(|(id, _)| name::parse_ident(&id.name).ok())
            .collect()
    }

    /// Takes out an extension, its schema, and privileges on what it brought there.
    pub fn leave_out_extension(&mut self, extension: &str, schema: &str) {
        let inside = format!("{schema}.");
        self.objects.retain(|id, _| match id.kind {
            Kind::Extension => *id.name != *extension,
            Kind::Schema => *id.name != *schema,
            Kind::ExtensionPrivileges => !id.name.starts_with(&inside),
            _ => true,
        });
    }

    /// The parts of `relation` that are of `kind`: its columns, policies and so on.
    pub fn parts(&self, kind: Kind, relation: &str) -> impl Iterator<Item = (&Id, &Facets)> {
        let from = Id::new(kind, relation, "");
        self.objects
            .range(from..)
            .take_while(move |(id, _)| id.kind == kind && &*id.on == relation)
    }
}
