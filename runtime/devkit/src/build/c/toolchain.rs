//! Finds a C compiler that can produce WebAssembly, before an unsuitable one fails with an unrelated message.

use std::ffi::OsStr;
use std::path::Path;

use crate::build::BuildError;
use crate::build::command::{self, Errors};

/// The newest first. A plain `clang` comes last, because it can be any version.
const CLANG: &[&str] = &["clang-23", "clang-22", "clang-21", "clang-20", "clang-19", "clang"];
const CLANG_TARGET: &str = "--target=wasm32-unknown-unknown";
/// Makes a stack overflow trap instead of overwriting data. zig does not know the flag.
const CLANG_LINKER: &str = "-Wl,--stack-first";
/// zig contains clang and lld; the Python package `ziglang` provides it.
const ZIG: &[(&str, &[&str])] = &[("zig", &[]), ("python3", &["-m", "ziglang"])];

/// A compiler, and the flags that make it produce WebAssembly.
#[derive(Debug)]
pub(super) struct Compiler {
    pub(super) program: String,
    pub(super) arguments: Vec<&'static str>,
}

/// Finds the first compiler that has everything it needs.
pub(super) fn find(dir: &Path) -> Result<Compiler, BuildError> {
    let mut without_linker = None;
    for program in CLANG {
        match clang(program, dir) {
            Clang::Ready => {
                return Ok(Compiler { program: (*program).into(), arguments: vec![CLANG_TARGET, CLANG_LINKER] });
            }
            Clang::WithoutLinker => without_linker = without_linker.or(Some(*program)),
            Clang::Useless => {}
        }
    }
    for (program, first) in ZIG.iter().copied() {
        if answers(program, &[first, &["version"][..]].concat(), dir).is_some() {
            let arguments = [first, &["cc", "-target", "wasm32-freestanding"][..]].concat();
            return Ok(Compiler { program: (*program).into(), arguments });
        }
    }
    Err(missing(without_linker))
}

enum Clang {
    Ready,
    WithoutLinker,
    /// Missing, or built without WebAssembly.
    Useless,
}

fn clang(program: &str, dir: &Path) -> Clang {
    if !answers(program, &["--print-targets"], dir).is_some_and(|targets| targets.contains("wasm32")) {
        return Clang::Useless;
    }
    match answers(program, &[CLANG_TARGET, "--print-prog-name=wasm-ld"], dir) {
        // clang prints an absolute path if it finds the linker, otherwise the bare name.
        Some(linker) if Path::new(linker.trim()).is_absolute() => Clang::Ready,
        _ => Clang::WithoutLinker,
    }
}

/// Runs a program and returns its output; `None` if it is missing or fails.
fn answers(program: &str, arguments: &[&str], dir: &Path) -> Option<String> {
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    let output = command::run(program.as_ref(), &arguments, &[], dir, Errors::Kept).ok()?;
    output.success.then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn missing(without_linker: Option<&str>) -> BuildError {
    match without_linker {
        Some(clang) => {
            let package = clang.replace("clang", "lld");
            BuildError::NoToolchain {
                missing: format!("{clang} finds no wasm-ld, the linker for WebAssembly"),
                install: format!("`apt-get install {package}`, or `python3 -m pip install ziglang`"),
            }
        }
        None => BuildError::NoToolchain {
            missing: "no compiler of C for WebAssembly is on the PATH: neither clang with lld nor zig".into(),
            install: "`apt-get install clang-19 lld-19` or newer, or `python3 -m pip install ziglang`".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_compiler_is_reported_with_its_install_command() {
        for (clang, said, way_out) in [
            (None, "neither clang with lld nor zig", "apt-get install clang-19 lld-19"),
            (Some("clang-19"), "clang-19 finds no wasm-ld", "apt-get install lld-19"),
            (Some("clang"), "clang finds no wasm-ld", "apt-get install lld`"),
        ] {
            let error = missing(clang);
            assert!(error.to_string().contains(said), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains(way_out)), "{error}");
        }
    }
}
