//! Follows `runtime/docs/how-to-add-a-probe.md` command by command in a copy of the repository.
//!
//! The copy is new each time. Its target directory stays, so the crates of the repository are compiled as a contributor's are: from
//! what the last run has left.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_harness::binary;

use crate::authors::{cache, target_dir, wasm_environment};
use crate::walk::{blocks, follow, path_with};

/// The directory of the programs under test: `release` in the target directory.
fn built() -> PathBuf {
    binary::ansai().parent().unwrap().to_owned()
}

/// Copies a directory, without what is built and what git keeps. With `link`, its files are hard links.
fn copy(from: &Path, to: &Path, link: bool, wanted: &dyn Fn(&str) -> bool) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().map(Result::unwrap) {
        let (name, kind) = (entry.file_name(), entry.file_type().unwrap());
        let (from, to) = (entry.path(), to.join(&name));
        if !wanted(name.to_str().unwrap()) {
        } else if kind.is_dir() {
            copy(&from, &to, link, wanted);
        } else if (link || kind.is_symlink()) && to.symlink_metadata().is_ok() {
            // From the last run: the names of libraries have a hash of all that they were compiled from.
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(from.read_link().unwrap(), to).unwrap();
        } else if link {
            std::fs::hard_link(from, to).unwrap();
        } else {
            let at = entry.metadata().unwrap().modified().unwrap();
            std::fs::copy(from, &to).unwrap();
            std::fs::File::options().append(true).open(to).unwrap().set_modified(at).unwrap();
        }
    }
}

/// Adds the compiled dependencies to a target directory.
fn warm(target: &Path) {
    let dependencies = |name: &str| !name.starts_with("ansai") && !name.starts_with("libansai");
    // cargo and rustc replace these files, and do not write into them.
    let libraries = |name: &str| dependencies(name) && name.contains('.') && !name.ends_with(".d");
    copy(&built().join("deps"), &target.join("release/deps"), true, &libraries);
    copy(&built().join("deps"), &target.join("release/deps"), false, &|name| {
        dependencies(name) && name.ends_with(".d")
    });
    for directory in [".fingerprint", "build"] {
        copy(&built().join(directory), &target.join("release").join(directory), false, &dependencies);
    }
}

/// Compiles the crates of the repository as fast as possible; the others stay as they are in the target directory.
fn profile(repository: &Path) -> String {
    let manifest = std::fs::read_to_string(repository.join("Cargo.toml")).unwrap();
    let names = manifest.lines().filter_map(|line| line.split_once(" = { path")).map(|(name, _)| name);
    let own =
        names.filter(|name| name.starts_with("ansai")).chain(["ansai", "ansai-e2e", "ansai-fuzz", "ansai-benches"]);
    let profiles: String =
        own.map(|name| format!("[profile.release.package.{name}]\nopt-level = 0\ndebug = false\n")).collect();
    format!("[build]\nincremental = true\n{profiles}")
}

/// A place that only one run of this test uses at a time: on the file system of the target directory, because of the links, and
/// always with the same path, because cargo compiles again what has moved.
fn place() -> (PathBuf, std::fs::File) {
    let place = built().join("how-to-of-tests");
    std::fs::create_dir_all(&place).unwrap();
    let lock = std::fs::File::create(place.join("lock")).unwrap();
    lock.lock().unwrap();
    (place, lock)
}

#[test]
fn a_probe_is_added_as_the_page_says() {
    let Some(mut environment) = wasm_environment("a_probe_is_added_as_the_page_says") else { return };
    let (place, _lock) = place();
    let (repository, target) = (place.join("ansai"), place.join("target"));
    let _ = std::fs::remove_dir_all(&repository);
    let source = |name: &str| ![".git", "target"].contains(&name) && !name.ends_with(".wasm");
    copy(&binary::repository(), &repository, false, &source);
    std::fs::create_dir_all(repository.join(".cargo")).unwrap();
    std::fs::write(repository.join(".cargo/config.toml"), profile(&repository)).unwrap();
    warm(&target);
    let page = std::fs::read_to_string(repository.join("runtime/docs/how-to-add-a-probe.md")).unwrap();
    let bin = tempfile::tempdir().unwrap();
    environment.push(("CARGO_TARGET_DIR", target_dir().display().to_string()));
    let shown = follow(&blocks(&page), |shell| {
        let path = path_with(&target.join("release/ansai"), bin.path(), &environment);
        // A new target directory took 13 minutes on a busy machine with two processors.
        let shell = shell.current_dir(&repository).limit(Duration::from_secs(1_800));
        // The tools of `scripts/setup test` are in the user's cache.
        shell.env("PATH", path).env("CARGO_TARGET_DIR", &target).env("XDG_CACHE_HOME", cache())
    });
    assert!(shown >= 2, "{shown} outputs are shown");
}
