//! From source to a core module, by cargo.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::toolchain::TARGET;
use super::workspace::cargo;
use crate::build::command::{self, Errors};
use crate::build::{BuildError, Effort};

/// A profile of its own, so that neither kind of build throws away what the other compiled. Of one package that was
/// edited only what changed is compiled again, and nothing is optimized across packages, which is most of the time of
/// a build.
const DRAFT: [&str; 6] = [
    "profile.ansai-draft.inherits=\"release\"",
    "profile.ansai-draft.codegen-units=16",
    "profile.ansai-draft.debug=false",
    "profile.ansai-draft.incremental=true",
    "profile.ansai-draft.lto=false",
    "profile.ansai-draft.opt-level=1",
];

/// Compiles the package in a directory of the workspace at `root`; answers where its module is.
pub(super) fn compile(dir: &Path, root: &Path, effort: Effort) -> Result<PathBuf, BuildError> {
    let package = dir.join("Cargo.toml");
    let target_dir = command::variable("CARGO_TARGET_DIR").unwrap_or_else(|| root.join("target").into_os_string());
    let arguments = ["build", "--locked", "--target", TARGET, "--message-format=json-render-diagnostics", "--profile"];
    let paths = remapped(root);
    let mut arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    match effort {
        Effort::Full => arguments.push("release".as_ref()),
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

/// Flags that keep the paths of this machine out of the module's messages, as a line of cargo's configuration;
/// `None` if the paths cannot be written there.
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
    // A list of texts is the same in JSON and TOML.
    Some(format!("target.{TARGET}.rustflags={}", serde_json::Value::Array(flags)).into())
}

/// A message of cargo's, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Modules that were made of this package, not of its dependencies.
fn modules(messages: &[u8], package: &Path) -> Vec<PathBuf> {
    messages
        .split(|byte| *byte == b'\n')
        // Build scripts may write lines of their own.
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
