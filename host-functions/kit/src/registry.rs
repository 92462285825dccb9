//! What a domain declares, and a list of such declarations. Linking, authorization, grants, `inspect`,
//! documentation and audit names derive from it. The list of all that ansai has is `ansai_host_functions::builtin`.

use std::collections::HashMap;

use ansai_core::{Interface, InterfaceKind, InterfaceName};

use crate::action::Action;
use crate::authorize::Check;
use crate::doctor::HostCheck;
use crate::function::{BaseFunction, InlineFunction, ProbeFunction, Types};
use crate::remote::RemoteFunction;
use serde_json::value::RawValue;

/// How a function is answered on the live host.
#[derive(Clone, Copy)]
pub enum Body {
    /// From the evaluation itself; never blocks.
    Base(&'static dyn BaseFunction),
    /// By reading the host; may block.
    Probe(&'static dyn ProbeFunction),
    /// Without changing threads where the kernel has the answer at hand: that would cost more than the answer.
    Inline(&'static dyn InlineFunction),
    /// By walking over very much; may block until its deadline.
    Scan(&'static dyn ProbeFunction),
    /// By calling servers, which may hang.
    Remote(&'static dyn RemoteFunction),
    /// With a preview of a proposed step; may block.
    Action(&'static dyn Action),
}

impl Body {
    /// The Rust types of what crosses.
    pub fn types(&self) -> Types {
        match self {
            Body::Base(function) => function.types(),
            Body::Probe(function) | Body::Scan(function) => function.types(),
            Body::Inline(function) => function.types(),
            Body::Remote(function) => function.types(),
            Body::Action(action) => action.types(),
        }
    }

    /// Fuel that a call with these arguments costs in addition; see [`ProbeFunction::cost`].
    pub fn cost(&self, arguments: &RawValue) -> u64 {
        match self {
            Body::Probe(function) | Body::Scan(function) => function.cost(arguments),
            Body::Inline(function) => function.cost(arguments),
            Body::Action(action) => action.cost(arguments),
            Body::Base(_) | Body::Remote(_) => 0,
        }
    }
}

/// One function of an interface.
#[derive(Clone, Copy)]
pub struct Function {
    /// As in WIT: `list-files`.
    pub name: &'static str,
    /// Arguments that the scope bounds.
    pub checks: &'static [Check],
    /// What answers.
    pub body: Body,
}

/// One interface with its functions.
#[derive(Clone)]
pub struct InterfaceDef {
    /// What it is.
    pub interface: Interface,
    /// Whether a host has what it needs. An interface that shares its needs with another one leaves them to that one.
    pub doctor: &'static [HostCheck],
    /// In the order of the WIT.
    pub functions: &'static [Function],
}

/// The interfaces that a host offers.
#[derive(Clone)]
pub struct Registry {
    entries: Vec<&'static InterfaceDef>,
    by_name: HashMap<(&'static str, &'static str), (&'static InterfaceDef, &'static Function)>,
}

impl Registry {
    /// These and no others.
    pub fn of(entries: &[&'static InterfaceDef]) -> Self {
        let by_name = entries
            .iter()
            .flat_map(|entry| entry.functions.iter().map(|f| ((entry.interface.name.as_str(), f.name), (*entry, f))))
            .collect();
        Registry { entries: entries.to_vec(), by_name }
    }

    /// With one more interface: a test's own, for instance.
    pub fn with(&self, entry: &'static InterfaceDef) -> Self {
        let mut entries = self.entries.clone();
        entries.push(entry);
        Registry::of(&entries)
    }

    /// Every interface, in the order of the list.
    pub fn entries(&self) -> impl Iterator<Item = &'static InterfaceDef> + '_ {
        self.entries.iter().copied()
    }

    /// Every interface as data.
    pub fn interfaces(&self) -> Vec<Interface> {
        self.entries.iter().map(|entry| entry.interface.clone()).collect()
    }

    /// An interface by its name, whatever version the name has.
    pub fn interface(&self, name: &InterfaceName) -> Option<&'static InterfaceDef> {
        self.entries.iter().find(|entry| entry.interface.name.same_interface(name)).copied()
    }

    /// A function by the names of its interface (without version) and its own.
    pub fn find(
        &self,
        interface: impl AsRef<str>,
        function: &str,
    ) -> Option<(&'static InterfaceDef, &'static Function)> {
        self.by_name.get(&(interface.as_ref(), function)).copied()
    }

    /// An action by its audit name, `ansai:files/files-actions.remove`.
    pub fn action(&self, name: &str) -> Option<(&'static InterfaceDef, &'static Function, &'static dyn Action)> {
        let (interface, function) = name.rsplit_once('.')?;
        let (entry, function) = self.find(interface, function)?;
        match function.body {
            Body::Action(action) => Some((entry, function, action)),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| &entry.interface.name)).finish()
    }
}

/// Short form for the entries' definitions.
pub const fn base(name: &'static str, ability: &'static str) -> Interface {
    Interface {
        name: InterfaceName::from_static(name),
        version: "0.2.0",
        kind: InterfaceKind::Base,
        sensitivity: ansai_core::Sensitivity::Metadata,
        ability,
        fields: &[],
    }
}
