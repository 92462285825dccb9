//! The contract with policies, read from the WIT packages.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ansai_core::InterfaceName;
use ansai_kit::wit::PACKAGES;
use wit_parser::{Resolve, WorldItem};

use crate::signature::of_contract;

/// Signatures of all functions of the contract.
pub(crate) struct Contract {
    /// Signature by interface with version, then by function.
    pub(crate) interfaces: BTreeMap<InterfaceName, BTreeMap<String, String>>,
    /// Signature of each export of a policy.
    pub(crate) exports: BTreeMap<String, String>,
}

/// The contract, read once. A test checks the texts, which are compiled in; an error in them gives an empty contract.
pub(crate) fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        Contract::read(PACKAGES).unwrap_or(Contract { interfaces: BTreeMap::new(), exports: BTreeMap::new() })
    })
}

/// Whether this host can serve an import: the contract has the interface, with functions or with types alone, in this
/// version or in a later one that only adds to it.
pub fn has_interface(import: &InterfaceName) -> bool {
    contract().serving(import).is_some()
}

impl Contract {
    /// The functions of the interface that serves an import.
    pub(crate) fn serving(&self, import: &InterfaceName) -> Option<&BTreeMap<String, String>> {
        let (_, functions) = self.interfaces.iter().find(|(offered, _)| offered.serves(import))?;
        Some(functions)
    }

    /// The same interface in the version that this contract has.
    pub(crate) fn nearest(&self, import: &InterfaceName) -> Option<&InterfaceName> {
        self.interfaces.keys().find(|offered| offered.same_interface(import))
    }

    /// Reads WIT packages, in order of dependency: file name and text of each.
    ///
    /// # Errors
    /// The message of the parser.
    pub(crate) fn read(packages: &[(&str, &str)]) -> Result<Contract, String> {
        let mut resolve = Resolve::default();
        for (name, text) in packages {
            resolve.push_str(name, text).map_err(|error| format!("{name}: {error:#}"))?;
        }
        let interfaces = resolve
            .interfaces
            .iter()
            .filter_map(|(id, interface)| {
                let functions = interface
                    .functions
                    .iter()
                    .map(|(name, func)| (name.clone(), of_contract(&resolve, func)))
                    .collect();
                Some((resolve.id_of(id)?.parse().ok()?, functions))
            })
            .collect();
        let exports = resolve
            .worlds
            .iter()
            .filter(|(_, world)| world.name == "policy")
            .flat_map(|(_, world)| world.exports.values())
            .filter_map(|item| match item {
                WorldItem::Function(func) => Some((func.name.clone(), of_contract(&resolve, func))),
                _ => None,
            })
            .collect();
        Ok(Contract { interfaces, exports })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_contract_can_be_read() {
        let contract = Contract::read(PACKAGES).expect("wit/");
        assert_eq!(contract.exports.keys().collect::<Vec<_>>(), ["detect", "plan"]);
    }

    #[test]
    fn interface_names_are_unique_and_say_their_kind() {
        let contract = Contract::read(PACKAGES).unwrap();
        let mut names: Vec<&str> = contract.interfaces.keys().map(InterfaceName::interface).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for id in contract.interfaces.keys().filter(|id| id.package() != "ansai:policy") {
            let name = id.interface();
            assert!(name.ends_with("-probe") || name.ends_with("-actions"), "{id}");
        }
    }

    #[test]
    fn every_action_takes_a_reason_and_answers_a_preview() {
        for (id, functions) in
            Contract::read(PACKAGES).unwrap().interfaces.iter().filter(|(id, _)| id.interface().ends_with("-actions"))
        {
            for (name, shape) in functions {
                assert!(shape.contains("reason: string) -> result<record{step: u32, about:"), "{id} {name}: {shape}");
            }
        }
    }

    #[test]
    fn every_shape_is_shorter_than_where_they_are_cut() {
        let contract = Contract::read(PACKAGES).unwrap();
        let shapes = contract.interfaces.values().flat_map(BTreeMap::values).chain(contract.exports.values());
        assert!(shapes.map(String::len).max().unwrap() < crate::signature::MAX);
    }

    #[test]
    fn options_are_not_nested() {
        for functions in Contract::read(PACKAGES).unwrap().interfaces.values() {
            assert!(functions.values().all(|shape| !shape.contains("option<option<")));
        }
    }
}
