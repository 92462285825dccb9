//! Secrets in files of every kind.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use ansai_core::{Code, Refusal, codes};
use ansai_harness::requires_root;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

/// A directory with a secret.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.write("secret", b"hunter2\n");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.0.path()).unwrap().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        self.permit(name, 0o600);
    }

    fn permit(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn source(&self, name: &str) -> SecretSource {
        SecretSource::File(self.path(name))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, SecretError> {
        self.source(name).read().map(|secret| secret.expose().to_vec())
    }

    /// The code of the refusal, which a check without reading has too.
    #[track_caller]
    fn refused(&self, name: &str) -> Code {
        let error = self.read(name).unwrap_err();
        assert_eq!(self.source(name).check().unwrap_err().to_string(), error.to_string());
        assert!(!error.hint().is_empty());
        error.code()
    }
}

#[test]
fn one_newline_at_the_end_is_not_part_of_it() {
    let place = Place::new();
    for (written, read) in [
        (&b"a"[..], &b"a"[..]),
        (b"a\n", b"a"),
        (b"a\n\n", b"a\n"),
        (b"\na", b"\na"),
        (b" a\r\n", b" a\r"),
        (b"\xff\0", b"\xff\0"),
    ] {
        place.write("secret", written);
        assert_eq!(place.read("secret").unwrap(), read);
    }
    place.write("secret", b"\xff");
    assert_eq!(place.source("secret").read().unwrap().expose_text(), None);
    for empty in [&b""[..], b"\n"] {
        place.write("secret", empty);
        assert_eq!(place.read("secret").unwrap_err().code(), codes::EMPTY_FILE);
    }
}

#[test]
fn what_others_can_read_or_write_is_refused() {
    let place = Place::new();
    for mode in [0o400, 0o600, 0o700] {
        place.permit("secret", mode);
        assert_eq!(place.read("secret").unwrap(), b"hunter2");
    }
    for mode in [0o604, 0o640, 0o620, 0o602, 0o666, 0o4644] {
        place.permit("secret", mode);
        assert_eq!(place.refused("secret"), codes::SECRET_EXPOSED, "{mode:o}");
    }
    let error = place.source("secret").check().unwrap_err();
    let shown = place.path("secret").display().to_string();
    assert_eq!(error.to_string(), format!("{shown} can be read or written by other users (mode 4644)"));
    assert_eq!(error.hint(), format!("chmod 600 {shown}"));
    let told = Refusal::from(error);
    assert!(matches!(&told, Refusal::Unavailable(why) if why.contains("secret-exposed")), "{told}");
    assert!(!told.to_string().contains(&shown), "a policy does not see the path: {told}");
}

#[test]
fn every_directory_above_is_checked() {
    let place = Place::new();
    fs::create_dir_all(place.path("a/b")).unwrap();
    place.write("a/b/secret", b"x");
    for directory in ["a", "a/b"] {
        for mode in [0o702, 0o777] {
            place.permit(directory, mode);
            assert_eq!(place.refused("a/b/secret"), codes::SECRET_EXPOSED);
            let error = place.source("a/b/secret").check().unwrap_err();
            assert_eq!(error.hint(), format!("chmod go-w {}", place.path(directory).display()));
        }
        place.permit(directory, 0o755);
    }
    // Others can add a file to a directory like /tmp: not where the secret itself is.
    place.permit("a", 0o1777);
    assert!(place.read("a/b/secret").is_ok());
    place.permit("a/b", 0o1777);
    assert_eq!(place.refused("a/b/secret"), codes::SECRET_EXPOSED);
}

#[test]
fn only_a_regular_file_is_opened() {
    let place = Place::new();
    symlink(place.path("secret"), place.path("link")).unwrap();
    symlink("nowhere", place.path("dangling")).unwrap();
    fs::create_dir(place.path("directory")).unwrap();
    // Opening it for reading would wait for a writer.
    mknodat(CWD, place.path("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
    for name in ["link", "dangling", "directory", "fifo", "socket"] {
        assert_eq!(place.refused(name), codes::NOT_A_FILE, "{name}");
    }
    assert!(place.source("link").check().unwrap_err().to_string().ends_with("is a symbolic link"));
    assert_eq!(SecretSource::File("/dev/zero".into()).read().unwrap_err().code(), codes::NOT_A_FILE);
    // A link to the directory is followed, because its owner and its directory are checked.
    symlink(".", place.path("here")).unwrap();
    assert_eq!(place.read("here/secret").unwrap(), b"hunter2");
    for nothing in ["none", "none/secret", "secret/x"] {
        assert_eq!(place.refused(nothing), codes::FILE_ACCESS, "{nothing}");
    }
    assert_eq!(SecretSource::File("/".into()).read().unwrap_err().code(), codes::FILE_ACCESS);
}

#[test]
fn a_secret_has_at_most_64_kib() {
    let place = Place::new();
    place.write("secret", &[b'a'; MOST_BYTES]);
    assert_eq!(place.read("secret").unwrap().len(), MOST_BYTES);
    place.write("secret", &[&[b'a'; MOST_BYTES][..], b"\n"].concat());
    assert_eq!(place.read("secret").unwrap().len(), MOST_BYTES);
    place.write("secret", &[b'a'; MOST_BYTES + 1]);
    assert_eq!(place.read("secret").unwrap_err().code(), codes::FILE_TOO_LARGE);
    // Not read, so that its size does not matter.
    let file = fs::File::options().write(true).open(place.path("secret")).unwrap();
    file.set_len(10 << 30).unwrap();
    assert_eq!(place.refused("secret"), codes::FILE_TOO_LARGE);
}

#[test]
fn a_file_that_grows_while_it_is_read_is_bounded() {
    let endless = std::io::repeat(b'a');
    assert_eq!(contents(endless, Path::new("x")).unwrap_err().code(), codes::FILE_TOO_LARGE);
}

#[test]
fn a_directory_that_is_exchanged_redirects_nothing() {
    let place = Place::new();
    fs::create_dir_all(place.path("real")).unwrap();
    fs::create_dir_all(place.path("other")).unwrap();
    place.write("real/secret", b"right");
    place.write("other/secret", b"wrong");
    let source = place.source("real/secret");
    let (directory, name) = source.open().unwrap();
    fs::rename(place.path("real"), place.path("moved")).unwrap();
    symlink(place.path("other"), place.path("real")).unwrap();
    assert_eq!(source.read_in(&directory, &name).unwrap().expose(), b"right");
    // A link in place of the file, once the directory is open.
    fs::remove_file(place.path("moved/secret")).unwrap();
    symlink(place.path("other/secret"), place.path("moved/secret")).unwrap();
    assert_eq!(source.read_in(&directory, &name).unwrap_err().code(), codes::NOT_A_FILE);
}

#[test]
fn each_read_is_of_now() {
    let place = Place::new();
    let source = place.source("secret");
    assert_eq!(source.read().unwrap().expose(), b"hunter2");
    // As secrets are rotated: a new file takes the name.
    place.write("new", b"hunter3\n");
    fs::rename(place.path("new"), place.path("secret")).unwrap();
    assert_eq!(source.read().unwrap().expose(), b"hunter3");
    place.permit("secret", 0o644);
    assert_eq!(source.read().unwrap_err().code(), codes::SECRET_EXPOSED);
}

#[test]
fn a_secret_of_another_user_is_refused() {
    if !requires_root() {
        return;
    }
    let place = Place::new();
    chown(place.path("secret"), Some(4_242), None).unwrap();
    assert_eq!(place.refused("secret"), codes::SECRET_EXPOSED);
    assert!(place.source("secret").check().unwrap_err().to_string().ends_with("belongs to user 4242"));
}

#[test]
fn a_credential_is_a_file_in_the_directory_of_systemd() {
    let place = Place::new();
    place.write("main-db", b"hunter2");
    let of = |directory| SecretSource::Credential { directory, name: "main-db".to_owned() };
    let known = of(Some(fs::canonicalize(place.0.path()).unwrap()));
    assert_eq!(known.read().unwrap().expose(), b"hunter2");
    let none = of(None).read().unwrap_err();
    assert_eq!((none.code(), of(None).check().unwrap_err().code()), (codes::NO_CREDENTIAL, codes::NO_CREDENTIAL));
    place.permit("main-db", 0o444);
    assert_eq!(known.read().unwrap_err().code(), codes::SECRET_EXPOSED);
    if requires_root() {
        // The group's bit is the mask of an access list.
        place.permit("main-db", 0o440);
        assert_eq!(known.read().unwrap().expose(), b"hunter2");
        assert_eq!(place.read("main-db").unwrap_err().code(), codes::SECRET_EXPOSED, "not a credential");
        chown(place.path("main-db"), None, Some(4_242)).unwrap();
        assert_eq!(known.read().unwrap_err().code(), codes::SECRET_EXPOSED);
    }
}
