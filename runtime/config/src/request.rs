//! A policy's request for one interface: one table below `[capabilities]` of the manifest.

use ansai_core::{Interface, InterfaceKind, InterfaceName, Scope, ScopeInForce, ScopeTables, codes};

use crate::fields::Fields;
use crate::grants::FEWER;
use crate::node::Entry;
use crate::problem::{Problem, Problems};
use crate::scope_table::{self, Side};

/// A policy's request for one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The author's reason; untrusted text.
    pub reason: String,
    /// Whether the policy does not load without a grant.
    pub required: bool,
    /// The widest tables that the policy can use: one of them must cover a call. Fields that are not named are left to
    /// the operator.
    pub scope: ScopeTables,
    /// The tables that the author suggests to grant; also those of a policy that runs without a configuration.
    pub suggest: ScopeTables,
}

impl Request {
    /// The tables to show or to grant, each as what is requested and what is suggested. If the author wrote several of
    /// both, the suggested ones.
    pub fn tables(&self) -> Vec<(Scope, Scope)> {
        let (asked, suggested) = (&self.scope, &self.suggest);
        match (asked.only(), suggested.only()) {
            (Some(asked), _) => suggested.iter().map(|one| (asked.clone(), one.clone())).collect(),
            (None, Some(suggested)) => asked.iter().map(|one| (one.clone(), suggested.clone())).collect(),
            (None, None) => suggested.iter().map(|one| (Scope::default(), one.clone())).collect(),
        }
    }
}

/// Reads one table below `[capabilities]`.
pub(crate) fn read(
    entry: &Entry,
    interfaces: &[Interface],
    problems: &mut Problems,
) -> Option<(InterfaceName, Request)> {
    let interface = scope_table::interface(entry, interfaces, problems);
    let place = format!("the request for {}", ansai_core::text::inert(&entry.key, 80));
    let fields = Fields::of(&entry.node, &place, &["reason", "required", "scope", "suggest"], problems)?;
    fields.require(&[("reason", "reason = \"to …\"  # the operator reads it before granting")], problems);
    let reason = fields.text("reason", 300, problems);
    let required = fields.boolean("required", problems).unwrap_or(false);
    let interface = interface?;
    let scope = fields
        .get("scope")
        .map(|node| scope_table::read(node, "`scope`", interface, Side::Request, problems))
        .unwrap_or_default();
    let suggest = fields
        .get("suggest")
        .map(|node| scope_table::read(node, "`suggest`", interface, Side::Grant, problems))
        .unwrap_or_default();
    if interface.kind == InterfaceKind::Base {
        problems.add(Problem::warning(
            codes::ALWAYS_THERE,
            entry.key_span.clone(),
            format!("every policy has {}: it need not be asked for", interface.name),
        ));
    }
    if let Some(node) = fields.get("suggest")
        && let Err(error) = ScopeInForce::of(interface.fields, &scope, &suggest)
    {
        let message = format!("`scope` and `suggest` of {} would be too many tables: {error}", interface.name);
        problems.add(Problem::error(codes::TOO_MANY_TABLES, node.span.clone(), message).hint(FEWER));
    }
    let request = Request { reason: reason?.to_owned(), required, scope, suggest };
    Some((interface.name.clone(), request))
}
