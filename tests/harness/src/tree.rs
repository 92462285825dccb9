//! Snapshots of directory trees, so that a test can check what changed and that nothing else did.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// A directory and everything below it at one moment, without access times, because reading changes them.
#[derive(Clone, PartialEq, Eq)]
pub struct Tree(BTreeMap<Vec<u8>, Entry>);

/// One file, directory or other entry, as names and values of its properties.
#[derive(Clone, PartialEq, Eq)]
struct Entry(Vec<(&'static str, String)>);

/// One difference between two trees. Paths are relative; `.` is the directory itself.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Only the second tree has it.
    Added(PathBuf),
    /// Only the first tree has it.
    Removed(PathBuf),
    /// Both have it, but with different properties.
    Changed(PathBuf, Vec<Difference>),
}

/// A property that differs.
#[derive(Clone, PartialEq, Eq)]
pub struct Difference {
    /// `type`, `size`, `mode`, `uid`, `gid`, `mtime`, `ctime`, `inode`, `links`, `sha256` or `target`.
    pub property: &'static str,
    /// Its value in the first tree.
    pub before: String,
    /// Its value in the second tree.
    pub after: String,
}

impl Tree {
    /// Reads everything below `directory`, without following symbolic links.
    ///
    /// # Panics
    /// If something cannot be read, or changes during the snapshot.
    pub fn snapshot(directory: impl AsRef<Path>) -> Self {
        let root = directory.as_ref();
        let mut entries = BTreeMap::new();
        let mut waiting = vec![PathBuf::new()];
        while let Some(relative) = waiting.pop() {
            let path = if relative.as_os_str().is_empty() { root.to_owned() } else { root.join(&relative) };
            let failed = |error: io::Error| -> ! { panic!("{}: {error}", path.display()) };
            let metadata = path.symlink_metadata().unwrap_or_else(|error| failed(error));
            if metadata.is_dir() {
                for child in path.read_dir().unwrap_or_else(|error| failed(error)) {
                    waiting.push(relative.join(child.unwrap_or_else(|error| failed(error)).file_name()));
                }
            }
            let entry = Entry::read(&path, &metadata).unwrap_or_else(|error| failed(error));
            entries.insert(relative.into_os_string().into_vec(), entry);
        }
        Self(entries)
    }

    /// The differences of `after`, in byte order of the paths.
    pub fn diff(before: &Self, after: &Self) -> Vec<Change> {
        let mut paths: Vec<&Vec<u8>> = before.0.keys().chain(after.0.keys()).collect();
        paths.sort();
        paths.dedup();
        paths.into_iter().filter_map(|path| Change::between(path, before.0.get(path), after.0.get(path))).collect()
    }
}

impl Entry {
    fn read(path: &Path, metadata: &Metadata) -> io::Result<Self> {
        let kind = metadata.file_type();
        let name = if kind.is_dir() {
            "directory"
        } else if kind.is_file() {
            "file"
        } else if kind.is_symlink() {
            "symlink"
        } else if kind.is_fifo() {
            "fifo"
        } else if kind.is_socket() {
            "socket"
        } else {
            "device"
        };
        let mut properties = vec![
            ("type", name.to_owned()),
            ("size", metadata.size().to_string()),
            ("mode", format!("{:04o}", metadata.mode() & 0o7777)),
            ("uid", metadata.uid().to_string()),
            ("gid", metadata.gid().to_string()),
            ("mtime", format!("{}.{:09}", metadata.mtime(), metadata.mtime_nsec())),
            ("ctime", format!("{}.{:09}", metadata.ctime(), metadata.ctime_nsec())),
            ("inode", metadata.ino().to_string()),
            ("links", metadata.nlink().to_string()),
        ];
        if kind.is_file() {
            let mut digest = Sha256::new();
            io::copy(&mut File::open(path)?, &mut digest)?;
            properties.push(("sha256", hex::encode(digest.finalize())));
        } else if kind.is_symlink() {
            properties.push(("target", path.read_link()?.as_os_str().as_bytes().escape_ascii().to_string()));
        }
        Ok(Self(properties))
    }

    fn value(&self, property: &str) -> &str {
        self.0.iter().find(|(name, _)| *name == property).map_or("none", |(_, value)| value)
    }
}

impl Change {
    fn between(path: &[u8], before: Option<&Entry>, after: Option<&Entry>) -> Option<Self> {
        let path = PathBuf::from(OsString::from_vec(if path.is_empty() { b".".to_vec() } else { path.to_vec() }));
        let (before, after) = match (before, after) {
            (None, _) => return Some(Self::Added(path)),
            (_, None) => return Some(Self::Removed(path)),
            (Some(before), Some(after)) => (before, after),
        };
        let mut properties: Vec<&'static str> = before.0.iter().chain(&after.0).map(|(name, _)| *name).collect();
        let mut seen = Vec::new();
        properties.retain(|name| {
            !seen.contains(name) && {
                seen.push(name);
                true
            }
        });
        let differences: Vec<Difference> = properties
            .into_iter()
            .filter(|property| before.value(property) != after.value(property))
            .map(|property| Difference {
                property,
                before: before.value(property).to_owned(),
                after: after.value(property).to_owned(),
            })
            .collect();
        (!differences.is_empty()).then_some(Self::Changed(path, differences))
    }

    /// The path, relative to the directory.
    pub fn path(&self) -> &Path {
        match self {
            Self::Added(path) | Self::Removed(path) | Self::Changed(path, _) => path,
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(path) => write!(f, "+ {}", path.display()),
            Self::Removed(path) => write!(f, "- {}", path.display()),
            Self::Changed(path, differences) => {
                write!(f, "~ {}", path.display())?;
                differences.iter().try_for_each(|difference| write!(f, "; {difference:?}"))
            }
        }
    }
}

impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.property, self.before, self.after)
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys().map(|path| path.escape_ascii().to_string())).finish()
    }
}
