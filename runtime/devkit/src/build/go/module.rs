//! Reads go.mod through `go` itself.

use std::ffi::OsStr;
use std::path::Path;

use serde::Deserialize;

use super::toolchain::{GO, LOCAL};
use crate::build::BuildError;
use crate::build::bindings::FOR_EDITORS;
use crate::build::command::{self, Errors};

/// The module of the bindings, as policies import it.
pub(super) const BINDINGS: &str = "ansai/bindings";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GoMod {
    module: Named,
    replace: Option<Vec<Replacement>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replacement {
    old: Named,
    new: Named,
}

/// Reads the path of the policy's module and checks that go.mod says where the bindings are.
pub(super) fn read(dir: &Path, elsewhere: &Path) -> Result<String, BuildError> {
    let file = dir.join("go.mod");
    let arguments = ["mod".as_ref(), "edit".as_ref(), "-json".as_ref(), file.as_os_str()];
    let environment = [(LOCAL.0, OsStr::new(LOCAL.1))];
    let output = command::run(GO.as_ref(), &arguments, &environment, elsewhere, Errors::Kept)?;
    if !output.success {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(BuildError::Compiler { program: GO.into(), said });
    }
    let module: GoMod = serde_json::from_slice(&output.stdout)
        .map_err(|error| BuildError::Compiler { program: GO.into(), said: error.to_string() })?;
    let here = format!("./{FOR_EDITORS}");
    if module.replace.iter().flatten().any(|one| one.old.path == BINDINGS && one.new.path == here) {
        Ok(module.module.path)
    } else {
        Err(BuildError::NoBindings { file, module: BINDINGS, place: here })
    }
}
