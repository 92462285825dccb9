//! The list of host functions: the program shows all that it declares, and names nothing of it in its own code. So a new
//! entry needs no edit in the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ansai_core::InterfaceKind;
use ansai_kit::doctor::Circumstances;
use ansai_kit::host::Host;

use crate::support::*;

/// Names in the example of a help text, and words of the program that are the name of a function too.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("check/safety.rs", &["\"restart\""]),
    ("commands/contract.rs", &["files-actions"]),
    ("commands/dev.rs", &["\"run\""]),
    ("commands/promote.rs", &["files-actions"]),
    ("output/phrases.rs", &["\"run\""]),
    ("output/table.rs", &["\"check\""]),
];

/// Every source file of the program, without test modules.
fn sources() -> BTreeMap<PathBuf, String> {
    fn collect(directory: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => collect(&path, found),
                false => drop(found.insert(path.clone(), std::fs::read_to_string(&path).unwrap())),
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let mut tests = BTreeSet::new();
    for (path, text) in &mut found {
        let Some((code, module)) = text.split_once("#[cfg(test)]\n") else { continue };
        let declared = module.lines().find(|line| !line.starts_with("#[")).unwrap();
        match declared.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            // A file or directory beside this one, or in its directory.
            Some(name) => {
                let directory = path.with_extension("");
                tests.extend([directory.join(name), path.with_file_name(name)]);
            }
            None => *text = code.to_owned(),
        }
    }
    found.retain(|path, _| !path.ancestors().any(|one| tests.contains(&one.with_extension(""))));
    found
}

/// Names of the list in code: of interfaces anywhere, of functions as a text of their own.
fn names(code: &str) -> Vec<String> {
    let registry = ansai_host_functions::builtin();
    let mut found = Vec::new();
    for entry in registry.entries().filter(|entry| entry.interface.kind != InterfaceKind::Base) {
        let short = entry.interface.name.interface();
        found.extend(code.contains(short).then(|| short.to_owned()));
        let functions = entry.functions.iter().map(|function| format!("\"{}\"", function.name));
        let named: Vec<String> =
            functions.filter(|quoted| code.contains(quoted.as_str()) && !found.contains(quoted)).collect();
        found.extend(named);
    }
    found
}

#[test]
fn the_program_names_no_entry_of_the_list() {
    let sources = sources();
    assert!(sources.len() > 50, "the sources are found");
    assert!(sources.keys().all(|path| !path.ends_with("tests.rs") && !path.to_string_lossy().contains("/facts/")));
    for (path, text) in sources {
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let examples = EXAMPLES.iter().find(|(file, _)| path.ends_with(file)).map_or(&[][..], |(_, names)| *names);
        assert_eq!(names(&code), examples, "{}", path.display());
    }
    assert_eq!(
        names(r#"match name { "ansai:disk/disk-probe" => 1, "compress" => 2 }"#),
        ["disk-probe", "\"compress\""]
    );
}

#[test]
fn doctor_shows_every_check_of_the_list() {
    let place = Scene::new();
    let state = place.state_dir();
    let declared = ansai_host_functions::diagnose(&Circumstances { host: &Host::at("/"), state_dir: &state });
    assert!(declared.len() >= 5, "{declared:?}");
    let ran = place.ansai(&["doctor", "--format", "json"]);
    let shown = ran.json();
    let shown: Vec<&str> = shown.as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    for finding in declared {
        assert!(shown.contains(&finding.what), "{}: {shown:?}", finding.what);
    }
}
