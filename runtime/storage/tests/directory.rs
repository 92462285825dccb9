//! A directory is used by its handle, and what is opened in it is one name.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, missing_docs, reason = "tests")]

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use ansai_harness::requires_root;
use ansai_storage::{Access, Directory, Links, Location, StorageError, ToDirectory, TrustError, WriteOptions};

const DEFAULT: fn() -> WriteOptions = WriteOptions::default;

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn whoever_exchanges_the_directory_does_not_redirect_what_is_written() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let directory = Directory::create(at("state")).unwrap();
    let below = directory.create_subdirectory("below").unwrap();
    fs::create_dir_all(at("evil/below")).unwrap();
    fs::rename(at("state"), at("moved")).unwrap();
    symlink(at("evil"), at("state")).unwrap();
    directory.replace("a", b"1", DEFAULT()).unwrap();
    directory.file("log", Access::AppendOrCreate).unwrap().write_all(b"2").unwrap();
    below.replace("b", b"3", DEFAULT()).unwrap();
    directory.create_subdirectory("new").unwrap();
    directory.sync().unwrap();
    let mut found: Vec<_> = directory.names().unwrap();
    found.sort();
    assert_eq!(found, ["a", "below", "log", "new"]);
    assert_eq!(fs::read(at("moved/a")).unwrap(), b"1");
    assert_eq!(fs::read(at("moved/below/b")).unwrap(), b"3");
    assert_eq!(fs::read_dir(at("evil")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(at("evil/below")).unwrap().count(), 0);
    // And the other way: what is put in its place later is not removed.
    fs::write(at("evil/a"), "").unwrap();
    assert!(directory.remove("a").unwrap());
    assert!(at("evil/a").exists() && !at("moved/a").exists());
}

#[test]
fn only_one_checked_name_is_opened() {
    let place = tempfile::tempdir().unwrap();
    let outside = place.path().join("outside");
    fs::write(&outside, "kept").unwrap();
    let directory = Directory::create(place.path().join("in")).unwrap();
    directory.create_subdirectory("sub").unwrap();
    directory.replace("file", b"", DEFAULT()).unwrap();
    let absolute = outside.to_str().unwrap();
    let names = ["", ".", "..", "../outside", "sub/../../outside", "sub/", "/", absolute, "a\0b", "file\0"];
    for name in names {
        let operations: [(&str, Result<(), StorageError>); 11] = [
            ("replace", directory.replace(name, b"", DEFAULT())),
            ("read", directory.read(name, 1).map(drop)),
            ("append", directory.file(name, Access::Append).map(drop)),
            ("create", directory.file(name, Access::CreateNew).map(drop)),
            ("metadata", directory.metadata(name).map(drop)),
            ("remove", directory.remove(name).map(drop)),
            ("remove subdirectory", directory.remove_subdirectory(name)),
            ("rename", directory.rename(name, "other")),
            ("rename to", directory.rename("file", name)),
            ("subdirectory", directory.subdirectory(name).map(drop)),
            ("location", Location::new(&directory, name).replace(b"", DEFAULT())),
        ];
        for (operation, done) in operations {
            let error = done.expect_err(operation);
            assert_eq!(error.cause.kind(), ErrorKind::InvalidInput, "{operation} {name:?}: {error}");
        }
        assert!(directory.create_subdirectory(name).is_err(), "{name:?}");
    }
    assert_eq!(fs::read(&outside).unwrap(), b"kept");
    assert!(directory.metadata("file").unwrap().is_file);
    let other = OsStr::from_bytes(b"\xff");
    directory.replace(other, b"", DEFAULT()).unwrap();
    assert!(directory.read(other, 1).unwrap().is_some());
}

