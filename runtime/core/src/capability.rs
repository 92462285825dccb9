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

/// How sensitive a probe's answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sensitivity {
    /// Sizes, counts, states and names. In observe mode, granted without a configuration to a policy from a directory
    /// that the user owns.
    Metadata,
    /// Content: log text, process arguments, query text.
    Content,
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
    /// How sensitive its answers are.
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
}
