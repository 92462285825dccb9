//! Finds the contract's packages, so that no list of them is needed: every `wit/*/*.wit` of the repository.
#![allow(clippy::disallowed_methods, reason = "a build script")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../wit").canonicalize()?;
    println!("cargo:rerun-if-changed={}", root.display());
    let packages = in_order_of_dependency(read(&root)?)?;
    let mut list = String::from("&[\n");
    for package in packages {
        let path = root.join(&package).join(format!("{package}.wit"));
        println!("cargo:rerun-if-changed={}", path.display());
        writeln!(list, "    ({:?}, include_str!({path:?})),", format!("{package}.wit"))?;
    }
    list.push_str("]\n");
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("packages.rs"), list)?;
    Ok(())
}

/// The packages by name, each with the packages that it uses. Each package is one directory with one file of the same
/// name.
fn read(root: &Path) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut packages = BTreeMap::new();
    for directory in std::fs::read_dir(root)? {
        let directory = directory?.path();
        let name = directory.file_name().and_then(|name| name.to_str()).ok_or("a name in wit/ is not UTF-8")?;
        for file in std::fs::read_dir(&directory)? {
            let file = file?.path();
            if file != directory.join(format!("{name}.wit")) {
                return Err(format!("{}: expected only wit/{name}/{name}.wit", file.display()).into());
            }
            packages.insert(name.to_owned(), used(&std::fs::read_to_string(&file)?));
        }
    }
    Ok(packages)
}

/// Names in `use ansai:NAME/interface@version.{…}`.
fn used(text: &str) -> BTreeSet<String> {
    let uses = text.lines().filter_map(|line| line.trim_start().strip_prefix("use ansai:"));
    uses.filter_map(|rest| rest.split('/').next()).map(str::to_owned).collect()
}

/// Sorts the packages: dependencies first, otherwise by name.
fn in_order_of_dependency(mut waiting: BTreeMap<String, BTreeSet<String>>) -> Result<Vec<String>> {
    let mut ordered: Vec<String> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().find(|(_, used)| used.iter().all(|name| ordered.contains(name)));
        let Some(name) = ready.map(|(name, _)| name.clone()) else {
            return Err(format!("wit/: these packages use each other or an unknown package: {waiting:?}").into());
        };
        waiting.remove(&name);
        ordered.push(name);
    }
    Ok(ordered)
}
