//! Which files are open, for the pages of one listing: all processes are read for the first page, and again every few seconds.
//!
//! A listing says what is open; it is no check. The [guard](super::guard) reads all processes again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ansai_core::Refusal;
use ansai_kit::host::Host;

use super::devices::Devices;
use super::open_files::OpenFiles;
use crate::recent::Recent;

/// The most open files that are kept, until the next listing: about 1 MiB. A host with more of them on one device is read
/// again for each page.
const MOST_KEPT: usize = 1 << 14;

type OfRoot = (PathBuf, Devices);

static LAST: Recent<OfRoot, OpenFiles> = Recent::new();

/// The open files as of now for the first page, and as of 5 seconds ago at most for those that follow.
///
/// # Errors
/// Those of [`OpenFiles::look`].
pub(crate) fn open_files_of_page(
    host: &Host,
    devices: Devices,
    is_first: bool,
    is_over: &dyn Fn() -> bool,
) -> Result<Arc<OpenFiles>, Refusal> {
    let (key, at) = ((host.path("/"), devices), Instant::now());
    if let Some(known) = LAST.get(&key, at).filter(|_| !is_first) {
        return Ok(known);
    }
    let open = Arc::new(OpenFiles::look(host, devices, is_over)?);
    if open.entries() <= MOST_KEPT {
        LAST.keep(key, at, at.elapsed(), open.clone());
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::safety::identity::Stat;

    /// Would break: each page of a listing reads all of `/proc`, or the first page of a new listing says what was open before.
    #[test]
    fn pages_after_the_first_read_no_process() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let stat = Stat::of(file.as_file()).unwrap();
        let page = |is_first| open_files_of_page(&Host::at("/"), Devices::one(stat.dev), is_first, &|| false).unwrap();
        let first = page(true);
        assert!(first.is_open(stat.inode()));
        // Closed, and not removed: another test's file would get its inode number.
        let _name = file.into_temp_path();
        // On a busy machine, it no longer counts when the next page is asked for. Then one more pair is asked for.
        let follows = (0..100).any(|_| Arc::ptr_eq(&page(true), &page(false)));
        assert!(follows, "it was read again");
        assert!(!page(true).is_open(stat.inode()));
        let elsewhere = open_files_of_page(&Host::at("/"), Devices::one(stat.dev + 1), false, &|| false).unwrap();
        assert!(!Arc::ptr_eq(&elsewhere, &page(false)), "of another device");
    }

    #[test]
    fn what_was_not_read_to_its_end_is_not_kept() {
        let host = Host::at("/");
        let devices = Devices::one(u64::MAX);
        assert!(open_files_of_page(&host, devices, true, &|| true).is_err());
        assert!(LAST.get(&(host.path("/"), devices), Instant::now()).is_none());
    }
}
