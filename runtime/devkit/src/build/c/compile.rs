//! Compiles C sources to a core module, with one call of the compiler.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::toolchain::Compiler;
use super::{CHECKED_FILE, PREFIX};
use crate::build::command::{self, Errors};
use crate::build::{BuildError, storage};

/// Maximum depth of the directories that are searched for sources.
const DEEPEST: usize = 4;

/// Keep what depends on the machine out of the result: paths and names of temporary files.
const FLAGS: &[&str] = &[
    "-std=c17",
    "-ffreestanding",
    "-nostdlib",
    "-Os",
    "-Wall",
    "-Wextra",
    "-isystem",
    "sdk/libc",
    "-Isdk",
    "-Wl,--no-entry",
    "-Wl,--strip-debug",
    "-Wl,-z,stack-size=262144",
];

/// Compiles all `.c` files below a directory, together with the bindings in a temporary directory.
pub(super) fn compile(compiler: &Compiler, dir: &Path, place: &Path) -> Result<Vec<u8>, BuildError> {
    let bindings = place.join("bindings");
    let module = place.join("policy.wasm");
    let mut arguments: Vec<OsString> = compiler.arguments.iter().chain(FLAGS).map(OsString::from).collect();
    arguments.extend([joined("-I", &bindings), mapped(place, "."), mapped(dir, ".")]);
    arguments.extend(storage::below(dir, "c", DEEPEST)?.into_iter().map(OsString::from));
    // The object file holds the description of the world.
    arguments.extend([".c", "_component_type.o"].map(|end| bindings.join(format!("{PREFIX}{end}")).into()));
    arguments.push(bindings.join(CHECKED_FILE).into());
    arguments.extend(["-o".into(), module.clone().into()]);
    let arguments: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    let output = command::run(compiler.program.as_ref(), &arguments, &[], dir, Errors::Shown)?;
    if !output.success {
        return Err(BuildError::Compile { program: compiler.program.clone(), dir: dir.to_owned() });
    }
    storage::read(&module)
}

fn joined(flag: &str, path: &Path) -> OsString {
    let mut joined = OsString::from(flag);
    joined.push(path);
    joined
}

fn mapped(from: &Path, to: &str) -> OsString {
    let mut flag = joined("-ffile-prefix-map=", from);
    flag.push("=");
    flag.push(to);
    flag
}
