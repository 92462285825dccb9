//! `vacuum`.

use std::ffi::CString;
use std::os::unix::fs::{MetadataExt as _, symlink};

use ansai_core::Refusal;
use ansai_kit::action::Fate;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};

use crate::changes::{CHANGES, make};
use crate::scene::{ID, Scene, Verb, archived, in_a_namespace, left, mode, skipped};
use crate::users::Mapping;

#[test]
fn what_changed_since_the_preview_is_skipped() {
    for (what, reason) in CHANGES {
        let scene = Scene::new();
        let file = scene.archived(1);
        let step = scene.vacuum();
        assert_eq!(step.preview.items, 1, "{what}");
        let _kept = make(what, &file, &scene.path("aside"));
        let applied = scene.begin(&step);
        assert!(skipped(&applied).starts_with(reason), "{what}: {applied:?}");
        assert!(file.symlink_metadata().is_ok(), "{what}");
        assert_eq!(std::fs::read_dir(scene.machine()).unwrap().count(), 1, "{what}: a name of ours is left");
    }
}

#[test]
fn a_file_that_a_process_writes_through_a_mapping_is_in_use() {
    let scene = Scene::new().with_real_processes();
    let file = scene.archived(1);
    let mapping = Mapping::shared_writable(&file);
    let step = scene.vacuum();
    assert_eq!((step.preview.items, left(&step)["open"]), (0, 1));
    drop(mapping);
    let step = scene.vacuum();
    assert_eq!((step.preview.items, step.preview.frees_now_bytes), (1, 8192));
    // Readers let go by themselves; until then nothing is freed.
    let _reader = Mapping::read_only(&file);
    assert_eq!(scene.vacuum().preview.frees_later_bytes, 8192);
    let applied = scene.begin(&step);
    assert_eq!((&applied.items[0].fate, applied.items[0].freed_bytes), (&Fate::Done, 0));
    assert!(!file.exists());
}

