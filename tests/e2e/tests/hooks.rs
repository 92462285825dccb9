//! Follows `runtime/docs/hooks.md` command by command: a policy asks a command of the operator, runs another one, waits
//! until all is well, and a person undoes it.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use ansai_harness::{binary, requires_root};

use crate::authors::{target_dir, wasm_environment};
use crate::walk::{blocks, follow, path_with};

/// The directory that the page names.
const PLACE: &str = "/srv/app";

#[test]
fn the_page_about_hooks_is_true() {
    let Some(mut environment) = wasm_environment("the_page_about_hooks_is_true") else { return };
    if !requires_root() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    // For the user of the hooks.
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let page = std::fs::read_to_string(binary::repository().join("runtime/docs/hooks.md")).unwrap();
    let page = page.replace(PLACE, place.path().to_str().unwrap());
    let bin = tempfile::tempdir().unwrap();
    environment.push(("CARGO_TARGET_DIR", target_dir().display().to_string()));
    let path = path_with(&binary::ansai(), bin.path(), &environment);
    let shown = follow(&blocks(&page), |shell| {
        shell.current_dir(place.path()).limit(Duration::from_secs(280)).env("PATH", path)
    });
    assert!(shown >= 3, "{shown} outputs are shown");
}
