//! Which run of a service it is, and when it began.
//!
//! systemd makes a link for each unit that is active, to the id of its run, and makes another one with every start. It is
//! made when the start begins; the time of a control group's own directory means nothing.

use ansai_core::Timestamp;
use ansai_kit::host::Host;
use rustix::fs::{AtFlags, CWD, StatxFlags, readlink, statx};

use crate::process::procfs::{self, Stat};

const LINKS: &str = "/run/systemd/units";
/// So many processes are asked for their start.
const MOST_ASKED: usize = 256;

/// A run of a service.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Run {
    /// Empty if unknown.
    pub(super) invocation: String,
    pub(super) since: Option<Timestamp>,
}

/// The run of a service, as systemd tells.
pub(super) fn of(host: &Host, name: &str) -> Run {
    let path = host.path(LINKS).join(format!("invocation:{name}"));
    let Some(invocation) = readlink(&path, Vec::new()).ok().and_then(|id| id.into_string().ok()).filter(|id| is_id(id))
    else {
        return Run::default();
    };
    let looked = statx(CWD, &path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MTIME);
    let since = looked.ok().and_then(|looked| {
        let seconds = u64::try_from(looked.stx_mtime.tv_sec).ok()?.checked_mul(1_000)?;
        seconds.checked_add(u64::from(looked.stx_mtime.tv_nsec) / 1_000_000).map(Timestamp::from_millis)
    });
    Run { invocation, since }
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

/// When the oldest of these processes started. Of very many, the first ones are asked.
pub(super) fn oldest(host: &Host, pids: &[u32]) -> Option<Timestamp> {
    let booted = procfs::booted(host)?;
    let started = |pid: &u32| {
        let process = procfs::open(host, *pid).ok()??;
        Some(Stat::of(&process).ok()??.started)
    };
    let oldest = pids.iter().take(MOST_ASKED).filter_map(started).min()?;
    procfs::instant(booted, oldest)
}
