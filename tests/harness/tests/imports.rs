//! Who may import whom. What is not listed here is refused: an edge is added on purpose or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};

use ansai_harness::{Invocation, binary};
use serde_json::Value;

/// A crate of the workspace and the crates of the workspace that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("ansai-core", &[]),
    ("ansai-codes", &["ansai-core"]),
    ("ansai-storage", &[]),
    ("ansai-config", &["ansai-core", "ansai-storage"]),
    ("ansai-kit", &["ansai-core", "ansai-storage"]),
    ("ansai-certificates", &["ansai-core", "ansai-kit"]),
    ("ansai-http-client", &["ansai-core", "ansai-kit"]),
    ("ansai-local", &["ansai-certificates", "ansai-core", "ansai-http-client", "ansai-kit", "ansai-storage"]),
    ("ansai-reach", &["ansai-certificates", "ansai-core", "ansai-http-client", "ansai-isolation", "ansai-kit"]),
    ("ansai-host-functions", &["ansai-core", "ansai-kit", "ansai-local", "ansai-reach"]),
    ("ansai-isolation", &["ansai-core", "ansai-kit"]),
    ("ansai-engine", &["ansai-core", "ansai-isolation", "ansai-kit", "ansai-storage"]),
    ("ansai-audit", &["ansai-storage"]),
    ("ansai-events", &["ansai-core"]),
    ("ansai-delivery", &["ansai-core", "ansai-http-client", "ansai-kit", "ansai-storage"]),
    ("ansai-notify", &["ansai-core", "ansai-kit", "ansai-delivery", "ansai-storage"]),
    ("ansai-registry", &["ansai-core", "ansai-http-client", "ansai-storage"]),
    (
        "ansai-supervisor",
        &[
            "ansai-core",
            "ansai-config",
            "ansai-audit",
            "ansai-kit",
            "ansai-engine",
            "ansai-events",
            "ansai-delivery",
            "ansai-storage",
        ],
    ),
    (
        "ansai-daemon",
        &[
            "ansai-core",
            "ansai-config",
            "ansai-audit",
            "ansai-kit",
            "ansai-host-functions",
            "ansai-isolation",
            "ansai-engine",
            "ansai-events",
            "ansai-notify",
            "ansai-registry",
            "ansai-storage",
            "ansai-supervisor",
        ],
    ),
    ("ansai-devkit", &["ansai-core", "ansai-config", "ansai-kit", "ansai-engine", "ansai-storage"]),
    (
        "ansai",
        &[
            "ansai-core",
            "ansai-codes",
            "ansai-config",
            "ansai-kit",
            "ansai-local",
            "ansai-host-functions",
            "ansai-isolation",
            "ansai-engine",
            "ansai-audit",
            "ansai-events",
            "ansai-notify",
            "ansai-registry",
            "ansai-supervisor",
            "ansai-daemon",
            "ansai-devkit",
            "ansai-storage",
        ],
    ),
];

/// What the tests of a crate may use besides: the harness, the list of host functions, the process that calls servers, and the
/// outbox. Nothing that ships may, so that a change in a probe compiles neither the engine nor the devkit nor the supervisor
/// again.
const TESTS_MAY_IMPORT: &[&str] =
    &["ansai-harness", "ansai-host-functions", "ansai-isolation", "ansai-local", "ansai-notify", "ansai-reach"];

/// They test all of it.
const MAY_IMPORT_ANYTHING: &[&str] = &["ansai-harness", "ansai-e2e", "ansai-fuzz", "ansai-benches", "ansai-chaos"];

/// What touches the machine or runs foreign code, and the crates that may depend on it directly.
const CONFINED: &[(&str, &[&str])] = &[
    ("wasmtime", &["ansai-engine", "ansai-benches"]),
    ("landlock", &["ansai-isolation"]),
    ("seccompiler", &["ansai-isolation"]),
    ("sysinfo", &["ansai-local"]),
    ("ureq", &["ansai-delivery", "ansai-http-client", "ansai-local", "ansai-notify", "ansai-reach", "ansai-registry"]),
    ("cap-std", &["ansai-storage"]),
    ("lettre", &["ansai-notify"]),
    // Of the supervisor, only the tests: they are servers.
    (
        "rustls",
        &[
            "ansai-certificates",
            "ansai-harness",
            "ansai-http-client",
            "ansai-notify",
            "ansai-reach",
            "ansai-supervisor",
        ],
    ),
    ("tokio-rustls", &["ansai-reach"]),
];

