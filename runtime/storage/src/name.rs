//! Names in a directory: one component of a path.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

/// The name, if it is one component that leads nowhere else.
pub(crate) fn checked(name: &OsStr) -> io::Result<&OsStr> {
    let bytes = name.as_bytes();
    let is_plain = !matches!(bytes, b"" | b"." | b"..") && !bytes.iter().any(|byte| matches!(byte, b'/' | 0));
    if is_plain { Ok(name) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of one file")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_component_is_a_name() {
        for good in ["a", ".a", "...", "a b", "..a", "-"] {
            assert!(checked(OsStr::new(good)).is_ok(), "{good}");
        }
        assert!(checked(OsStr::from_bytes(b"\xff")).is_ok());
        for bad in ["", ".", "..", "/", "/a", "a/", "a/b", "../a", "a/..", "a\0", "\0"] {
            assert!(checked(OsStr::new(bad)).is_err(), "{bad:?}");
        }
    }
}
