//! Checks whether another user can change the configuration.

use ansai_core::text::inert;
use ansai_storage::{Exposure, GroupWrite, Owned};

/// The owners and permissions of a configuration file and its directory, when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Whether the group or others can write the file or its directory.
    pub writable_by_others: bool,
    /// User id of the file's owner.
    pub owner_uid: u32,
    pub(crate) file: Place,
    /// The directory of the file, and the directory of the link that pointed to it.
    pub(crate) directories: Vec<Place>,
    /// What is wrong with a directory above these, or with a link on the way, and how to fix it.
    pub(crate) way: Option<ansai_storage::Problem>,
}

/// A file or directory when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) owned: Owned,
}

impl Trust {
    /// Describes who else can write the file, with a hint; `None` if no other user can. Do not enforce with such a
    /// file; in `observe` mode, warn.
    pub fn problem(&self) -> Option<String> {
        let Some((place, exposure)) = self.exposures().next() else {
            let (problem, fix) = self.way.as_ref()?;
            let (problem, fix) = (inert(problem, 500), inert(fix, 500));
            return Some(format!("{problem}, so another user can change what ansai does; hint: {fix}"));
        };
        let fix = match exposure {
            Exposure::Foreign { .. } => format!("chown {}", rustix::process::geteuid().as_raw()),
            Exposure::Writable { .. } => "chmod go-w".to_owned(),
            Exposure::Listed => "setfacl -b".to_owned(),
        };
        let path = inert(&place.path, 300);
        Some(format!("{path} {exposure}, so another user can change what ansai does; hint: {fix} {path}"))
    }

    fn exposures(&self) -> impl Iterator<Item = (&Place, Exposure)> {
        let places = std::iter::once(&self.file).chain(&self.directories);
        places.filter_map(|place| Some((place, place.owned.exposure(GroupWrite::Refused)?)))
    }
}
