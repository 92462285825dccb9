//! JavaScript and TypeScript: bundled by esbuild, run by QuickJS inside the component. For TypeScript, tsc checks the
//! types first, with the policy's own `tsconfig.json`. `checked.js` surrounds the policy and checks what crosses the
//! boundary.

mod bundle;
mod lines;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ansai_config::Manifest;
use ansai_core::Interface;

use super::crossing::Crossing;
use super::toolchain::{self, Toolchain};
use super::{BuildError, Language, storage, tail_calls, world};

const TOOLCHAIN: Toolchain = Toolchain {
    language: "JavaScript",
    variable: "ANSAI_JS_TOOLS",
    below_variable: "node_modules/.bin",
    below_policy: "node_modules/.bin",
};
const NODE: &str = "install Node.js 20 or newer: `apt-get install nodejs npm`, or from https://nodejs.org";
/// Versions that are known to work together.
const PACKAGES: [&str; 2] = ["componentize-qjs@0.4.5", "esbuild@0.28.2"];
const TYPESCRIPT: &str = "typescript@7.0.2";

/// Builds the component of the policy in a directory, without ansai's custom sections.
pub(super) fn component(
    dir: &Path,
    language: Language,
    manifest: &Manifest,
    interfaces: &[Interface],
) -> Result<Vec<u8>, BuildError> {
    let tools = Tools::find(dir, language)?;
    let work = storage::temporary()?;
    let at = |name: &str| work.path().join(name);
    world::write(&at("wit"), manifest, interfaces)?;
    if let Some(tsc) = &tools.tsc {
        let arguments = ["--noEmit", "--pretty", "false", "--project", "."].map(OsStr::new);
        toolchain::run(tsc, &arguments, &[], dir)?;
    }
    let bundle = at("policy.js");
    let (resolve, world) = world::resolve(manifest, interfaces)?;
    bundle::make(&tools.esbuild, dir, language.sign(), &Crossing::of(&resolve, world), &bundle)?;
    bundle::check(&bundle, manifest, interfaces)?;
    let (wit, component) = (at("wit"), at("policy.wasm"));
    let arguments: [&OsStr; 11] = [
        "--wit".as_ref(),
        wit.as_ref(),
        "--world".as_ref(),
        world::WORLD.as_ref(),
        "--js".as_ref(),
        bundle.as_ref(),
        "--output".as_ref(),
        component.as_ref(),
        // Removes WASI, passes no promises across the boundary, and makes the component 1 MB instead of 2 MB.
        "--stub-wasi".as_ref(),
        "--sync".as_ref(),
        "--opt-size".as_ref(),
    ];
    toolchain::run(&tools.componentize, &arguments, &[], work.path())?;
    tail_calls::replaced(&storage::read(&component)?)
}

/// The programs that a build needs.
struct Tools {
    /// Only for TypeScript.
    tsc: Option<PathBuf>,
    esbuild: PathBuf,
    componentize: PathBuf,
}

impl Tools {
    fn find(dir: &Path, language: Language) -> Result<Tools, BuildError> {
        // All of them are Node programs.
        TOOLCHAIN.find(dir, "node", NODE)?;
        let typed = language == Language::TypeScript;
        let packages: Vec<&str> = PACKAGES.into_iter().chain(typed.then_some(TYPESCRIPT)).collect();
        let install = format!("run `npm install --save-dev --save-exact {}` in {}", packages.join(" "), dir.display());
        let find = |program| TOOLCHAIN.find(dir, program, &install);
        Ok(Tools {
            tsc: if typed { Some(find("tsc")?) } else { None },
            esbuild: find("esbuild")?,
            componentize: find("componentize-qjs")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hint, the templates of `ansai new` and the tests must name the same versions.
    #[test]
    fn the_templates_pin_the_same_packages() {
        let typescript = include_str!("../../../../../policies/sdk/typescript/template/package.json");
        let javascript = include_str!("../../../../../policies/sdk/javascript/template/package.json");
        let line = |package: &str| package.split_once('@').map(|(name, version)| format!("\"{name}\": \"{version}\""));
        for package in PACKAGES {
            let line = line(package).unwrap_or_default();
            assert!(typescript.contains(&line) && javascript.contains(&line), "{line}");
        }
        assert!(typescript.contains(&line(TYPESCRIPT).unwrap_or_default()));
    }
}
