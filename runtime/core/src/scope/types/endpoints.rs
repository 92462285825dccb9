//! Endpoints.

use super::super::endpoint::{Endpoint, covers};
use super::super::{Scope, Set, SetType, TypedField};
use crate::text::inert;

/// Endpoints of servers, `HOST:PORT`. In a scope, `*.example.org:443` stands for every name below `example.org`, and
/// `db.example.org:*` for every port. An argument has one spelling: see [`canonical_endpoint`].
///
/// [`canonical_endpoint`]: super::super::canonical_endpoint
#[derive(Debug)]
pub enum Endpoints {}

impl SetType for Endpoints {
    const SET: Set = Set {
        name: "endpoints",
        format: "list of `HOST:PORT`",
        preposition: "at",
        things: "endpoints",
        example: "db.example.org:5432",
        member: |written, _| match Endpoint::pattern(written) {
            Ok(endpoint) => Ok(endpoint.to_string()),
            Err(why) => Err(format!("holds `{}`, which {why}", inert(written, 200))),
        },
        covers,
        argument: "an endpoint",
        valid: |text| match Endpoint::exact(text) {
            Ok(endpoint) if endpoint.to_string() == text => Ok(()),
            Ok(endpoint) => Err(format!("is `{}`: write it as `{endpoint}`", inert(text, 200))),
            Err(why) => Err(format!("is `{}`, which {why}", inert(text, 200))),
        },
        permits: covers,
        must: |field| format!("an endpoint that one of `{field}` covers"),
    };
}

impl Scope {
    /// Endpoints; none where the scope lacks the field.
    pub fn endpoints(&self, field: &TypedField<Endpoints>) -> &[String] {
        self.members(field)
    }
}
