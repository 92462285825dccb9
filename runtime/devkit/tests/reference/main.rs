//! The pages in `runtime/docs/contract/` are generated. `ANSAI_WRITE_REFERENCE=1` regenerates them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

mod configuration;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ansai_config::{HostConfig, Manifest};
use ansai_core::InterfaceKind;
use ansai_devkit::reference::{Found, Interface, Reference, Written, pages};

fn reference() -> Reference {
    Reference::of(&ansai_host_functions::builtin()).unwrap()
}

fn interfaces(reference: &Reference) -> impl Iterator<Item = &Interface> {
    reference.packages.iter().flat_map(|package| &package.interfaces)
}

#[test]
fn the_pages_are_those_of_the_contract() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/contract");
    let pages = pages(&reference());
    if std::env::var_os("ANSAI_WRITE_REFERENCE").is_some() {
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        pages.iter().for_each(|(name, text)| std::fs::write(directory.join(name), text).unwrap());
    }
    for (name, text) in &pages {
        let path = directory.join(name);
        assert!(
            std::fs::read_to_string(&path).unwrap_or_default() == *text,
            "{} is not what wit/ and the registry say: run ANSAI_WRITE_REFERENCE=1 cargo test --release \
             -p ansai-devkit --test reference",
            path.display()
        );
    }
    let there: BTreeSet<PathBuf> = directory.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(there, pages.iter().map(|(name, _)| directory.join(name)).collect(), "pages of what is no more");
}

#[test]
fn every_interface_of_the_registry_has_its_grant() {
    let reference = reference();
    for entry in ansai_host_functions::builtin().entries() {
        let of = &entry.interface;
        let found = interfaces(&reference).find(|one| one.name == of.name).unwrap_or_else(|| panic!("no {}", of.name));
        assert_eq!((found.kind, found.ability, found.scope.len()), (Some(of.kind), of.ability, of.fields.len()));
        let names: Vec<&str> = found.functions.iter().map(|function| function.name.as_str()).collect();
        assert_eq!(names, entry.functions.iter().map(|function| function.name).collect::<Vec<_>>(), "{}", of.name);
        for (function, known) in found.functions.iter().zip(entry.functions) {
            assert_eq!(function.bounds.len(), known.checks.len());
            for bound in &function.bounds {
                assert!(of.fields.iter().any(|field| field.name == bound.key), "{}: {}", of.name, bound.key);
                let argument = bound.argument.split('.').next().unwrap();
                assert!(function.parameters.iter().any(|one| one.name == argument), "{}: {argument}", function.name);
            }
        }
    }
    assert_eq!(reference.exports.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["detect", "plan"]);
}

/// A copied stanza works: it parses, and requests and grants this interface, with every key.
#[test]
fn stanzas_parse() {
    let known = ansai_host_functions::builtin().interfaces();
    let mut grants = 0;
    for one in interfaces(&reference()) {
        if matches!(one.kind, None | Some(InterfaceKind::Base)) {
            assert!(one.request.is_empty() && one.grant.is_empty(), "{}", one.name);
            continue;
        }
        let begin = "name = \"a\"\nversion = \"0.1.0\"\ndescription = \"b\"\n[schedule]\nevery = \"60s\"\n";
        let manifest = Manifest::parse("policy.toml", &format!("{begin}{}", one.request), &known).unwrap();
        assert_eq!(manifest.capabilities.keys().collect::<Vec<_>>(), [&one.name]);
        // A granted target must exist.
        let targets = match one.grant.contains("some-target") {
            true => "[target.some-target]\nkind = \"postgresql\"\n[policy.my-policy.target.some-target]\n",
            false => "",
        };
        let host = HostConfig::parse("ansai.toml", &format!("{}{targets}", one.grant), &known).unwrap();
        let granted: Vec<&str> =
            host.policies["my-policy"].grants[&one.name].only().unwrap().iter().map(|(key, _)| key).collect();
        let mut keys: Vec<&str> = one.scope.iter().map(|key| key.name).collect();
        keys.sort_unstable();
        assert_eq!(granted, keys, "{}", one.name);
        grants += 1;
    }
    assert!(grants >= 9, "{grants}");
}

#[test]
fn every_name_in_a_type_leads_to_its_definition() {
    let reference = reference();
    let mut followed = 0;
    let mut follow = |written: &Written, from: &str| {
        for target in written.targets() {
            let interface = reference.interface(&target.interface).unwrap_or_else(|| panic!("{from}: {target:?}"));
            let ty = interface.types.iter().find(|ty| ty.name == target.name);
            assert_eq!(ty.map(|ty| ty.kind), Some(target.kind), "{from}: {target:?}");
            followed += 1;
        }
        let shapes = ["record", "variant", "enum", "flags", "resource", "handle", "future", "stream", "unknown"];
        assert!(written.0.iter().all(|part| part.target.is_some() || !shapes.contains(&part.text.as_str())), "{from}");
    };
    let functions = interfaces(&reference).flat_map(|one| &one.functions).chain(&reference.exports);
    for function in functions {
        let written = function.parameters.iter().map(|one| &one.ty).chain(&function.answer).chain(&function.refusal);
        written.for_each(|written| follow(written, &function.name));
    }
    for ty in interfaces(&reference).flat_map(|one| &one.types) {
        assert!(ty.alias.is_some() == ty.members.is_empty(), "{} has members or stands for something", ty.name);
        let written = ty.members.iter().filter_map(|member| member.ty.as_ref()).chain(&ty.alias);
        written.for_each(|written| follow(written, &ty.name));
    }
    assert!(followed > 100, "{followed}");
}

/// A reader may know nothing but these pages.
#[test]
fn every_function_and_interface_says_what_it_is() {
    let reference = reference();
    for one in interfaces(&reference) {
        assert!(!one.about.is_empty() || !one.ability.is_empty(), "{}", one.name);
        for function in &one.functions {
            assert!(!function.about.is_empty(), "{}.{} has no documentation in wit/", one.name, function.name);
        }
    }
    // Links refer to headings, so each heading must be unique on its page.
    for (name, text) in pages(&reference) {
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("##")).collect();
        let distinct: BTreeSet<&str> = headings.iter().map(|line| line.trim_start_matches(['#', ' '])).collect();
        assert_eq!(distinct.len(), headings.len(), "{name}");
    }
}

#[test]
fn every_name_is_found_in_every_form() {
    let reference = reference();
    for name in reference.names() {
        assert!(!reference.find(name).is_empty(), "{name}");
    }
    for one in interfaces(&reference) {
        for function in &one.functions {
            for name in [
                format!("{}.{}", one.short, function.name),
                format!("{}.{}", one.name, function.name),
                format!("{}.{}", one.import, function.name),
                format!("{}.{}", one.short, function.name).replace('-', "_"),
            ] {
                let found = reference.find(&name);
                let [Found::Function(of, found)] = found[..] else { panic!("{name}: {found:?}") };
                assert_eq!((&of.name, &found.name), (&one.name, &function.name));
            }
        }
    }
    assert_eq!(reference.find("remove").len(), 2, "of files and of the store");
    assert!(reference.find("list").is_empty() && reference.find("").is_empty() && reference.find("ansai:").is_empty());
}
