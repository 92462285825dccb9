//! Bundles a policy and everything it imports into one file, except the host's interfaces.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use ansai_config::Manifest;
use ansai_core::Interface;
use serde::Deserialize;

use super::lines;
use crate::build::crossing::Crossing;
use crate::build::{BuildError, imports, storage, toolchain};

const CHECKED: &str = include_str!("checked.js");

/// Begins the names by which the entry point imports the host's interfaces; it is removed from the bundle. Without it,
/// the interfaces' own checked modules would be found.
const UNCHECKED: &str = "unchecked+";

/// Bundles `entry` of a directory into the file `bundle`, and writes a report of its imports next to that file. What
/// crosses the boundary is checked, see `checked.js`.
pub(super) fn make(
    esbuild: &Path,
    dir: &Path,
    entry: &str,
    crossing: &Crossing,
    bundle: &Path,
) -> Result<(), BuildError> {
    let support = bundle.with_file_name("support");
    let (start, aliases) = surround(&support, &dir.join(entry), crossing)?;
    let option = |name: &str, path: &Path| {
        let mut option = OsString::from(name);
        option.push(path);
        option
    };
    let (outfile, metafile) = (option("--outfile=", bundle), option("--metafile=", &imported(bundle)));
    let mut arguments: Vec<&OsStr> = vec![
        start.as_ref(),
        "--bundle".as_ref(),
        "--format=esm".as_ref(),
        "--target=es2022".as_ref(),
        "--external:ansai:*".as_ref(),
        "--external:unchecked+*".as_ref(),
        "--sourcemap=external".as_ref(),
        "--sources-content=false".as_ref(),
        "--log-level=error".as_ref(),
        "--color=false".as_ref(),
        &outfile,
        &metafile,
    ];
    arguments.extend(aliases.iter().map(OsString::as_os_str));
    toolchain::run(esbuild, &arguments, &[], dir)?;
    let text = String::from_utf8_lossy(&storage::read(bundle)?).replace(&format!("\"{UNCHECKED}"), "\"");
    storage::replace(bundle, text.as_bytes())?;
    lines::add(bundle, dir, &support)
}

/// Writes the modules that surround a policy. Returns the entry point, and the options that put a checked module in the
/// place of each interface.
fn surround(support: &Path, policy: &Path, crossing: &Crossing) -> Result<(PathBuf, Vec<OsString>), BuildError> {
    let checked = support.join("checked.js");
    storage::write(&checked, CHECKED.as_bytes())?;
    let mut aliases = Vec::new();
    for (number, (interface, functions)) in crossing.imports.iter().enumerate() {
        let mut text = format!(
            "import {{ imported }} from {};\nimport * as host from \"{UNCHECKED}{interface}\";\n",
            quoted(&checked)
        );
        for (name, function) in functions {
            text += &format!(
                "const {0} = /* @__PURE__ */ imported(host, \"{name}\", {function});\nexport {{ {0} as {1} }};\n",
                format_args!("_{}", camel(name)),
                camel(name)
            );
        }
        let path = support.join(format!("interface-{number}.js"));
        storage::write(&path, text.as_bytes())?;
        let mut alias = OsString::from(format!("--alias:{interface}="));
        alias.push(&path);
        aliases.push(alias);
    }
    let mut text = format!("import {{ exported }} from {};\n", quoted(&checked));
    for (name, function) in &crossing.exports {
        text += &format!("import {{ {name} as _{name} }} from {};\n", quoted(policy));
        text += &format!("export const {name} = exported(\"{name}\", _{name}, {function});\n");
    }
    let entry = support.join("entry.js");
    storage::write(&entry, text.as_bytes())?;
    Ok((entry, aliases))
}

/// A path as a string of JavaScript.
fn quoted(path: &Path) -> serde_json::Value {
    serde_json::Value::String(path.display().to_string())
}

fn camel(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |made, word| {
        let (start, rest) = word.split_at(word.len().min(1));
        made + &start.to_uppercase() + rest
    })
}

/// Refuses a bundle that imports an interface that its manifest does not request. The engine's message would not name
/// the fix.
pub(super) fn check(bundle: &Path, manifest: &Manifest, interfaces: &[Interface]) -> Result<(), BuildError> {
    let text = storage::read_text(&imported(bundle))?;
    external(&text)?
        .into_iter()
        .map(|name| name.strip_prefix(UNCHECKED).map_or(name.clone(), str::to_owned))
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
