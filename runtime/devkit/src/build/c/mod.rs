//! C, compiled by clang or zig, for a target without an operating system. The SDK holds the part of the C library that
//! a policy needs.

mod compile;
mod toolchain;

use std::path::Path;

use ansai_config::Manifest;
use ansai_core::Interface;

use super::{BuildError, bindings, component, storage};

/// Prefix of the generated functions and types, and of the generated files' names.
const PREFIX: &str = "ansai";

/// Checks the answers of a policy.
const CHECKED: &str = include_str!("checked.c");
/// The file that has it, next to the bindings.
const CHECKED_FILE: &str = "checked.c";

/// Builds the component of the sources in a directory, without ansai's custom sections.
pub(super) fn component(dir: &Path, manifest: &Manifest, interfaces: &[Interface]) -> Result<Vec<u8>, BuildError> {
    let compiler = toolchain::find(dir)?;
    let place = storage::temporary()?;
    let options = wit_bindgen_c::Opts { rename_world: Some(PREFIX.into()), ..Default::default() };
    let bindings = bindings::generate(options.build(), manifest, interfaces)?;
    bindings::write(&bindings, &place.path().join("bindings"), dir)?;
    surround(&place.path().join("bindings"))?;
    component::encode(&compile::compile(&compiler, dir, place.path())?)
}

/// Lets the bindings call `checked.c`, which calls the policy.
fn surround(bindings: &Path) -> Result<(), BuildError> {
    let path = bindings.join(format!("{PREFIX}.c"));
    let text = String::from_utf8_lossy(&storage::read(&path)?).into_owned();
    let mut around = format!("#include \"{PREFIX}.h\"\n");
    for (name, arguments) in [
        ("detect", format!("{PREFIX}_list_observation_t *, {PREFIX}_failure_t *")),
        ("plan", format!("{PREFIX}_observation_t *, {PREFIX}_decision_t *, {PREFIX}_failure_t *")),
    ] {
        around += &format!(
            "bool {PREFIX}_checked_{name}({arguments});\n#define exports_{PREFIX}_{name} {PREFIX}_checked_{name}\n"
        );
    }
    storage::write(&path, (around + &text).as_bytes())?;
    storage::write(&bindings.join(CHECKED_FILE), CHECKED.as_bytes())
}
