//! What the kernel counts for one service.

use ansai_core::Millis;

use super::memory::Memory;
use super::text::{keyed, number, stall};
use super::trees::{PROCESSES, Place, Trees};
use crate::process::directory::Directory;
use crate::process::wire::Stall;
use crate::safety::processes::Unseen;

/// How deep and how many control groups a service can have below its own.
const MOST_DEPTH: usize = 32;
const MOST_GROUPS: usize = 10_000;

/// What the kernel counts for one service. What it does not count is absent.
#[derive(Default)]
pub(super) struct Controllers {
    pub(super) memory: Option<Memory>,
    pub(super) cpu: Option<Millis>,
    pub(super) throttled: Option<Millis>,
    pub(super) stall: Option<Stall>,
    pub(super) tasks: Option<u32>,
    /// Its processes.
    pub(super) pids: Vec<u32>,
}

impl Controllers {
    /// `None` if the service has ended.
    pub(super) fn read(trees: &Trees, place: &Place) -> Result<Option<Controllers>, Unseen> {
        let path = match place {
            Place::Group(path) => path,
            Place::Processes(pids) => return Ok(Some(Controllers { pids: pids.clone(), ..Controllers::default() })),
        };
        let Some(group) = trees.group(path)? else { return Ok(None) };
        let mut read = Controllers::default();
        if let Some(unified) = trees.unified(path)? {
            read.read_unified(&unified)?;
        }
        read.read_legacy(trees, path)?;
        // The last: if the control group was removed meanwhile, what was read before may be from no time.
        let mut groups = 0;
        read.pids = match pids(&group, 0, &mut groups)? {
            Some(pids) => pids,
            None => return Ok(None),
        };
        Ok(Some(read))
    }

    fn read_unified(&mut self, group: &Directory) -> Result<(), Unseen> {
        self.memory = Memory::unified(group)?;
        if let Some(text) = group.read("cpu.stat")? {
            self.cpu = keyed(&text, "usage_usec").map(|micros| Millis::new(micros / 1_000));
            self.throttled = keyed(&text, "throttled_usec").map(|micros| Millis::new(micros / 1_000));
        }
        self.stall = group.read("memory.pressure")?.as_deref().and_then(stall);
        self.tasks = tasks(group)?;
        Ok(())
    }

    /// What version 2 does not count on this host.
    fn read_legacy(&mut self, trees: &Trees, path: &std::path::Path) -> Result<(), Unseen> {
        if self.memory.is_none()
            && let Some(group) = trees.legacy("memory", path)?
        {
            self.memory = Memory::legacy(&group)?;
        }
        if let Some(group) = trees.legacy("cpuacct", path)? {
            let nanos = group.read("cpuacct.usage")?.as_deref().and_then(number);
            self.cpu = nanos.map(|nanos| Millis::new(nanos / 1_000_000)).or(self.cpu);
        }
        if let Some(group) = trees.legacy("cpu", path)? {
            let text = group.read("cpu.stat")?.unwrap_or_default();
            let nanos = keyed(&text, "throttled_time");
            self.throttled = nanos.map(|nanos| Millis::new(nanos / 1_000_000)).or(self.throttled);
        }
        if self.tasks.is_none()
            && let Some(group) = trees.legacy("pids", path)?
        {
            self.tasks = tasks(&group)?;
        }
        Ok(())
    }
}

fn tasks(group: &Directory) -> Result<Option<u32>, Unseen> {
    let count = group.read("pids.current")?.as_deref().and_then(number);
    Ok(count.and_then(|count| u32::try_from(count).ok()))
}

/// The processes of a control group and of all below it; `None` if it was removed.
fn pids(group: &Directory, depth: usize, groups: &mut usize) -> Result<Option<Vec<u32>>, Unseen> {
    *groups = groups.saturating_add(1);
    if depth > MOST_DEPTH || *groups > MOST_GROUPS {
        return Err(Unseen);
    }
    let Some(mut all) = group.pids(PROCESSES)? else { return Ok(None) };
    // The kernel counts directories as links: without any, nothing has to be listed.
    if group.links() != 2 {
        for name in group.directories()? {
            if let Some(below) = group.below(&name)? {
                // One with threads only has no list, and one that was removed has no processes.
                all.extend(pids(&below, depth.saturating_add(1), groups)?.unwrap_or_default());
            }
        }
    }
    Ok(Some(all))
}