#[test]
fn links_in_it_are_not_followed() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::create(place.path().join("in")).unwrap();
    fs::create_dir(place.path().join("elsewhere")).unwrap();
    fs::write(place.path().join("file"), "outside").unwrap();
    symlink("../elsewhere", directory.path_of("directory")).unwrap();
    symlink("../file", directory.path_of("link")).unwrap();
    directory.replace("inside", b"", DEFAULT()).unwrap();
    symlink("inside", directory.path_of("near")).unwrap();
    assert!(directory.subdirectory("directory").is_err());
    assert!(directory.create_subdirectory("directory").is_err());
    for name in ["link", "near"] {
        for access in [Access::Read, Access::Append, Access::AppendOrCreate, Access::CreateNew] {
            assert!(directory.file(name, access).is_err(), "{name} {access:?}");
        }
        assert!(!directory.metadata(name).unwrap().is_file);
        assert!(directory.remove(name).unwrap());
    }
    assert_eq!(fs::read(place.path().join("file")).unwrap(), b"outside");
}

#[test]
fn what_is_not_a_file_is_not_read_and_does_not_block() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::open(place.path()).unwrap();
    rustix::fs::mknodat(&directory, "fifo", rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    directory.create_subdirectory("sub").unwrap();
    for name in ["fifo", "sub"] {
        let error = directory.read(name, 1).unwrap_err();
        assert!(error.to_string().ends_with("not a regular file"), "{error}");
    }
    assert!(directory.read("none", 1).unwrap().is_none());
    directory.replace("long", b"12345", DEFAULT()).unwrap();
    assert_eq!(directory.read("long", 3).unwrap().unwrap().bytes, b"1234", "one more byte than asked for");
}

#[test]
fn what_is_created_is_private() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::create(place.path().join("a/b")).unwrap();
    directory.create_subdirectory("c").unwrap();
    directory.create_subdirectory("c").unwrap();
    for access in [Access::CreateNew, Access::AppendOrCreate] {
        directory.file(format!("{access:?}"), access).unwrap();
    }
    let mode = |name: &str| fs::metadata(place.path().join(name)).unwrap().mode() & 0o7777;
    assert_eq!(["a", "a/b", "a/b/c"].map(mode), [0o700; 3]);
    assert_eq!(["a/b/CreateNew", "a/b/AppendOrCreate"].map(mode), [0o600; 2]);
    assert!(directory.file("CreateNew", Access::CreateNew).unwrap_err().is_already_there());
    assert!(directory.file("none", Access::Append).unwrap_err().is_not_found());
}

#[test]
fn removing_and_renaming() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().to_directory().unwrap();
    assert!(!directory.remove("a").unwrap());
    directory.replace("a", b"a", DEFAULT()).unwrap();
    directory.replace("b", b"b", DEFAULT()).unwrap();
    directory.rename("a", "b").unwrap();
    assert_eq!(directory.names().unwrap(), ["b"]);
    assert_eq!(directory.read("b", 9).unwrap().unwrap().bytes, b"a");
    directory.create_subdirectory("sub").unwrap().replace("x", b"", DEFAULT()).unwrap();
    assert!(directory.remove("sub").is_err());
    directory.remove_subdirectory("sub").unwrap();
    assert!(directory.rename("sub", "c").unwrap_err().is_not_found());
}

#[test]
fn a_location_is_a_path_or_a_name_in_a_directory() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::open(place.path()).unwrap();
    Location::from(place.path().join("a")).replace(b"1", DEFAULT()).unwrap();
    let held = Location::new(&directory, "a");
    let (resolved, name) = held.resolve().unwrap();
    assert_eq!(resolved.read(name, 1).unwrap().unwrap().bytes, b"1");
    assert_eq!(held, Location::from(place.path().join("a")));
    assert!(Location::from(place.path().join("none/a")).resolve().unwrap_err().is_not_found());
    assert!(Location::from("/").resolve().is_err());
}

