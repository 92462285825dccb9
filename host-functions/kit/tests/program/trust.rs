//! Which programs are run. Without the check of `executable`, each refused program here would run.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;

use ansai_core::codes;
use ansai_harness::requires_root;
use ansai_kit::program::{Program, ProgramError};

use crate::{LONG, Place, said};

const SCRIPT: &str = "#!/bin/sh\necho \"ran $0\"\n";

/// `dir/program`, which says that it ran.
fn program(place: &Place) -> std::path::PathBuf {
    fs::create_dir(place.path("dir")).unwrap();
    let program = place.path("dir/program");
    fs::write(&program, SCRIPT).unwrap();
    permit(&program, 0o755);
    program
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn at(path: &Path) -> Program<'_> {
    Program::new(path).limit(LONG)
}

#[track_caller]
fn refused(path: &Path) -> ProgramError {
    at(path).run(&|| false).unwrap_err()
}

#[track_caller]
fn untrusted_because_of(path: &Path, culprit: &Path) {
    let error = refused(path);
    assert_eq!(error.code(), codes::UNTRUSTED_PROGRAM, "{error}");
    assert!(error.to_string().starts_with(&format!("{} ", culprit.display())), "{error}");
    assert!(!error.hint().is_empty());
}

#[test]
fn a_program_that_only_the_user_can_change_runs() {
    let place = Place::new();
    let path = program(&place);
    assert_eq!(said(&at(&path)), format!("ran {}\n", path.display()));
}

#[test]
fn a_program_or_directory_that_others_can_write_is_refused() {
    let place = Place::new();
    let path = program(&place);
    for culprit in [path.clone(), place.path("dir"), place.path("")] {
        let culprit = culprit.components().as_path().to_owned();
        let before = fs::metadata(&culprit).unwrap().permissions();
        permit(&culprit, 0o757);
        untrusted_because_of(&path, &culprit);
        fs::set_permissions(&culprit, before).unwrap();
    }
    said(&at(&path));
}

#[test]
fn a_program_or_directory_of_another_user_is_refused() {
    if !requires_root() {
        return;
    }
    let place = Place::new();
    let path = program(&place);
    for culprit in [&path, &place.path("dir")] {
        chown(culprit, Some(4_242), None).unwrap();
        untrusted_because_of(&path, culprit);
        chown(culprit, Some(0), None).unwrap();
    }
    said(&at(&path));
}

#[test]
fn a_link_on_the_way_is_followed_only_if_nobody_else_can_change_it() {
    let place = Place::new();
    let path = program(&place);
    symlink(&path, place.path("link")).unwrap();
    symlink("dir", place.path("way")).unwrap();
    fs::create_dir(place.path("open")).unwrap();
    symlink(&path, place.path("open/link")).unwrap();
    for link in ["link", "way/program", "open/link"] {
        assert_eq!(said(&at(&place.path(link))), format!("ran {}\n", path.display()));
    }
    permit(&place.path("open"), 0o777);
    untrusted_because_of(&place.path("open/link"), &place.path("open"));
    if requires_root() {
        lchown(place.path("link"), Some(4_242), None).unwrap();
        untrusted_because_of(&place.path("link"), &place.path("link"));
    }
}

/// busybox and others do what their name says.
#[test]
fn a_program_sees_the_name_by_which_it_was_called() {
    let place = Place::new();
    symlink("/bin/sh", place.path("called-so")).unwrap();
    let path = place.path("called-so");
    assert_eq!(said(&at(&path).args(["-c", "echo $0"])), format!("{}\n", path.display()));
}

#[test]
fn what_is_no_program_does_not_start() {
    let place = Place::new();
    let path = program(&place);
    for no_program in [Path::new("bin/sh"), Path::new("sh"), &place.path("none"), &place.path("dir")] {
        assert_eq!(refused(no_program).code(), codes::PROGRAM_START, "{}", no_program.display());
    }
    permit(&path, 0o644);
    let error = refused(&path);
    assert!(matches!(error, ProgramError::Start { .. }), "{error}");
}
