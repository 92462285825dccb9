//! Bundles a policy and everything it imports into one file, except the host's interfaces.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use ansai_config::Manifest;
use ansai_core::Interface;
use serde::Deserialize;

use crate::build::{BuildError, imports, storage, toolchain};

/// Bundles `entry` of a directory into the file `bundle`, and writes a report of its imports next to that file.
pub(super) fn make(esbuild: &Path, dir: &Path, entry: &str, bundle: &Path) -> Result<(), BuildError> {
    let option = |name: &str, path: &Path| {
        let mut option = OsString::from(name);
        option.push(path);
        option
    };
    let (outfile, metafile) = (option("--outfile=", bundle), option("--metafile=", &imported(bundle)));
    let arguments: [&OsStr; 9] = [
        entry.as_ref(),
        "--bundle".as_ref(),
        "--format=esm".as_ref(),
        "--target=es2022".as_ref(),
        "--external:ansai:*".as_ref(),
        "--log-level=error".as_ref(),
        "--color=false".as_ref(),
        &outfile,
        &metafile,
    ];
    toolchain::run(esbuild, &arguments, &[], dir)
}

/// Refuses a bundle that imports an interface that its manifest does not request. The engine's message would not name
/// the fix.
pub(super) fn check(bundle: &Path, manifest: &Manifest, interfaces: &[Interface]) -> Result<(), BuildError> {
    let text = storage::read_text(&imported(bundle))?;
    external(&text)?
        .into_iter()
        .filter(|name| name.starts_with("ansai:"))
        .try_for_each(|name| imports::allowed(&imports::ours(name)?, manifest, interfaces))
}

fn imported(bundle: &Path) -> PathBuf {
    bundle.with_extension("json")
}

/// The part of esbuild's report about its output that is needed here.
#[derive(Deserialize)]
struct Report {
    outputs: BTreeMap<String, Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    imports: Vec<Import>,
}

#[derive(Deserialize)]
struct Import {
    path: String,
    #[serde(default)]
    external: bool,
}

fn external(report: &str) -> Result<Vec<String>, BuildError> {
    let report: Report = serde_json::from_str(report)
        .map_err(|error| BuildError::Compiler { program: "esbuild".into(), said: error.to_string() })?;
    let imports = report.outputs.into_values().flat_map(|output| output.imports);
    Ok(imports.filter(|import| import.external).map(|import| import.path).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_external_imports_are_listed() {
        let report = r#"{"inputs":{},"outputs":{"policy.js":{"imports":[
            {"path":"ansai:disk/disk-probe@0.2.0","kind":"import-statement","external":true},
            {"path":"chunk.js","kind":"import-statement"}],"exports":["detect"],"bytes":1}}}"#;
        assert_eq!(external(report).unwrap(), ["ansai:disk/disk-probe@0.2.0"]);
        assert!(external("no JSON").is_err());
    }
}
