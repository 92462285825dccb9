//! Where the unit is, and who may write it.

use std::path::Path;

use ansai_core::codes;
use ansai_storage::{Existing, Location};

use super::text::FIRST_LINE;
use crate::exit::Fault;
use crate::writing;

/// Where this command writes the unit.
pub(super) const PATH: &str = "/etc/systemd/system/ansai.service";
/// Where packages and `make install` put it.
const OF_PACKAGES: [&str; 3] = [
    "/usr/lib/systemd/system/ansai.service",
    "/lib/systemd/system/ansai.service",
    "/usr/local/lib/systemd/system/ansai.service",
];
/// A unit is shorter.
const MOST_BYTES: u64 = 64 << 10;

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Created,
    Replaced,
    Unchanged,
}

impl Written {
    pub(super) fn word(self) -> &'static str {
        match self {
            Written::Created => "created",
            Written::Replaced => "replaced",
            Written::Unchanged => "unchanged",
        }
    }
}

/// A unit in /etc would hide the one of a package, also its next version.
pub(super) fn check_no_package() -> Result<(), Fault> {
    match OF_PACKAGES.into_iter().find(|path| !matches!(Location::from(path).read(0), Ok(None))) {
        None => Ok(()),
        Some(path) => {
            Err(Fault::usage(codes::EXISTS, format!("{path} already exists: ansai is installed with its unit"))
                .hint("start it with `systemctl enable --now ansai`, change it with `systemctl edit ansai`"))
        }
    }
}

/// Writes the unit. One that this command wrote and nobody changed stays if it is the same; a changed one is replaced only
/// if that is wanted, and a file of somebody else never.
pub(super) fn write(text: &str, force: bool) -> Result<Written, Fault> {
    write_at(Path::new(PATH), text, force)
}

fn write_at(path: &Path, text: &str, force: bool) -> Result<Written, Fault> {
    let shown = path.display();
    match Location::from(path).read(MOST_BYTES) {
        Ok(None) => writing::write_readable(path, text, Existing::Refused).map(|()| Written::Created),
        Ok(Some(found)) if found.bytes == text.as_bytes() => Ok(Written::Unchanged),
        Ok(Some(found)) if found.bytes.starts_with(FIRST_LINE.as_bytes()) => match force {
            true => writing::write_readable(path, text, Existing::Replaced).map(|()| Written::Replaced),
            false => Err(Fault::usage(codes::EXISTS, format!("{shown} already exists, and differs from this unit"))
                .hint(format!(
                    "compare: `ansai install-unit --print | diff {shown} -`; then pass --force to replace it"
                ))),
        },
        // Also a link, a directory, and what is too large.
        _ => Err(Fault::usage(
            codes::EXISTS,
            format!("{shown} already exists, and `ansai install-unit` did not write it"),
        )
        .hint(format!("look at it with `systemctl cat ansai`; if nobody needs it, remove {shown}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_a_unit_of_this_command_is_replaced_and_only_if_that_is_wanted() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("ansai.service");
        let unit = |more: &str| format!("{FIRST_LINE}{more}");
        assert_eq!(write_at(&path, &unit("1"), false).unwrap(), Written::Created);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o133, 0);
        assert_eq!(write_at(&path, &unit("1"), false).unwrap(), Written::Unchanged);
        let refused = write_at(&path, &unit("2"), false).unwrap_err();
        assert_eq!((refused.code, refused.exit), (codes::EXISTS, ansai_core::exit::USAGE));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), unit("1"));
        assert_eq!(write_at(&path, &unit("2"), true).unwrap(), Written::Replaced);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), unit("2"));
    }

    #[test]
    fn a_file_of_somebody_else_and_a_link_stay_also_with_force() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("ansai.service");
        std::fs::write(&path, "[Service]\nExecStart=/bin/true\n").unwrap();
        let masked = place.path().join("masked.service");
        std::os::unix::fs::symlink("/dev/null", &masked).unwrap();
        let directory = place.path().join("directory.service");
        std::fs::create_dir(&directory).unwrap();
        for path in [&path, &masked, &directory] {
            assert_eq!(write_at(path, FIRST_LINE, true).unwrap_err().code, codes::EXISTS, "{}", path.display());
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[Service]\nExecStart=/bin/true\n");
        assert_eq!(std::fs::read_link(&masked).unwrap(), Path::new("/dev/null"));
    }
}