#[test]
fn what_no_action_touches_the_journal_does_not_touch() {
    let scene = Scene::new();
    for (number, bits, reason) in [(1, 0o4640, "setuid"), (2, 0o2640, "setuid"), (3, 0o1640, "sticky")] {
        let file = scene.archived(number);
        mode(&file, bits);
        let step = scene.vacuum();
        assert_eq!((step.preview.items, left(&step)[reason]), (0, 1), "{bits:o}");
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn a_process_that_cannot_be_read_hides_no_writer() {
    let scene = Scene::new();
    let file = scene.archived(1);
    let step = scene.vacuum();
    // Its descriptors cannot be listed, by root either.
    scene.file("proc/7/fd", b"");
    let writer = std::fs::File::options().append(true).open(&file).unwrap();
    let applied = scene.begin(&step);
    assert!(["open", "maybe-open"].contains(&skipped(&applied)), "{applied:?}");
    assert!(file.exists());
    drop(writer);
    // The kernel's lease answers what /proc cannot.
    assert_eq!(scene.begin(&step).items[0].fate, Fate::Done);
}

#[test]
fn protected_directories_are_protected_by_whatever_way() {
    // Below the journal.
    let scene = Scene::new().protecting(&format!("/var/log/journal/{ID}"));
    let file = scene.archived(1);
    let step = scene.vacuum();
    assert_eq!((step.preview.items, left(&step)["protected"]), (0, 1));
    // The journal below it, by a link.
    let scene = Scene::new().protecting("/logs");
    scene.archived(1);
    std::fs::rename(scene.path("var/log"), scene.path("logs")).unwrap();
    symlink("/logs", scene.path("var/log")).unwrap();
    assert!(matches!(Verb::Vacuum.propose(&scene.host), Err(Refusal::Denied(_))));
    // Named by a link itself.
    let scene = Scene::new().protecting("/state");
    symlink(format!("var/log/journal/{ID}"), scene.path("state")).unwrap();
    scene.archived(1);
    let step = scene.vacuum();
    assert_eq!((step.preview.items, left(&step)["protected"]), (0, 1));
    assert!(file.exists());
}

#[test]
fn a_directory_that_becomes_protected_is_not_touched() {
    let scene = Scene::new();
    let file = scene.archived(1);
    let step = scene.vacuum();
    assert_eq!(step.preview.items, 1);
    let scene = scene.protecting("/state");
    symlink(format!("var/log/journal/{ID}"), scene.path("state")).unwrap();
    assert_eq!(skipped(&scene.begin(&step)), "protected");
    assert!(file.exists());
}

#[test]
fn a_protected_path_that_cannot_be_looked_at_stops_everything() {
    let scene = Scene::new().protecting("/loop/state");
    scene.archived(1);
    let step = scene.vacuum();
    assert_eq!(step.preview.items, 1, "what does not exist protects nothing");
    symlink("loop", scene.path("loop")).unwrap();
    assert!(matches!(Verb::Vacuum.propose(&scene.host), Err(Refusal::Unavailable(_))));
    assert!(matches!(Verb::Vacuum.begin(&scene.host, "plan7-0", &step), Err(Refusal::Unavailable(_))));
}

#[test]
fn hostile_names_of_directories_lead_to_their_own_files() {
    use std::os::unix::ffi::OsStringExt as _;
    let scene = Scene::new();
    let name = |name: &[u8]| std::ffi::OsString::from_vec([ID.as_bytes(), name].concat());
    let mut files = Vec::new();
    for suffix in [&b".\x1b[31m\xff\n"[..], b".\\x2f..\\", b". ", b".-rf", b"..", b"..."] {
        let directory = scene.path("var/log/journal").join(name(suffix));
        std::fs::create_dir(&directory).unwrap();
        let file = directory.join(archived(1));
        std::fs::write(&file, [b'j'; 8192]).unwrap();
        files.push(file);
    }
    let step = scene.vacuum();
    assert_eq!(step.preview.items, files.len() as u64, "{:?}", step.preview);
    let applied = scene.begin(&step);
    assert!(applied.items.iter().all(|item| item.fate == Fate::Done), "{applied:?}");
    assert!(files.iter().all(|file| !file.exists() && file.parent().unwrap().exists()));
}

#[test]
fn what_a_crash_left_aside_gets_its_name_back() {
    let scene = Scene::new();
    let (one, two) = (scene.archived(1), scene.archived(2));
    let step = scene.vacuum();
    std::fs::rename(&one, scene.machine().join(".ansai-plan7-0-0-aside")).unwrap();
    std::fs::remove_file(&two).unwrap();
    let resolved = Verb::Vacuum.resolve(&scene.host, "plan7-0", &step).unwrap();
    assert!(one.exists());
    let items: Vec<(&str, &Fate)> = resolved.items.iter().map(|item| (item.target.as_str(), &item.fate)).collect();
    assert_eq!(items, [(&*format!("/var/log/journal/{ID}/{}", archived(2)), &Fate::Done)]);
}

#[test]
fn a_mount_over_a_directory_of_the_journal_is_not_entered() {
    in_a_namespace("journal::mounted_over");
}

#[test]
#[ignore = "run by a_mount_over_a_directory_of_the_journal_is_not_entered, in a namespace"]
fn mounted_over() {
    let scene = Scene::new();
    let file = scene.archived(1);
    let precious = scene.file(format!("precious/{}", archived(1)), &[b'j'; 8192]);
    // The same device: only the number of the mount differs.
    let cover = || mount_bind(scene.path("precious"), scene.machine()).unwrap();
    let uncover = || unmount(scene.machine(), UnmountFlags::DETACH).unwrap();
    cover();
    assert_eq!(scene.vacuum().preview.items, 0);
    uncover();
    let step = scene.vacuum();
    assert_eq!(step.preview.items, 1);
    cover();
    assert!(skipped(&scene.begin(&step)).starts_with("changed"));
    uncover();
    // One file over another.
    mount_bind(&precious, &file).unwrap();
    assert_eq!((scene.vacuum().preview.items, left(&scene.vacuum())["other-device"]), (0, 1));
    let applied = scene.begin(&step);
    assert!(matches!(applied.items[0].fate, Fate::Skipped(_)), "{applied:?}");
    unmount(&file, UnmountFlags::DETACH).unwrap();
    assert!(precious.exists() && file.exists());
}

#[test]
fn a_protected_directory_that_is_mounted_elsewhere_is_protected_there() {
    in_a_namespace("journal::mounted_elsewhere");
}

#[test]
#[ignore = "run by a_protected_directory_that_is_mounted_elsewhere_is_protected_there, in a namespace"]
fn mounted_elsewhere() {
    let scene = Scene::new().protecting("/state");
    scene.archived(1);
    let inside = scene.file(format!("state/deep/{ID}/{}", archived(2)), &[b'j'; 8192]);
    std::fs::create_dir(scene.path("statement")).unwrap();
    let journal = scene.path("var/log/journal");
    assert_eq!(scene.vacuum().preview.items, 1);
    let step = scene.vacuum();
    // A directory below the protected one: walking up from it leads to `/var/log`.
    mount_bind(scene.path("state/deep"), &journal).unwrap();
    assert!(matches!(Verb::Vacuum.propose(&scene.host), Err(Refusal::Denied(_))));
    assert!(matches!(Verb::Vacuum.begin(&scene.host, "plan7-0", &step), Err(Refusal::Denied(_))));
    unmount(&journal, UnmountFlags::DETACH).unwrap();
    mount_bind(scene.path("statement"), &journal).unwrap();
    assert_eq!(scene.vacuum().preview.items, 0);
    unmount(&journal, UnmountFlags::DETACH).unwrap();
    // The other way round: the protected directory is a mount of its own.
    mount_bind(scene.path("state"), scene.path("state")).unwrap();
    mount_bind(scene.path("state/deep"), &journal).unwrap();
    assert!(matches!(Verb::Vacuum.propose(&scene.host), Err(Refusal::Denied(_))));
    unmount(&journal, UnmountFlags::DETACH).unwrap();
    unmount(scene.path("state"), UnmountFlags::DETACH).unwrap();
    // A file system that is mounted below the protected directory, and elsewhere too.
    let below = scene.path("state/below");
    std::fs::create_dir(&below).unwrap();
    rustix::mount::mount("none", &below, "tmpfs", rustix::mount::MountFlags::empty(), None).unwrap();
    std::fs::create_dir(below.join("deep")).unwrap();
    for part in [below.clone(), below.join("deep")] {
        mount_bind(&part, &journal).unwrap();
        assert!(matches!(Verb::Vacuum.propose(&scene.host), Err(Refusal::Denied(_))), "{part:?}");
        unmount(&journal, UnmountFlags::DETACH).unwrap();
    }
    unmount(&below, UnmountFlags::DETACH).unwrap();
    assert_eq!(scene.vacuum().preview.items, 1);
    assert!(inside.exists());
}

#[test]
fn on_an_overlay_files_are_seen_and_their_users_too() {
    in_a_namespace("journal::on_an_overlay");
}

#[test]
#[ignore = "run by on_an_overlay_files_are_seen_and_their_users_too, in a namespace"]
fn on_an_overlay() {
    let scene = Scene::new();
    scene.file(format!("low/{ID}/{}", archived(1)), &[b'j'; 8192]);
    let (journal, high) = (scene.path("var/log/journal"), scene.path("high"));
    // Layers on two file systems, so that a file has another device number than its directory.
    std::fs::create_dir_all(&high).unwrap();
    std::fs::create_dir_all(&journal).unwrap();
    mount("none", &high, "tmpfs", MountFlags::empty(), None).unwrap();
    for name in ["upper", "work"] {
        std::fs::create_dir(high.join(name)).unwrap();
    }
    let [low, high] = [scene.path("low"), high].map(|path| path.display().to_string());
    let layers = CString::new(format!("lowerdir={low},upperdir={high}/upper,workdir={high}/work")).unwrap();
    mount("none", &journal, "overlay", MountFlags::empty(), Some(&*layers)).unwrap();
    let file = |number| journal.join(ID).join(archived(number));
    std::fs::write(file(2), [b'j'; 8192]).unwrap();
    for number in [1, 2] {
        assert_ne!(file(number).metadata().unwrap().dev(), journal.metadata().unwrap().dev());
    }
    // Nothing runs on this host.
    let step = scene.vacuum();
    assert_eq!((step.preview.items, step.preview.frees_now_bytes), (2, 16384));
    // Of the processes of this machine, some may not be readable. What is not seen to be in use may then be.
    let scene = scene.with_real_processes();
    let open = std::fs::File::options().append(true).open(file(1)).unwrap();
    let mapping = Mapping::shared_writable(&file(2));
    assert_eq!(left(&scene.vacuum())["open"], 2);
    drop(open);
    let applied = scene.begin(&step);
    let second = &applied.items[1].fate;
    assert!(matches!(second, Fate::Skipped(why) if why.starts_with("open")), "{applied:?}");
    drop(mapping);
    assert!(file(2).exists());
}
