//! A service whose memory the kernel counts by version 2 of control groups: what can be limited and reclaimed.

use std::path::Path;

use ansai_core::Refusal;
use ansai_kit::host::Host;
use rustix::io::Errno;

use super::memory::Memory;
use super::trees::Trees;
use crate::process::directory::Directory;
use crate::safety::cgroup;
use crate::safety::processes::Unseen;

/// The file that reclaims memory (Linux 5.19).
const RECLAIM: &str = "memory.reclaim";

/// A service whose memory the kernel counts.
pub(crate) struct Counted {
    group: Directory,
}

impl Counted {
    /// By the path of the control group that systemd tells: `/system.slice/nginx.service`.
    ///
    /// # Errors
    /// `unsupported` if the kernel does not count it, or only by version 1; `not-found` if nothing of it runs.
    pub(crate) fn of(host: &Host, id: &str, path: &str) -> Result<Counted, Refusal> {
        let unseen = |Unseen| Refusal::Unavailable(format!("the control group of {id} cannot be read"));
        let nothing = || Refusal::NotFound(format!("nothing of {id} runs"));
        // The outermost service of the path, so it has no `..` either.
        if cgroup::unit(format!("0::{path}").as_bytes()).as_deref() != Some(id) {
            return Err(nothing());
        }
        let below = Path::new(path.trim_start_matches('/'));
        let trees = Trees::of(host)?;
        let group = match trees.unified(below).map_err(unseen)? {
            Some(group) => group,
            None if trees.group(below).map_err(unseen)?.is_some() => return Err(not_counted(id)),
            None => return Err(nothing()),
        };
        let counted = Counted { group };
        counted.memory(id).map(|_| counted)
    }

    /// What the kernel counts now.
    ///
    /// # Errors
    /// As [`Counted::of`].
    pub(crate) fn memory(&self, id: &str) -> Result<Memory, Refusal> {
        let read = Memory::unified(&self.group);
        let read = read.map_err(|Unseen| Refusal::Unavailable(format!("the memory of {id} cannot be read")))?;
        read.ok_or_else(|| not_counted(id))
    }

    /// Whether the kernel can reclaim memory of one control group.
    pub(crate) fn can_reclaim(&self) -> bool {
        self.group.exists(RECLAIM)
    }

    /// Makes the kernel take back memory, and waits for it. `false` if it took back less.
    pub(crate) fn reclaim(&self, bytes: u64) -> Result<bool, Errno> {
        match self.group.write(RECLAIM, &bytes.to_string()) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn not_counted(id: &str) -> Refusal {
    Refusal::Unsupported(format!("the kernel does not count the memory of {id} (version 2 of control groups)"))
}
