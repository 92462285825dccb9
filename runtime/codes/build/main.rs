//! Generates `pages.rs` from the directory `pages`. A file that is not a valid page fails the build, with its name.
#![expect(clippy::disallowed_methods, reason = "a build script is told of its directories by its environment")]
#![expect(clippy::print_stdout, reason = "cargo reads what a build script prints")]

mod directory;
mod parse;

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=pages");
    let env = |name: &str| std::env::var(name).unwrap_or_default();
    match directory::read(&Path::new(&env("CARGO_MANIFEST_DIR")).join("pages")) {
        Err(wrong) => wrong.iter().for_each(|wrong| println!("cargo::error=pages/{wrong}")),
        Ok(pages) => {
            if let Err(error) = std::fs::write(Path::new(&env("OUT_DIR")).join("pages.rs"), source(&pages)) {
                println!("cargo::error=pages.rs: {error}");
            }
        }
    }
}

/// `Debug` formats the parts as Rust source.
fn source(pages: &[parse::Page]) -> String {
    let mut out = String::from("&[\n");
    for parse::Page { area, word, title, meaning, example, fix } in pages {
        let _ = writeln!(
            out,
            "Page {{ area: {area:?}, word: {word:?}, title: {title:?}, meaning: &{meaning:?}, example: {example:?}, \
             fix: &{fix:?} }},",
        );
    }
    out + "]\n"
}
