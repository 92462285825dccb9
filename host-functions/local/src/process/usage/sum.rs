//! The memory of a service as the sum over its processes.

use ansai_core::Millis;
use ansai_kit::host::Host;

use crate::process::procfs::{self, Stat, Status};
use crate::safety::processes::Unseen;

/// So many processes are added up at most: each costs two files.
const MOST_PROCESSES: usize = 20_000;

#[derive(Default)]
pub(super) struct Sum {
    pub(super) anonymous: u64,
    pub(super) swapped: u64,
    pub(super) cpu: Millis,
}

/// The sum over these processes, without those that have ended meanwhile; `None` if all have. A process that cannot be
/// read makes the sum unknown.
pub(super) fn of(host: &Host, pids: &[u32]) -> Result<Option<Sum>, Unseen> {
    // The kernel writes 0 for a process that cannot be seen from here, in another namespace.
    if pids.len() > MOST_PROCESSES || pids.contains(&0) {
        return Err(Unseen);
    }
    let (mut sum, mut any) = (Sum::default(), false);
    for pid in pids {
        let Some(process) = procfs::open(host, *pid)? else { continue };
        let (Some(stat), Some(status)) = (Stat::of(&process)?, Status::of(&process)?) else { continue };
        any = true;
        sum.anonymous = sum.anonymous.checked_add(status.anonymous).ok_or(Unseen)?;
        sum.swapped = sum.swapped.checked_add(status.swapped).ok_or(Unseen)?;
        sum.cpu = Millis::new(sum.cpu.get().checked_add(stat.cpu.get()).ok_or(Unseen)?);
    }
    Ok(any.then_some(sum))
}
