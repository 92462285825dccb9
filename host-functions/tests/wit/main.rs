//! The list of host functions and the contract say the same: the same functions, with the same types.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod compare;
mod faults;
mod values;

use ansai_core::{Decision, Failure, Observation, Preview, Refusal};
use ansai_kit::function::through;
use ansai_kit::wit::PACKAGES;
use wit_parser::{Resolve, Type};

#[test]
fn the_list_and_the_contract_have_the_same_functions() {
    let found = compare::functions(&ansai_host_functions::builtin(), &contract());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_argument_and_reply_has_the_type_of_its_wit() {
    let (registry, resolve) = (ansai_host_functions::builtin(), contract());
    let found: Vec<String> = registry.entries().flat_map(|entry| compare::types(entry, &resolve)).collect();
    assert!(found.is_empty(), "{} differences: {found:#?}", found.len());
}

#[test]
fn what_both_sides_share_has_the_type_of_its_wit() {
    let resolve = contract();
    let mut found = Vec::new();
    for (name, pass) in [
        ("refusal", through::<Refusal> as fn(_) -> _),
        ("failure", through::<Failure>),
        ("observation", through::<Observation>),
        ("decision", through::<Decision>),
        ("preview", through::<Preview>),
    ] {
        let ty = shared(&resolve, name);
        found.extend(compare::through(name, pass, &values::valid(&resolve, &ty), &values::invalid(&resolve, &ty)));
    }
    assert!(found.is_empty(), "{} differences: {found:#?}", found.len());
}

fn contract() -> Resolve {
    compare::contract(PACKAGES.iter().copied())
}

fn shared(resolve: &Resolve, name: &str) -> Type {
    let types = resolve.interfaces.iter().find(|(_, interface)| interface.name.as_deref() == Some("types")).unwrap().1;
    Type::Id(types.types[name])
}

/// The actions of each interface. An interface never gets another one, because existing grants would allow it: put a new
/// action into a new interface, and add that here.
const ACTIONS: &[(&str, &[&str])] = &[
    ("ansai:certificate/certificate-actions", &["renew", "check-staged", "install", "reload", "check-served"]),
    ("ansai:container/container-actions", &["restart", "capture", "check-healthy"]),
    ("ansai:container/container-cleanup-actions", &["remove-images", "remove-unnamed-volumes"]),
    ("ansai:database/database-session-actions", &["cancel", "terminate"]),
    ("ansai:disk/disk-check-actions", &["check-available"]),
    ("ansai:files/files-actions", &["remove", "compress", "rotate"]),
    ("ansai:files/quarantine-actions", &["reclaim"]),
    ("ansai:hook/hook-actions", &["run", "check"]),
    ("ansai:http/http-actions", &["check"]),
    ("ansai:journal/journal-vacuum-actions", &["vacuum"]),
    ("ansai:mysql/mysql-actions", &["optimize"]),
    ("ansai:packages/package-cache-actions", &["clean-cache"]),
    ("ansai:postgresql/postgresql-actions", &["vacuum", "reindex", "drop-leftover"]),
    ("ansai:process/process-actions", &["send"]),
    ("ansai:service/service-actions", &["start", "restart", "reload", "reset-failed", "capture", "check-active"]),
    ("ansai:service/service-memory-actions", &["set-high", "reclaim"]),
    ("ansai:sqlite/sqlite-actions", &["checkpoint", "vacuum", "copy", "recover-copy"]),
];

#[test]
fn no_grant_allows_more_than_when_it_was_written() {
    let registry = ansai_host_functions::builtin();
    let actions = registry.entries().filter(|entry| entry.interface.kind == ansai_core::InterfaceKind::Actions);
    let mut found: Vec<(&str, Vec<&str>)> = actions
        .map(|entry| (entry.interface.name.as_str(), entry.functions.iter().map(|function| function.name).collect()))
        .collect();
    found.sort_unstable();
    let expected: Vec<(&str, Vec<&str>)> = ACTIONS.iter().map(|(name, actions)| (*name, actions.to_vec())).collect();
    assert_eq!(found, expected);
}
