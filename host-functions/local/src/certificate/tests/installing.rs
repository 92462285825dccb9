//! `install`: in place, and back.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use ansai_core::{Outcome, Refusal};
use ansai_harness::pki::Issued;
use ansai_kit::action::{Applied, Fate};
use ansai_kit::target::{CertificateFiles, Reload};

use super::scene::{NAME, NEW, Scene};
use crate::certificate::server::Commands;
use crate::certificate::swap;

const NAMES: &[&str] = &[NAME, "www.a.example"];

fn staged() -> (Scene, Issued) {
    let scene = Scene::new();
    let new = scene.authority.issue(NAMES, NEW);
    scene.stage(&new);
    (scene, new)
}

#[test]
fn an_installation_is_tested_loaded_and_undone() {
    let (scene, new) = staged();
    let files = scene.files("exit 0", "exit 0");
    let done = scene.install(&files, "1").unwrap();
    assert_eq!((done.outcome, scene.served()), (Outcome::Done, new.pem.clone()), "{}", done.detail);
    assert_eq!(scene.called(), ["test-it ", "test-it ", "reload-it "]);
    assert_eq!(fs::read_to_string(scene.live("privkey")).unwrap(), new.key);
    assert_eq!(fs::metadata(scene.live("privkey")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(scene.live("fullchain")).unwrap().permissions().mode() & 0o777, 0o644);
    assert!(!done.detail.contains("PRIVATE") && !serde_json::to_string(&done).unwrap().contains(&new.key[30..60]));
    for _ in 0..2 {
        swap::restore(&scene.site, NAME, &files, "1").unwrap();
        assert_eq!((scene.served(), scene.archive().len()), (scene.installed.pem.clone(), 4), "as before");
    }
}

#[test]
fn what_does_not_work_is_put_back_and_loaded_again() {
    let (scene, _) = staged();
    let live = scene.live("cert");
    // The test fails as soon as the links lead to the second version.
    let test = format!("case $(readlink {}) in *cert2.pem) echo 'nginx: emerg' >&2; exit 1;; esac", live.display());
    let failed = scene.install(&scene.files(&test, "exit 0"), "1").unwrap();
    assert_eq!((failed.outcome, scene.served()), (Outcome::Failed, scene.installed.pem.clone()));
    assert!(failed.detail.contains("nginx: emerg") && failed.detail.contains("back and loaded"), "{}", failed.detail);
    assert_eq!(scene.archive().len(), 4, "certbot would install what nothing links to");
    assert_eq!(scene.called().last().unwrap(), "reload-it ");
    let reload = format!("case $(readlink {}) in *cert2.pem) exit 1;; esac", live.display());
    let failed = scene.install(&scene.files("exit 0", &reload), "2").unwrap();
    assert_eq!((failed.outcome, scene.served()), (Outcome::Failed, scene.installed.pem.clone()));
    assert!(
        failed.detail.contains("the reload failed") && failed.detail.contains("back and loaded"),
        "{}",
        failed.detail
    );
    let failed = scene.install(&scene.files("exit 0", "exit 3"), "3").unwrap();
    assert_eq!((failed.outcome, scene.served()), (Outcome::Failed, scene.installed.pem.clone()));
    assert!(failed.detail.contains("the previous files are back, but"), "{}", failed.detail);
}

#[test]
fn a_server_that_is_broken_already_is_left_alone() {
    let (scene, _) = staged();
    let failed = scene.install(&scene.files("echo broken; exit 1", "exit 0"), "1").unwrap();
    assert!(failed.outcome == Outcome::Failed && failed.detail.contains("before anything was changed"), "{failed:?}");
    assert_eq!((scene.served(), scene.called().len()), (scene.installed.pem.clone(), 1));
    assert!(swap::note(&scene.site, NAME, "1").unwrap().is_none());
}

#[test]
fn nothing_is_replaced_while_ansai_stops() {
    let (scene, _) = staged();
    let files = scene.files("exit 0", "exit 0");
    assert!(matches!(scene.install_while(&files, "1", true), Err(Refusal::Unavailable(_))));
    assert_eq!((scene.served(), scene.called()), (scene.installed.pem.clone(), vec!["test-it ".to_owned()]));
    assert!(swap::note(&scene.site, NAME, "1").unwrap().is_none());
}

#[test]
fn files_of_their_own_keep_owner_and_mode() {
    let (scene, new) = staged();
    let (certificate, key) = (scene.path().join("tls.pem"), scene.path().join("tls.key"));
    fs::write(&certificate, format!("{}{}", scene.installed.pem, scene.authority.pem)).unwrap();
    fs::write(&key, &scene.installed.key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        std::os::unix::fs::chown(&key, Some(0), Some(4_242)).unwrap();
    }
    let files =
        CertificateFiles { certificate: certificate.clone(), key: key.clone(), ..scene.files("exit 0", "exit 0") };
    scene.install(&files, "1").unwrap();
    assert_eq!(fs::read_to_string(&certificate).unwrap(), format!("{}{}", new.pem, scene.authority.pem));
    assert_eq!((fs::read_to_string(&key).unwrap(), scene.served()), (new.key.clone(), new.pem.clone()));
    let found = fs::metadata(&key).unwrap();
    assert_eq!((found.mode() & 0o777, found.gid() == 4_242), (0o640, is_root));
    let installed = fs::read(&certificate).unwrap();
    fs::write(&certificate, &scene.authority.issue(NAMES, NEW).pem).unwrap();
    assert!(matches!(swap::restore(&scene.site, NAME, &files, "1"), Err(Refusal::Changed(_))));
    assert_eq!(scene.served(), new.pem, "nothing was put back");
    fs::write(&certificate, installed).unwrap();
    swap::restore(&scene.site, NAME, &files, "1").unwrap();
    assert_eq!(fs::read_to_string(&key).unwrap(), scene.installed.key);
    assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o640);
    let mixed = CertificateFiles { key: scene.live("privkey"), ..files };
    assert!(matches!(scene.install(&mixed, "2"), Err(Refusal::Denied(_))), "one is certbot's, the other is not");
}

