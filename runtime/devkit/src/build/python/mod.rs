//! Python: componentize-py puts CPython and the policy into the component. `checked.py` surrounds the policy and checks
//! what crosses the boundary.

mod words;

use std::ffi::OsStr;
use std::path::Path;

use ansai_config::Manifest;
use ansai_core::Interface;

use super::crossing::Crossing;
use super::toolchain::{self, Toolchain};
use super::{BuildError, storage, world};

const TOOLCHAIN: Toolchain =
    Toolchain { language: "Python", variable: "ANSAI_PY_TOOLS", below_variable: "bin", below_policy: ".venv/bin" };
/// The version that is known to work.
const PACKAGE: &str = "componentize-py==0.25.1";
/// The module that imports `policy.py`.
const ENTRY: &str = "ansai_entry";
const CHECKED: &str = include_str!("checked.py");

/// Builds the component of the policy in a directory, without ansai's custom sections.
pub(super) fn component(dir: &Path, manifest: &Manifest, interfaces: &[Interface]) -> Result<Vec<u8>, BuildError> {
    let venv = dir.join(".venv");
    let install = format!("run `python3 -m venv {0} && {0}/bin/pip install {PACKAGE}`", venv.display());
    let componentize = TOOLCHAIN.find(dir, "componentize-py", &install)?;
    let work = storage::temporary()?;
    let (wit, component) = (work.path().join("wit"), work.path().join("policy.wasm"));
    world::write(&wit, manifest, interfaces)?;
    let entry = work.path().join("entry");
    let (resolve, found) = world::resolve(manifest, interfaces)?;
    let crossing = format!("CROSSING = r\"\"\"{}\"\"\"\n", Crossing::of(&resolve, found).to_json());
    storage::write(&entry.join(format!("{ENTRY}.py")), CHECKED.as_bytes())?;
    storage::write(&entry.join("ansai_crossing.py"), crossing.as_bytes())?;
    let sdk = dir.join("sdk");
    let mut arguments: Vec<&OsStr> = vec![
        "--quiet".as_ref(),
        "--wit-path".as_ref(),
        wit.as_ref(),
        "--world".as_ref(),
        world::WORLD.as_ref(),
        "componentize".as_ref(),
        // Removes WASI.
        "--stub-wasi".as_ref(),
        "--output".as_ref(),
        component.as_ref(),
        "--python-path".as_ref(),
        dir.as_ref(),
    ];
    if storage::is_dir(&sdk) {
        arguments.extend(["--python-path".as_ref(), sdk.as_os_str()]);
    }
    arguments.extend(["--python-path".as_ref(), entry.as_os_str(), ENTRY.as_ref()]);
    let mut environment = vec![("RUST_BACKTRACE", OsStr::new("0"))];
    if storage::is_dir(&venv) {
        // Where componentize-py finds the packages that the policy imports.
        environment.push(("VIRTUAL_ENV", venv.as_os_str()));
    }
    toolchain::run(&componentize, &arguments, &environment, work.path())
        .map_err(|error| words::told(error, manifest, interfaces))?;
    storage::read(&component)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hint, the template of `ansai new` and the tests must name the same version.
    #[test]
    fn the_template_pins_the_same_package() {
        let template = include_str!("../../../../../policies/sdk/python/template/requirements-dev.txt");
        assert!(template.lines().any(|line| line == PACKAGE), "{template}");
    }
}
