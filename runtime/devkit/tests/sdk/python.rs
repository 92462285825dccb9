//! Type hints of the contract for Python: the bindings that componentize-py generates for a policy that requests
//! everything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use ansai_config::Manifest;
use ansai_core::InterfaceKind;
use ansai_devkit::build::world;

/// The other generated files are not part of the contract.
const HINTS: &str = "python/sdk/typings/wit_world";

#[test]
fn the_hints_are_those_of_the_contract() {
    let Some(program) = componentize_py() else { return };
    let work = tempfile::tempdir().unwrap();
    let interfaces = ansai_host_functions::builtin().interfaces();
    let mut manifest = String::from(
        "name = \"all\"\nversion = \"0.1.0\"\ndescription = \"asks for everything\"\n[schedule]\nevery = \"60s\"\n",
    );
    for interface in interfaces.iter().filter(|interface| interface.kind != InterfaceKind::Base) {
        manifest += &format!("[capabilities.\"{}\"]\nreason = \"to know its types\"\n", interface.name);
    }
    let manifest = Manifest::parse("policy.toml", &manifest, &interfaces).unwrap();
    world::write(&work.path().join("wit"), &manifest, &interfaces).unwrap();
    let output = Command::new(program)
        .args(["--quiet", "--wit-path", "wit", "--world", world::WORLD, "bindings", "out"])
        .current_dir(work.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let out = work.path().join("out/wit_world");
    let generated = files(&out);
    for file in &generated {
        let text = std::fs::read_to_string(out.join(file)).unwrap();
        crate::is_current(&format!("{HINTS}/{}", file.display()), &text);
    }
    assert_eq!(files(&crate::sdk(HINTS)), generated);
}

fn componentize_py() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let program = cache.map(|cache| cache.join("ansai/tools/py/bin/componentize-py")).filter(|path| path.is_file());
    if program.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the type hints need the tools of scripts/setup test");
        eprintln!("skipped the_hints_are_those_of_the_contract: scripts/setup test has not installed the tools");
    }
    program
}

fn files(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "py") {
                found.insert(path.strip_prefix(dir).unwrap().to_owned());
            }
        }
    }
    found
}
