//! Free space where the server keeps its data: on the file system that the operator names, if it is on this host.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::evaluation_state::Target;
use ansai_kit::host::Host;
use ansai_kit::passed;

use crate::database::names::{MOUNT, label, shown};

/// How long a file system may take to answer.
const LIMIT: Duration = Duration::from_secs(1);
/// File systems that may hang at the same time. Each keeps a thread.
const MOST_HANGING: usize = 4;

static HANGING: AtomicUsize = AtomicUsize::new(0);

/// What a rebuild of so many bytes needs meanwhile: the new file, the changes of that time, and sorting.
pub(super) fn needed(bytes: u64) -> u64 {
    bytes.saturating_add(bytes / 2)
}

/// Refuses a rebuild for which there is no room. `mount` is the file system that the target names.
///
/// # Errors
/// `unavailable` if there is too little, or if that is unknown.
pub(super) fn check(host: &Host, mount: Option<&str>, bytes: u64) -> Result<(), Refusal> {
    let Some(mount) = mount else {
        return Err(Refusal::Unavailable(format!(
            "nobody knows whether there is room: the target needs the label `{MOUNT}`, the file system of its data on this host"
        )));
    };
    if !mount.starts_with('/') {
        return Err(Refusal::Invalid(format!("the label `{MOUNT}` of the target is not an absolute path")));
    }
    let (free, needed) = (free(host.path(mount), mount)?, needed(bytes));
    match free >= needed {
        true => Ok(()),
        false => Err(Refusal::Unavailable(format!(
            "{} has {free} bytes free; a rebuild of {bytes} bytes needs {needed}",
            shown(mount)
        ))),
    }
}

/// Interfaces whose steps need to know the free space. The process that calls servers cannot see it.
const NEEDED_BY: &str = "ansai:mysql/mysql-actions";

/// The free space that a step of this interface at this target needs to know, with the path of the file system.
pub(crate) fn known(interface: &str, host: &Host, target: &Target) -> Option<(PathBuf, Result<u64, Refusal>)> {
    let mount = label(&target.labels, MOUNT).filter(|mount| interface == NEEDED_BY && mount.starts_with('/'))?;
    let path = host.path(&mount);
    Some((path.clone(), free(path, &mount)))
}

/// A mount whose server is gone may hang, so the call runs on a thread that can be left behind.
fn free(path: PathBuf, mount: &str) -> Result<u64, Refusal> {
    if let Some(passed) = passed::free_space_of(&path) {
        return passed;
    }
    let unknown = |why: &str| Refusal::Unavailable(format!("the free space of {} is unknown: {why}", shown(mount)));
    let add = |now: usize| (now < MOST_HANGING).then_some(now.saturating_add(1));
    if HANGING.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add).is_err() {
        return Err(Refusal::Busy("earlier looks at file systems still hang".into()));
    }
    let (tell, told) = sync_channel(1);
    let look = move || {
        let found = rustix::fs::statvfs(&path).map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize));
        HANGING.fetch_sub(1, Ordering::SeqCst);
        let _gone = tell.send(found);
    };
    if let Err(error) = std::thread::Builder::new().name("ansai-space".into()).spawn(look) {
        HANGING.fetch_sub(1, Ordering::SeqCst);
        return Err(unknown(&error.kind().to_string()));
    }
    match told.recv_timeout(LIMIT) {
        Ok(found) => found.map_err(|error| unknown(&error.kind().to_string())),
        Err(RecvTimeoutError::Timeout) => Err(unknown("it does not answer")),
        Err(RecvTimeoutError::Disconnected) => Err(unknown("the look failed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_room_or_without_knowing_nothing_is_rebuilt() {
        let host = Host::at("/");
        assert!(check(&host, Some("/"), 1).is_ok());
        assert!(matches!(check(&host, Some("/"), 1 << 60), Err(Refusal::Unavailable(_))));
        assert!(matches!(check(&host, Some("/"), u64::MAX), Err(Refusal::Unavailable(_))));
        assert!(matches!(check(&host, Some("data"), 1), Err(Refusal::Invalid(_))));
        assert!(matches!(check(&host, Some("/nonexistent"), 1), Err(Refusal::Unavailable(_))));
        assert!(matches!(check(&host, None, 1), Err(Refusal::Unavailable(_))));
        assert_eq!([needed(100), needed(u64::MAX)], [150, u64::MAX]);
    }
}
