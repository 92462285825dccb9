//! What an interface is, as data: the registry of host functions is a list of these, and configuration, grants,
//! `inspect`, documentation and audit names derive from it.

use crate::scope::Field;

/// What calling a function of an interface means.
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

/// What a probe may reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sensitivity {
    /// Sizes, counts, states, names of things. Given without a configuration, in observe mode, to a policy from
    /// a directory of the user's own.
    Metadata,
    /// Content: log text, process arguments, query text.
    Content,
}

/// One WIT interface: one capability.
#[derive(Debug, Clone, Copy)]
pub struct Interface {
    /// Without its version: `ansai:files/files-probe`.
    pub name: &'static str,
    /// Version of its package: `0.1.0`.
    pub version: &'static str,
    /// What calling it means.
    pub kind: InterfaceKind,
    /// What it may reveal.
    pub sensitivity: Sensitivity,
    /// Completes "can …": `see how full file systems are`.
    pub ability: &'static str,
    /// What a grant can narrow.
    pub fields: &'static [Field],
}

impl Interface {
    /// As a component imports it: `ansai:files/files-probe@0.1.0`.
    pub fn import_name(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}