#[track_caller]
fn untrusted(opened: Result<Directory, TrustError>, culprit: &Path) {
    match opened {
        Err(TrustError::Untrusted((what, _))) => {
            assert!(what.starts_with(&format!("{} ", culprit.display())), "{what}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_trusted_directory_and_all_above_it_belong_to_this_user() {
    let place = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(place.path()).unwrap();
    let path = root.join("a/b");
    let directory = Directory::create_trusted(&path, Links::Checked).unwrap();
    directory.create_subdirectory("c").unwrap();
    for part in ["a/b", "a", ""] {
        let part = if part.is_empty() { root.clone() } else { root.join(part) };
        permit(&part, 0o707);
        untrusted(Directory::open_trusted(&path, Links::Checked), &part);
        untrusted(Directory::create_trusted(&path, Links::Checked), &part);
        permit(&part, 0o700);
    }
    // A directory above may have a sticky bit, as /tmp has.
    permit(&root.join("a"), 0o1777);
    assert!(Directory::open_trusted(&path, Links::Checked).is_ok());
    untrusted(Directory::open_trusted(root.join("a"), Links::Checked), &root.join("a"));
    permit(&root.join("a/b/c"), 0o702);
    let refused = directory.subdirectory("c").unwrap_err();
    assert!(refused.to_string().contains("is writable by other users (mode 0702)"), "{refused}");
    assert!(Directory::open(&path).unwrap().subdirectory("c").is_ok(), "only where trust was asked for");
    assert!(
        matches!(Directory::open_trusted(root.join("none"), Links::Checked), Err(TrustError::Access(error)) if error.is_not_found())
    );
}

#[test]
fn nothing_is_created_where_another_user_can_lead_the_way() {
    let place = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(place.path()).unwrap();
    fs::create_dir(root.join("elsewhere")).unwrap();
    fs::create_dir(root.join("shared")).unwrap();
    std::os::unix::fs::symlink(root.join("elsewhere"), root.join("shared/link")).unwrap();
    permit(&root.join("shared"), 0o707);
    for below in ["link/a/b", "a/b"] {
        untrusted(Directory::create_trusted(root.join("shared").join(below), Links::Checked), &root.join("shared"));
    }
    assert_eq!(fs::read_dir(root.join("elsewhere")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(root.join("shared")).unwrap().count(), 1);
    permit(&root.join("shared"), 0o700);
    assert!(Directory::create_trusted(root.join("shared/link/a/b"), Links::Checked).is_ok());
    assert!(root.join("elsewhere/a/b").is_dir());
}

#[test]
fn a_subdirectory_of_another_user_is_refused() {
    if !requires_root() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let directory =
        Directory::create_trusted(fs::canonicalize(place.path()).unwrap().join("a"), Links::Checked).unwrap();
    directory.create_subdirectory("b").unwrap();
    std::os::unix::fs::chown(directory.path_of("b"), Some(4_242), None).unwrap();
    let refused = directory.subdirectory("b").unwrap_err();
    assert!(refused.to_string().ends_with("belongs to user 4242"), "{refused}");
}

/// Would break: a check of mode alone, which shows an access list as the write bit of a private group.
#[test]
fn an_access_list_that_lets_another_user_write_counts() {
    let place = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(place.path()).unwrap();
    let path = root.join("a/b");
    let directory = Directory::create_trusted(&path, Links::Refused).unwrap();
    directory.replace("file", b"", DEFAULT()).unwrap();
    for part in ["a", "a/b", "a/b/file"] {
        let part = root.join(part);
        let before = fs::metadata(&part).unwrap().permissions().mode();
        if !listed(&part) {
            return;
        }
        match part.ends_with("file") {
            false => untrusted(Directory::open_trusted(&path, Links::Refused), &part),
            true => {
                let refused = directory.file("file", Access::Read).unwrap_err().to_string();
                assert!(refused.ends_with("is writable by other users (access list)"), "{refused}");
                assert!(directory.examine().unwrap().unwrap().0.contains("(access list)"));
            }
        }
        rustix::fs::removexattr(&part, ACCESS_LIST).unwrap();
        permit(&part, before);
    }
    assert!(Directory::open_trusted(&path, Links::Refused).unwrap().file("file", Access::Append).is_ok());
}

const ACCESS_LIST: &str = "system.posix_acl_access";

/// Lets user 4242 write it, as `setfacl -m u:4242:rwx` does; false where the file system has no access lists.
fn listed(path: &Path) -> bool {
    let all = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [(1, 7, all), (2, 7, 4_242), (4, 0, all), (0x10, 7, all), (0x20, 0, all)];
    let entry = |(tag, bits, id): (u16, u16, u32)| {
        [tag.to_le_bytes().as_slice(), &bits.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let list = [vec![2, 0, 0, 0], entries.into_iter().flat_map(entry).collect()].concat();
    match rustix::fs::setxattr(path, ACCESS_LIST, &list, rustix::fs::XattrFlags::empty()) {
        Err(rustix::io::Errno::OPNOTSUPP) => false,
        set => set.map(|()| true).unwrap(),
    }
}

#[test]
fn links_are_refused_where_that_is_asked_for() {
    let place = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(place.path()).unwrap();
    let real = root.join("real/state");
    Directory::create_trusted(&real, Links::Refused).unwrap();
    symlink("real", root.join("above")).unwrap();
    symlink("state", root.join("real/link")).unwrap();
    for (path, link) in [("above/state", "above"), ("real/link", "real/link"), ("above/link/new", "above")] {
        for opened in [
            Directory::open_trusted(root.join(path), Links::Refused),
            Directory::create_trusted(root.join(path), Links::Refused),
        ] {
            let Err(TrustError::Untrusted((what, fix))) = opened else { panic!("{path}: {opened:?}") };
            assert_eq!(what, format!("{} is a symbolic link", root.join(link).display()));
            assert!(fix.starts_with("pass the path that it leads to: "), "{fix}");
        }
    }
    assert!(!real.join("new").exists());
}

/// What is opened through a trusted directory is checked, and so is all of it at once.
#[test]
fn each_kind_of_foreign_entry_is_found_at_any_depth() {
    let place = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(place.path()).unwrap();
    let directory = Directory::create_trusted(root.join("state"), Links::Refused).unwrap();
    let below = directory.create_subdirectory("a").unwrap().create_subdirectory("b").unwrap();
    below.replace("good", b"", DEFAULT()).unwrap();
    assert_eq!(directory.examine().unwrap(), None);
    let at = |name: &str| root.join("state/a/b").join(name);
    type Make = fn(&Path);
    let make: [(&str, Make); 4] = [
        ("is a symbolic link", |path| symlink("/etc/passwd", path).unwrap()),
        ("has several names", |path| fs::hard_link(path.with_file_name("good"), path).unwrap()),
        ("is writable by other users (mode 0646)", |path| {
            fs::write(path, "").unwrap();
            permit(path, 0o646);
        }),
        ("is not a regular file", |path| {
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        }),
    ];
    for (expected, make) in make {
        make(&at("bad"));
        let (problem, _) = directory.examine().unwrap().unwrap();
        assert!(problem.contains(expected), "{expected}: {problem}");
        assert!(below.file("bad", Access::Read).is_err(), "{expected}");
        fs::remove_file(at("bad")).unwrap();
    }
    // The socket of a daemon, unless it is of another user.
    let socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    permit(&at("socket"), 0o600);
    assert_eq!(directory.examine().unwrap(), None);
    assert!(below.file("socket", Access::Read).is_err() && below.file("socket", Access::AppendOrCreate).is_err());
    permit(&at("socket"), 0o602);
    assert!(directory.examine().unwrap().is_some());
    permit(&at("socket"), 0o600);
    drop(socket);
    if requires_root() {
        fs::write(at("bad"), "").unwrap();
        std::os::unix::fs::chown(at("bad"), Some(4_242), None).unwrap();
        let (problem, _) = directory.examine().unwrap().unwrap();
        assert!(problem.ends_with("a/b/bad belongs to user 4242"), "{problem}");
        let refused = below.file("bad", Access::Append).unwrap_err().to_string();
        assert!(refused.ends_with("belongs to user 4242"), "{refused}");
    }
}
