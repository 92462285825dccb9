//! Compiles a Rust package to a core module, with cargo.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::toolchain::TARGET;
use super::workspace::cargo;
use crate::build::command::{self, Errors};
use crate::build::{BuildError, Effort};

/// A separate profile, so that drafts and full builds keep each other's compiled dependencies. Drafts compile the
/// package incrementally and without optimization across packages, which takes most of the time of a full build.
const DRAFT: [&str; 6] = [
    "profile.ansai-draft.inherits=\"release\"",
    "profile.ansai-draft.codegen-units=16",
    "profile.ansai-draft.debug=false",
    "profile.ansai-draft.incremental=true",
    "profile.ansai-draft.lto=false",
    "profile.ansai-draft.opt-level=1",
];

/// Compiles the package in a directory of the workspace at `root`; returns the path of its module.
pub(super) fn compile(dir: &Path, root: &Path, effort: Effort<'_>) -> Result<PathBuf, BuildError> {
    let package = dir.join("Cargo.toml");
    let target_dir = match effort {
        Effort::Again(scratch) => scratch.join("target").into_os_string(),
        Effort::Full | Effort::Least => {
            command::variable("CARGO_TARGET_DIR").unwrap_or_else(|| root.join("target").into_os_string())
        }
    };
    let arguments = ["build", "--locked", "--target", TARGET, "--message-format=json-render-diagnostics", "--profile"];
    let paths = remapped(root);
    let mut arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    match effort {
        Effort::Full | Effort::Again(_) => arguments.push("release".as_ref()),
        Effort::Least => {
            arguments.push("ansai-draft".as_ref());
            arguments.extend(DRAFT.iter().flat_map(|line| ["--config", line]).map(OsStr::new));
        }
    }
    if let Some(paths) = &paths {
        arguments.extend([OsStr::new("--config"), paths]);
    }
    let environment = [("CARGO_TARGET_DIR", target_dir.as_os_str())];
    let output = command::run(&cargo(), &arguments, &environment, dir, Errors::Shown)?;
    if !output.success {
        return Err(BuildError::Cargo(dir.to_owned()));
    }
    let modules = modules(&output.stdout, &package);
    match <[PathBuf; 1]>::try_from(modules) {
        Ok([module]) => Ok(module),
        Err(modules) => Err(BuildError::Modules { dir: dir.to_owned(), count: modules.len() }),
    }
}

/// Flags that keep this machine's paths out of the module, as a line of cargo's configuration; `None` if the paths
/// cannot be written there.
fn remapped(root: &Path) -> Option<OsString> {
    let registry = command::variable("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(command::variable("HOME")?).join(".cargo")));
    let flags = registry
        .iter()
        .map(|home| (home.as_path(), "/cargo"))
        .chain([(root, "/policy")])
        .map(|(from, to)| Some(serde_json::json!(format!("--remap-path-prefix={}={to}", from.to_str()?))))
        .collect::<Option<Vec<_>>>()?;
    // A list of strings is written the same in JSON and TOML.
    Some(format!("target.{TARGET}.rustflags={}", serde_json::Value::Array(flags)).into())
}

/// The part of a cargo message that is needed here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The modules that cargo built from this package, not from its dependencies.
fn modules(messages: &[u8], package: &Path) -> Vec<PathBuf> {
    messages
        .split(|byte| *byte == b'\n')
        // Build scripts may print other lines.
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact" && message.manifest_path.as_deref() == Some(package))
        .flat_map(|message| message.filenames)
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_modules_of_this_package() {
        let messages = br#"{"reason":"compiler-artifact","manifest_path":"/dep/Cargo.toml","filenames":["/t/dep.wasm"]}
no JSON
{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","filenames":["/t/p.wasm","/t/libp.rlib"]}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(modules(messages, Path::new("/p/Cargo.toml")), [PathBuf::from("/t/p.wasm")]);
        assert!(modules(b"", Path::new("/p/Cargo.toml")).is_empty());
    }
}
