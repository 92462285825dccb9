//! Runs all commands of `runtime/docs/tutorial.md` in order, as an author would, and compares the output with the
//! tutorial.

use std::time::Duration;

use ansai_harness::binary;

use crate::authors::{target_dir, wasm_environment};
use crate::walk::{blocks, follow, path_with};

/// The directory that the tutorial names. The test's own directory has a path of the same length, so that lines wrap
/// alike.
const PLACE: &str = "/tmp/ansai-tutorial";

fn page() -> String {
    std::fs::read_to_string(binary::repository().join("runtime/docs/tutorial.md")).unwrap()
}

#[test]
fn the_tutorial_is_true() {
    let Some(mut environment) = wasm_environment("the_tutorial_is_true") else { return };
    let place = tempfile::Builder::new().prefix("ansai-tu").rand_bytes(6).tempdir_in("/tmp").unwrap();
    let at = place.path().to_str().unwrap();
    assert_eq!(at.len(), PLACE.len());
    let bin = tempfile::tempdir().unwrap();
    environment.push(("CARGO_TARGET_DIR", target_dir().display().to_string()));
    let path = path_with(&binary::ansai(), bin.path(), &environment);
    let shown = follow(&blocks(&page().replace(PLACE, at)), |shell| {
        shell.current_dir(place.path()).limit(Duration::from_secs(280)).env("PATH", path)
    });
    assert!(shown >= 8, "{shown} outputs are shown");
}

/// The lines that the tutorial shows for other languages are in the templates of `ansai new`.
#[test]
fn lines_for_other_languages_are_in_their_templates() {
    let mut found = 0;
    for (language, file) in [
        ("ts", "typescript/template/policy.ts"),
        ("python", "python/template/policy.py"),
        ("go", "go/template/policy.go"),
        ("c", "c/template/policy.c"),
    ] {
        let template = std::fs::read_to_string(binary::repository().join("policies/sdk").join(file)).unwrap();
        for block in blocks(&page()).iter().filter(|block| block.language == language) {
            for line in block.text.lines().map(str::trim).filter(|line| !line.is_empty()) {
                assert!(template.lines().any(|known| known.trim() == line), "{file} has no line {line}");
                found += 1;
            }
        }
    }
    assert!(found >= 8, "{found}");
}