#[test]
fn a_crash_in_the_middle_is_found_and_put_back() {
    let (scene, _) = staged();
    let files = scene.files("exit 0", "exit 0");
    let version = crate::certificate::staging::version(&scene.site, NAME).unwrap().unwrap();
    swap::replace(&scene.site, NAME, &version, &files, "1").unwrap();
    // Two of the links were not replaced yet, and one temporary link is left.
    for kind in ["chain", "fullchain"] {
        let link = scene.live(kind);
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(format!("../../archive/{NAME}/{kind}1.pem"), &link).unwrap();
    }
    std::os::unix::fs::symlink("x", scene.live("x").with_file_name(".chain.ansai")).unwrap();
    assert!(swap::note(&scene.site, NAME, "1").unwrap().is_some());
    swap::restore(&scene.site, NAME, &files, "1").unwrap();
    assert_eq!((scene.served(), scene.archive().len()), (scene.installed.pem.clone(), 4));
    // Only a part of the new version was written.
    fs::write(scene.site.config.join("archive").join(NAME).join("cert2.pem"), "half").unwrap();
    assert_eq!(scene.install(&files, "2").unwrap().outcome, Outcome::Done);
    assert_eq!(swap::note(&scene.site, NAME, "2").unwrap().unwrap().to, 3);
}

#[test]
fn what_somebody_has_renewed_since_stays() {
    let (scene, _) = staged();
    let files = scene.files("exit 0", "exit 0");
    scene.install(&files, "1").unwrap();
    let newer = scene.authority.issue(NAMES, NEW);
    scene.write_version(&scene.site.config, 3, &newer);
    assert!(matches!(swap::restore(&scene.site, NAME, &files, "1"), Err(Refusal::Changed(_))));
    assert_eq!(scene.served(), newer.pem);
}

#[test]
fn what_certbot_has_renewed_under_the_same_number_stays() {
    let (scene, _) = staged();
    let files = scene.files("exit 0", "exit 0");
    scene.install(&files, "1").unwrap();
    swap::restore(&scene.site, NAME, &files, "1").unwrap();
    // A crash has hidden that the undo was complete, and certbot took the number that was free again.
    let newer = scene.authority.issue(NAMES, NEW);
    scene.write_version(&scene.site.config, 2, &newer);
    assert!(matches!(swap::restore(&scene.site, NAME, &files, "1"), Err(Refusal::Changed(_))));
    assert_eq!(scene.served(), newer.pem);
}

