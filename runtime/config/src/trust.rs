//! Whether another user can change the configuration.

use ansai_core::text::inert;
use ansai_storage::{Exposure, GroupWrite, Owned};

/// Who owns an opened configuration file and its directory, and who may write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The file or its directory has a write bit for its group or for others.
    pub writable_by_others: bool,
    /// Of the file.
    pub owner_uid: u32,
    pub(crate) file: Place,
    /// The one that holds the file, and the one that holds the link that was followed to it.
    pub(crate) directories: Vec<Place>,
}

/// A file or directory as opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) owned: Owned,
}

impl Trust {
    /// What is wrong, with a hint, or `None` if no other user can write the file. Such a file must not enforce; in
    /// `observe` it is worth a warning.
    pub fn problem(&self) -> Option<String> {
        let (place, exposure) = self.exposures().next()?;
        let fix = match exposure {
            Exposure::Foreign { .. } => format!("chown {}", rustix::process::geteuid().as_raw()),
            Exposure::Writable { .. } => "chmod go-w".to_owned(),
        };
        let path = inert(&place.path, 300);
        Some(format!("{path} {exposure}, so another user can change what ansai does; hint: {fix} {path}"))
    }

    fn exposures(&self) -> impl Iterator<Item = (&Place, Exposure)> {
        let places = std::iter::once(&self.file).chain(&self.directories);
        places.filter_map(|place| Some((place, place.owned.exposure(GroupWrite::Refused)?)))
    }
}