/// What cargo says about the workspace. Read as plain JSON: the crate for it would switch on features of serde_json in
/// the programs under test.
struct Metadata(Value);

impl Metadata {
    fn read() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments = ["metadata", "--format-version=1", "--locked"];
        let ran = Invocation::of(cargo).args(arguments).current_dir(binary::repository()).run();
        Self(ran.expect_code(0).json())
    }

    fn packages(&self) -> &[Value] {
        self.0["packages"].as_array().unwrap()
    }

    fn members(&self) -> impl Iterator<Item = &Value> {
        let members = self.0["workspace_members"].as_array().unwrap();
        self.packages().iter().filter(|package| members.contains(&package["id"]))
    }

    fn names(&self) -> BTreeSet<&str> {
        self.members().map(name).collect()
    }

    /// Every package that one of the workspace is linked with, itself too.
    fn linked(&self, member: &str) -> BTreeSet<&str> {
        let names: BTreeMap<&str, &str> =
            self.packages().iter().map(|package| (package["id"].as_str().unwrap(), name(package))).collect();
        let nodes: BTreeMap<&str, &Value> = self.0["resolve"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| (node["id"].as_str().unwrap(), &node["deps"]))
            .collect();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![self.members().find(|package| name(package) == member).unwrap()["id"].as_str().unwrap()];
        while let Some(id) = waiting.pop() {
            if seen.insert(id) {
                let shipped = nodes[id].as_array().unwrap().iter().filter(|dependency| {
                    dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"] != "dev")
                });
                waiting.extend(shipped.map(|dependency| dependency["pkg"].as_str().unwrap()));
            }
        }
        seen.into_iter().map(|id| names[id]).collect()
    }
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap()
}

fn dependencies(package: &Value) -> &[Value] {
    package["dependencies"].as_array().unwrap()
}

#[test]
fn crates_import_only_what_is_below_them() {
    let metadata = Metadata::read();
    let members = metadata.names();
    let mut wrong = Vec::new();
    for package in metadata.members().filter(|package| !MAY_IMPORT_ANYTHING.contains(&name(package))) {
        let Some((_, allowed)) = ALLOWED.iter().find(|(member, _)| *member == name(package)) else {
            wrong.push(format!("{} is in no list: say what it may import", name(package)));
            continue;
        };
        for dependency in dependencies(package).iter().filter(|dependency| members.contains(name(dependency))) {
            let testing = dependency["kind"] == "dev" && TESTS_MAY_IMPORT.contains(&name(dependency));
            if !testing && !allowed.contains(&name(dependency)) {
                wrong.push(format!("{} imports {}", name(package), name(dependency)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_lists_name_the_crates_that_exist() {
    let listed = ALLOWED.iter().map(|(member, _)| *member).chain(MAY_IMPORT_ANYTHING.iter().copied());
    assert_eq!(Metadata::read().names(), listed.collect());
}

#[test]
fn the_machine_and_foreign_code_are_reached_through_one_crate_each() {
    let metadata = Metadata::read();
    let mut wrong = Vec::new();
    for package in metadata.members() {
        for dependency in dependencies(package) {
            let confined = CONFINED.iter().find(|(confined, _)| *confined == name(dependency));
            if confined.is_some_and(|(_, allowed)| !allowed.contains(&name(package))) {
                wrong.push(format!("{} depends on {}", name(package), name(dependency)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_change_in_a_probe_compiles_only_what_starts_the_daemon() {
    let metadata = Metadata::read();
    for above in ["ansai-engine", "ansai-devkit", "ansai-supervisor"] {
        let linked = metadata.linked(above);
        let probes: Vec<_> = ["ansai-local", "ansai-reach", "ansai-host-functions"]
            .into_iter()
            .filter(|probes| linked.contains(probes))
            .collect();
        assert!(linked.contains("ansai-kit") && probes.is_empty(), "{above} links {probes:?}");
    }
    assert!(metadata.linked("ansai-daemon").contains("ansai-local"), "the walk sees it");
}

#[test]
fn the_program_links_no_wasi() {
    let metadata = Metadata::read();
    let linked = metadata.linked("ansai");
    assert!(linked.contains("ansai-core") && linked.contains("wasmtime"), "the walk sees the tree: {linked:?}");
    let wasi: Vec<_> = linked.iter().filter(|linked| linked.starts_with("wasmtime-wasi")).collect();
    assert!(wasi.is_empty(), "{wasi:?}");
}
