//! Compiles a Go module to a core module, with `go build`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde_json::{Map, Value};

use super::module::BINDINGS;
use super::toolchain::{GO, LOCAL};
use crate::build::bindings::{Bindings, FOR_EDITORS};
use crate::build::command::{self, Errors};
use crate::build::{BuildError, storage};

/// Keep what depends on the machine or on the environment out of the result.
const ARGUMENTS: &[&str] = &[
    "build",
    "-mod=readonly",
    "-trimpath",
    "-buildvcs=false",
    "-buildmode=c-shared",
    // Drops debugging information. The bindings link to a function of the Go runtime by name, which Go checks
    // otherwise.
    "-ldflags=-s -w -buildid= -checklinkname=0",
];
const ENVIRONMENT: &[(&str, &str)] =
    &[("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOWASM", ""), ("GOFLAGS", ""), ("GOWORK", "off"), LOCAL];

/// Compiles the bindings' package that exports the policy, with the bindings in a temporary directory.
pub(super) fn compile(dir: &Path, place: &Path, bindings: &Bindings) -> Result<Vec<u8>, BuildError> {
    let overlay = place.join("overlay.json");
    storage::write(&overlay, in_their_place(dir, place, bindings).to_string().as_bytes())?;
    let module = place.join("policy.wasm");
    let mut arguments: Vec<&OsStr> = ARGUMENTS.iter().map(OsStr::new).collect();
    let package = format!("{BINDINGS}/{}", super::glue::MAIN);
    let rest = ["-overlay".as_ref(), overlay.as_os_str(), "-o".as_ref(), module.as_os_str(), package.as_ref()];
    arguments.extend(rest);
    let environment: Vec<(&str, &OsStr)> =
        ENVIRONMENT.iter().map(|(name, value)| (*name, OsStr::new(*value))).collect();
    let output = command::run(GO.as_ref(), &arguments, &environment, dir, Errors::Shown)?;
    if !output.success {
        return Err(BuildError::Compile { program: GO.into(), dir: dir.to_owned() });
    }
    storage::read(&module)
}

/// Makes the compiler read this build's bindings at the path from go.mod, whatever that directory contains.
fn in_their_place(dir: &Path, place: &Path, bindings: &Bindings) -> Value {
    let text = |path: &Path| OsString::from(path).to_string_lossy().into_owned();
    let replace: Map<String, Value> = bindings
        .iter()
        .map(|(name, _)| {
            (text(&dir.join(FOR_EDITORS).join(name)), Value::String(text(&place.join("bindings").join(name))))
        })
        .collect();
    Value::Object(Map::from_iter([("Replace".to_owned(), Value::Object(replace))]))
}
