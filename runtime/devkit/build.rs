//! Puts the templates of `ansai new` into the program: whatever is below `policies/sdk` when it is compiled.
//!
//! - `policies/sdk/every-language/` goes into every new policy.
//! - `policies/sdk/LANGUAGE/template/` goes over it: a file of the same name takes the place of the other.
//! - `policies/sdk/LANGUAGE/sdk/` goes into `sdk/` as it is, without its tests and its `Cargo.lock`.
//!
//! So a language is a directory, and no line of code. In the first two, `{{name}}` stands for the policy's name and
//! `{{snake_name}}` for the same with `_` for `-`. Symbolic links are followed.
#![expect(clippy::disallowed_methods, reason = "a build script, which reads files and the environment")]

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What tools leave behind.
const LEFT_BEHIND: [&str; 4] = ["target", "node_modules", "__pycache__", ".venv"];

/// Path in the new policy, with `/`, and where its text is.
type Files = BTreeMap<String, PathBuf>;

fn main() -> Result<(), Box<dyn Error>> {
    let sdk = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../policies/sdk").canonicalize()?;
    println!("cargo::rerun-if-changed={}", sdk.display());
    // Symbolic links in it lead there.
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

/// Files below a directory; `without` is left out at its top.
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

/// Sorted, so that the same files make the same program.
fn names(dir: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.push(entry?.file_name().into_string().map_err(|_| "a name that is no UTF-8")?);
    }
    names.sort();
    Ok(names)
}
