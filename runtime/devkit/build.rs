//! Embeds the templates of `ansai new` in the program: every file below `policies/sdk` at compile time.
//!
//! - `policies/sdk/every-language/` goes into every new policy.
//! - `policies/sdk/LANGUAGE/template/` is added, and replaces files of the same name.
//! - `policies/sdk/LANGUAGE/sdk/` is copied into `sdk/` unchanged, without its tests and its `Cargo.lock`.
//!
//! To add a language, add a directory; no code changes. In the first two, `{{name}}` stands for the policy's name and
//! `{{snake_name}}` for the name with `_` instead of `-`. Symbolic links are followed.
#![expect(clippy::disallowed_methods, reason = "a build script, which reads files and the environment")]

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Directories that tools create.
const LEFT_BEHIND: [&str; 4] = ["target", "node_modules", "__pycache__", ".venv"];

/// Path in the new policy, with `/`, to the file with its content.
type Files = BTreeMap<String, PathBuf>;

fn main() -> Result<(), Box<dyn Error>> {
    let sdk = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../policies/sdk").canonicalize()?;
    println!("cargo::rerun-if-changed={}", sdk.display());
    // Symbolic links in the SDKs lead there.
    println!("cargo::rerun-if-changed={}", sdk.join("../examples/scenarios").display());
    println!("cargo::rerun-if-changed={}", sdk.join("../../wit").display());
    let mut shared = Files::new();
    collect(&sdk.join("every-language"), "", &[], &mut shared)?;
    let mut out = String::from("pub(super) static TEMPLATES: &[Template] = &[\n");
    for language in names(&sdk)? {
        let dir = sdk.join(&language);
        if !dir.join("template").is_dir() {
            continue;
        }
        let mut files = shared.clone();
        collect(&dir.join("template"), "", &[], &mut files)?;
        if dir.join("sdk").is_dir() {
            collect(&dir.join("sdk"), "sdk/", &["tests", "Cargo.lock"], &mut files)?;
        }
        writeln!(out, "    Template {{ language: {language:?}, files: &[")?;
        for (path, source) in &files {
            let source = source.to_str().ok_or("a path that is no UTF-8")?;
            writeln!(out, "        ({path:?}, include_bytes!({source:?})),")?;
        }
        writeln!(out, "    ] }},")?;
    }
    out += "];\n";
    fs::write(Path::new(&env::var("OUT_DIR")?).join("templates.rs"), out)?;
    Ok(())
}

/// Collects the files below a directory; skips `without` at its top level.
fn collect(dir: &Path, prefix: &str, without: &[&str], files: &mut Files) -> Result<(), Box<dyn Error>> {
    for name in names(dir)? {
        let path = dir.join(&name);
        if without.contains(&name.as_str()) || LEFT_BEHIND.contains(&name.as_str()) || name.ends_with(".wasm") {
            continue;
        }
        let inside = format!("{prefix}{name}");
        if fs::metadata(&path)?.is_dir() {
            collect(&path, &format!("{inside}/"), &[], files)?;
        } else {
            files.insert(inside, path);
        }
    }
    Ok(())
}

/// The names in a directory, sorted, so that the same files give the same program.
fn names(dir: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.push(entry?.file_name().into_string().map_err(|_| "a name that is no UTF-8")?);
    }
    names.sort();
    Ok(names)
}
