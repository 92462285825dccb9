//! Interfaces as data. The registry of host functions is a list of these; configuration, grants, `inspect`,
//! documentation and audit names derive from it.

use crate::interface_name::InterfaceName;
use crate::scope::Field;

/// What the functions of an interface do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceKind {
    /// Part of every policy's world: context, log, store, series. Needs no grant.
    Base,
    /// Reads the host.
    Probe,
    /// Proposes steps.
    Actions,
}

/// What a call reveals, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sensitivity {
    /// Sizes, counts, states and names. In observe mode, granted without a configuration to a policy from a directory
    /// that the user owns.
    Metadata,
    /// Content: log text, process arguments, query text.
    Content,
    /// Calls servers, so a policy can tell them something with each call. Never given without an explicit grant, and
    /// stricter than the other two: also for an interface of actions, and for one that reveals content too.
    Outgoing,
}

/// One WIT interface: one capability.
#[derive(Debug, Clone)]
pub struct Interface {
    /// Without its version: `ansai:files/files-probe`.
    pub name: InterfaceName,
    /// Version of its package: `0.1.0`.
    pub version: &'static str,
    /// What its functions do.
    pub kind: InterfaceKind,
    /// What its calls reveal, and to whom.
    pub sensitivity: Sensitivity,
    /// What a policy with this interface can do; completes "can …": `see how full file systems are`.
    pub ability: &'static str,
    /// What a grant can narrow.
    pub fields: &'static [Field],
}

impl Interface {
    /// The name as imported by a component: `ansai:files/files-probe@0.2.0`.
    pub fn import_name(&self) -> InterfaceName {
        self.name.in_version(self.version)
    }

    /// Whether its functions call servers.
    pub fn calls_out(&self) -> bool {
        self.sensitivity == Sensitivity::Outgoing
    }
}