/// The step failed, and what it did is listed, so that an undo tries again.
fn assert_is_left(failed: &Applied) {
    assert_eq!((failed.outcome, &failed.items[0].fate), (Outcome::Failed, &Fate::Done), "{failed:?}");
    assert!(failed.detail.contains("could not be put back"), "{}", failed.detail);
}

#[test]
fn what_could_not_be_put_back_is_left_to_the_undo() {
    let (scene, new) = staged();
    let (cert, chain) = (scene.live("cert"), scene.live("chain"));
    // The test fails, and a link leads to a version that is neither the old nor the new one.
    let test = format!(
        "case $(readlink {}) in *cert2.pem) ln -sf ../../archive/{NAME}/chain7.pem {}; exit 1;; esac",
        cert.display(),
        chain.display()
    );
    let files = scene.files(&test, "exit 0");
    assert_is_left(&scene.install(&files, "1").unwrap());
    assert_eq!(scene.served(), new.pem);
    fs::remove_file(&chain).unwrap();
    std::os::unix::fs::symlink(format!("../../archive/{NAME}/chain2.pem"), &chain).unwrap();
    swap::restore(&scene.site, NAME, &files, "1").unwrap();
    assert_eq!((scene.served(), scene.archive().len()), (scene.installed.pem.clone(), 4));
}

#[test]
fn half_a_replacement_that_could_not_be_put_back_is_left_to_the_undo() {
    let (scene, _) = staged();
    // The first link is replaced, and no link of the key can be made, neither forwards nor back.
    let obstacle = scene.live("x").with_file_name(".privkey.ansai");
    fs::create_dir(&obstacle).unwrap();
    let files = scene.files("exit 0", "exit 0");
    assert_is_left(&scene.install(&files, "1").unwrap());
    assert_eq!(scene.archive().len(), 8, "the new files are still there");
    fs::remove_dir(&obstacle).unwrap();
    swap::restore(&scene.site, NAME, &files, "1").unwrap();
    assert_eq!((scene.served(), scene.archive().len()), (scene.installed.pem.clone(), 4));
}

#[test]
fn an_undo_without_its_note_is_refused() {
    let (scene, new) = staged();
    let files = scene.files("exit 0", "exit 0");
    scene.install(&files, "1").unwrap();
    fs::remove_file(scene.site.own_path(NAME).join("swap-1")).unwrap();
    assert!(matches!(swap::restore(&scene.site, NAME, &files, "1"), Err(Refusal::NotFound(_))));
    assert_eq!(scene.served(), new.pem);
}

#[test]
fn commands_are_compared_and_shown() {
    let scene = Scene::new();
    let files = scene.files("exit 0", "exit 0");
    let commands = Commands::of(&files);
    let programs = ["test-it", "reload-it"].map(|name| scene.path().join(name).display().to_string());
    assert_eq!(commands.shown(), programs.map(|program| format!("{program}, which is run")));
    let changes: [fn(&mut CertificateFiles); 3] = [
        |files| files.test.push("--quick".into()),
        |files| files.reload = Reload::Command(vec!["/bin/true".into()]),
        |files| files.reload = Reload::Unit("nginx.service".into()),
    ];
    for change in changes {
        let mut other = files.clone();
        change(&mut other);
        assert_ne!(Commands::of(&other), commands, "{other:?}");
    }
}

#[test]
fn only_the_latest_installations_are_kept() {
    let (scene, _) = staged();
    let files = scene.files("exit 0", "exit 0");
    for step in 1..=6 {
        scene.stage(&scene.authority.issue(NAMES, (NEW.0, NEW.1 + step)));
        scene.install(&files, &step.to_string()).unwrap();
    }
    let own = fs::read_dir(scene.site.own_path(NAME)).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(own.filter(|name| name.to_string_lossy().starts_with("swap-")).count(), 3);
    // The clock was put back: by its id, this step is older than all others.
    scene.stage(&scene.authority.issue(NAMES, (NEW.0, NEW.1 + 7)));
    scene.install(&files, "0").unwrap();
    assert!(swap::note(&scene.site, NAME, "0").unwrap().is_some());
    assert!(swap::note(&scene.site, NAME, "6").unwrap().is_some());
    assert!(swap::note(&scene.site, NAME, "4").unwrap().is_none());
}
