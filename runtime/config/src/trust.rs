//! Checks whether another user can change the configuration.

use ansai_core::text::inert;

/// The owners and permissions of a configuration file and its directory, when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Whether the group or others can write the file or its directory.
    pub writable_by_others: bool,
    /// User id of the file's owner.
    pub owner_uid: u32,
    pub(crate) file: Owned,
    /// The directory of the file, and the directory of the link that pointed to it.
    pub(crate) directories: Vec<Owned>,
    /// User id of this process.
    pub(crate) own_uid: u32,
}

/// A file or directory when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
}

/// Write permission of group and others.
pub(crate) const OTHERS_WRITE: u32 = 0o022;

impl Trust {
    /// Describes who else can write the file, with a hint; `None` if no other user can. Do not enforce with such a
    /// file; in `observe` mode, warn.
    pub fn problem(&self) -> Option<String> {
        let places = std::iter::once(&self.file).chain(&self.directories);
        let (what, way_out, place) = places.into_iter().find_map(|place| {
            let mode = place.mode & 0o7777;
            if place.uid != 0 && place.uid != self.own_uid {
                let what = format!("belongs to user {}", place.uid);
                Some((what, format!("chown {}", self.own_uid), place))
            } else if mode & OTHERS_WRITE != 0 {
                let what = format!("is writable by other users (mode {mode:04o})");
                Some((what, "chmod go-w".to_owned(), place))
            } else {
                None
            }
        })?;
        let path = inert(&place.path, 300);
        Some(format!("{path} {what}, so another user can change what ansai does; hint: {way_out} {path}"))
    }
}
