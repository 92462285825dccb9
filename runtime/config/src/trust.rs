//! Whether another user can change the configuration.

use ansai_core::text::inert;

/// Who owns an opened configuration file and its directory, and who may write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The file or its directory has a write bit for its group or for others.
    pub writable_by_others: bool,
    /// Of the file.
    pub owner_uid: u32,
    pub(crate) file: Owned,
    /// The one that holds the file, and the one that holds the link that was followed to it.
    pub(crate) directories: Vec<Owned>,
    /// Of this process.
    pub(crate) own_uid: u32,
}

/// A file or directory as opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
}

/// Write bits of group and others.
pub(crate) const OTHERS_WRITE: u32 = 0o022;

impl Trust {
    /// What is wrong, with a hint, or `None` if no other user can write the file. Such a file must not enforce; in
    /// `observe` it is worth a warning.
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
