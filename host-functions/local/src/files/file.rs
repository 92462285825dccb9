//! A target of a step: where it is below the root, and how it is recognized.

use ansai_core::text::{path_bytes, path_text};
use serde::{Deserialize, Serialize};

use crate::safety::identity::{Identity, Inode, Stat, Time};
use crate::safety::names::is_plain;

/// A file as it was previewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Below the root, as text.
    pub(super) path: String,
    pub(super) dev: u64,
    pub(super) ino: u64,
    /// Apparent size in bytes.
    pub(super) size: u64,
    /// Allocated bytes.
    pub(super) bytes: u64,
    pub(super) mtime: Time,
    pub(super) ctime: Time,
    /// In a rotation: 0 for `NAME`, k for `NAME.k`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) slot: u32,
}

fn is_zero(slot: &u32) -> bool {
    *slot == 0
}

impl File {
    pub(super) fn new(path: &[u8], stat: &Stat) -> File {
        let Identity { dev, ino, size, mtime, ctime } = Identity::of(stat);
        File { path: path_text(path), dev, ino, size, bytes: stat.bytes, mtime, ctime, slot: 0 }
    }

    pub(super) fn identity(&self) -> Identity {
        Identity { dev: self.dev, ino: self.ino, size: self.size, mtime: self.mtime, ctime: self.ctime }
    }

    pub(super) fn inode(&self) -> Inode {
        (self.dev, self.ino)
    }

    /// The bytes of the path; `None` if the text is not a plain relative path.
    pub(super) fn path(&self) -> Option<Vec<u8>> {
        path_bytes(&self.path).filter(|path| is_plain(path))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn file(path: &str) -> File {
        let stat = Stat::following(std::path::Path::new("/")).unwrap();
        File { path: path.into(), ..File::new(b"x", &stat) }
    }

    #[test]
    fn a_forged_path_is_no_path() {
        for text in ["", "/etc", "a/../b", "..", "a//b", ".", "a/\\x2e\\x2e/b", "a\\x00", "\\q", "a/", "\\x2fetc"] {
            assert_eq!(file(text).path(), None, "{text}");
        }
        assert_eq!(file("a/\\xff\\\\").path().unwrap(), b"a/\xff\\");
        assert_eq!(file(&"x".repeat(256)).path(), None);
    }
}
