//! Interfaces and functions that pages name are in the contract.

use ansai_codes::pages;
use ansai_core::InterfaceName;
use ansai_kit::registry::{InterfaceDef, Registry};

use super::{Place, texts};

/// Names that are no interfaces of the list: the world of policies and custom sections.
const OTHERS: &[&str] = &["ansai:policy/policy", "ansai:manifest"];

/// Names in examples that are wrong on purpose.
const WRONG: &[(&str, &str)] = &[
    ("newer-interface", "ansai:disk/disk-probe@0.2.99"),
    ("unknown-call", "ansai:disk/disk-probe.list-filesystem"),
    ("unknown-capability", "ansai:disk/disk-prob"),
    ("unknown-interface", "ansai:disk/disk-probe@9.9.9"),
];

/// Every `ansai:…` of a text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_ascii_alphanumeric() || ":/@.-".contains(c);
    text.match_indices("ansai:").map(move |(at, _)| {
        let rest = &text[at..];
        rest[..rest.find(|c| !part(c)).unwrap_or(rest.len())].trim_end_matches(['.', ':', '-'])
    })
}

/// `package/interface`, with version or function, or the name of a package.
fn exists(registry: &Registry, name: &str) -> bool {
    let Some((package, rest)) = name.split_once('/') else {
        let of = |entry: &InterfaceDef| entry.interface.name.package() == name;
        return name == "ansai" || OTHERS.contains(&name) || registry.entries().any(of);
    };
    let interface = |name: &str| registry.interface(&name.parse::<InterfaceName>().ok()?);
    if rest.contains('@') {
        return interface(name).is_some_and(|entry| entry.interface.import_name() == name);
    }
    match rest.split_once('.') {
        Some((interface, function)) => registry.find(format!("{package}/{interface}"), function).is_some(),
        None => OTHERS.contains(&name) || interface(name).is_some(),
    }
}

#[test]
fn pages_name_interfaces_and_functions_that_exist() {
    let registry = ansai_host_functions::builtin();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for (place, text) in texts(page) {
            for name in names(text) {
                seen += 1;
                if !exists(&registry, name) {
                    wrong.push((place, page.word, name));
                }
            }
        }
    }
    let expected: Vec<_> = WRONG.iter().map(|(word, name)| (Place::Example, *word, *name)).collect();
    wrong.sort_by_key(|(_, word, _)| *word);
    assert_eq!(wrong, expected);
    assert!(seen > 30, "{seen}");
}

#[test]
fn names_that_do_not_exist_are_found() {
    let registry = ansai_host_functions::builtin();
    let text =
        "ansai:disk/disk-probe, `ansai:files/files-actions.compress`, ansai:policy/policy. ansai:disk/disk-probe@0.2.0";
    assert_eq!(names(text).count(), 4);
    assert!(names(text).all(|name| exists(&registry, name)));
    for wrong in [
        "ansai:files/files-actions.compress-files",
        "ansai:disk/disk-probes",
        "ansai:disc",
        "ansai:disk/disk-probe@0.1.0",
        "ansai:disk/disk-probe.remove",
    ] {
        assert_eq!(names(wrong).collect::<Vec<_>>(), [wrong]);
        assert!(!exists(&registry, wrong), "{wrong}");
    }
}
