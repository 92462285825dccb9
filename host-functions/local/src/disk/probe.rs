//! `ansai:disk/disk-probe`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use ansai_core::{Interface, InterfaceKind, InterfaceName, Refusal, Sensitivity, Subject};
use serde::{Deserialize, Serialize};

use super::filesystems::{self, is_remote};
use super::mount_cache::FromTable;
use super::mounts::{self, KnownMount, Level, Mount};
use super::ways;
use crate::detached;
use ansai_kit::call::{NoArguments, Reply, to_reply};
use ansai_kit::function::{Prepared, Probe};
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// The most file systems that are read at once: for more, the cost of a thread does not matter.
const MOST_AT_ONCE: usize = 64;

/// The interface `ansai:disk/disk-probe`.
pub static DISK_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:disk/disk-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see how full file systems are",
        fields: &[],
    },
    doctor: &[],
    functions: &[
        Function { name: "list-filesystems", checks: &[], body: Body::Inline(&Prepared { at_once, probe: list }) },
        Function { name: "list-unreadable", checks: &[], body: Body::Probe(&Probe(list_unreadable)) },
    ],
};

#[derive(Serialize, Deserialize)]
struct Inodes {
    total: u64,
    free: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Filesystem {
    about: Subject,
    mount: String,
    kind: String,
    device: String,
    read_only: bool,
    remote: bool,
    total_bytes: u64,
    available_bytes: u64,
    reserved_bytes: u64,
    inodes: Option<Inodes>,
}

impl Inodes {
    /// `None` if the file system does not count them: then statvfs(3) returns 0.
    fn of(level: &Level) -> Option<Inodes> {
        (level.total_inodes > 0).then_some(Inodes { total: level.total_inodes, free: level.free_inodes })
    }
}

#[derive(Serialize, Deserialize)]
struct Filesystems {
    entries: Vec<Filesystem>,
    skipped: u32,
}

/// A file system that could not be read.
#[derive(Serialize, Deserialize)]
struct Unreadable {
    about: Subject,
    mount: String,
    kind: String,
    device: String,
    remote: bool,
    reason: Refusal,
}

impl Unreadable {
    fn new(mount: &Mount, reason: Refusal) -> Unreadable {
        let (point, remote) = (mount.shown(), is_remote(&mount.kind));
        let (kind, device) = (mount.kind.clone(), mount.source.clone());
        Unreadable { about: Subject::new("filesystem", point.clone()), mount: point, kind, device, remote, reason }
    }
}

fn list(ask: &ProbeContext<'_>, _: NoArguments) -> Result<Filesystems, Refusal> {
    let found = filesystems::Filesystems::read(ask.host)?;
    Ok(listed(levels(ask, &found)))
}

/// `list-unreadable`.
fn list_unreadable(ask: &ProbeContext<'_>, _: NoArguments) -> Result<Vec<Unreadable>, Refusal> {
    let found = filesystems::Filesystems::read(ask.host)?;
    let unreadable = |(mount, level): (&Mount, Result<Level, Refusal>)| Some(Unreadable::new(mount, level.err()?));
    Ok(levels(ask, &found).into_iter().filter_map(unreadable).collect())
}

/// The mounts to read, if none of them can block.
type AtOnce = Option<Vec<Mount>>;

/// Mounts that never wait, and the last answer: thousands of instances look at the same levels.
struct Looked {
    mounts: Vec<KnownMount>,
    last: Mutex<Option<(Vec<Option<Level>>, Reply)>>,
}

impl Looked {
    fn new(mounts: Vec<Mount>) -> Looked {
        Looked { mounts: mounts.into_iter().map(KnownMount::new).collect(), last: Mutex::default() }
    }

    /// The answer with the levels of now. Its text is made again only if one of them has changed.
    fn answer(&self, host: &Host) -> Reply {
        let levels: Vec<_> = self.mounts.iter().map(|known| known.level(host)).collect();
        let now: Vec<Option<Level>> = levels.iter().map(|level| level.as_ref().ok().copied()).collect();
        // A panic leaves no partial value behind: the value is replaced as a whole.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, reply)) = last.as_ref().filter(|(before, _)| *before == now) {
            return reply.clone();
        }
        let mounts = self.mounts.iter().map(|known| &known.mount);
        let reply = to_reply(&listed(mounts.zip(levels).collect()));
        *last = Some((now, reply.clone()));
        reply
    }
}

fn at_once(ask: &ProbeContext<'_>, _: &NoArguments) -> Option<Reply> {
    static TABLE: FromTable<Option<Looked>> = FromTable::new();
    if !ask.host.is_this_machine() {
        return None;
    }
    let looked = TABLE.get(|table| none_waits(table).map(Looked::new))?;
    Some(looked.as_ref().as_ref()?.answer(ask.host))
}

/// `None` if reading could block: on a mount that is read, or on one that the path to it passes. That one is above it
/// or, as an automount, hidden at the same point. Other mounts do not matter, such as systemd's automount of
/// binfmt_misc.
fn none_waits(table: Vec<Mount>) -> AtOnce {
    let waiting: Vec<PathBuf> =
        table.iter().filter(|mount| !never_waits(&mount.kind)).map(|mount| mount.point.clone()).collect();
    // Only this machine is looked at on the spot.
    let looked_at = filesystems::Filesystems::of(&Host::at("/"), table).listed().to_vec();
    let on_the_way = |mount: &Mount| waiting.iter().any(|point| mount.point.starts_with(point));
    (looked_at.len() <= MOST_AT_ONCE && !looked_at.iter().any(on_the_way)).then_some(looked_at)
}

/// The level of each listed file system. One that does not answer delays the others by no more than its own limit, and
/// hides none of them: what may wait is asked on threads of its own, after what is on the way to it.
fn levels<'a>(ask: &ProbeContext<'_>, found: &'a filesystems::Filesystems) -> Vec<(&'a Mount, Result<Level, Refusal>)> {
    let mut levels = Vec::new();
    let mut waiting = Vec::new();
    for mount in found.listed() {
        let ways = found.ways(ask.host, &mount.point);
        match ways.is_empty() {
            true => levels.push((mount, mounts::level_at(ask.host, mount))),
            false => waiting.push((mount, ways)),
        }
    }
    waiting.sort_by_key(|(_, ways)| ways.len());
    // By the number of mounts on the way, so that the outer ones have answered first.
    let mut silent = HashMap::<u64, Refusal>::new();
    for round in waiting.chunk_by(|(_, ways), (_, other)| ways.len() == other.len()) {
        let (mut asked, mut calls) = (Vec::new(), Vec::new());
        for (mount, ways) in round {
            let why = ways.iter().find_map(|way| silent.get(&way.id));
            let why = why.cloned().or_else(|| ask.deadline.is_over().then(|| not_in_time(mount)));
            match (why, ways.last()) {
                (Some(why), _) => levels.push((*mount, Err(why))),
                (None, Some(last)) => {
                    let (own, host) = ((*mount).clone(), ask.host.clone());
                    asked.push((*mount, *last));
                    calls.push(detached::Call::new(ways::name(last), move || mounts::level_at(&host, &own)));
                }
                (None, None) => {}
            }
        }
        let limit = detached::LIMIT.min(ask.deadline.remaining() / 2);
        for ((mount, last), answer) in asked.into_iter().zip(detached::all(calls, limit)) {
            let level = answer.unwrap_or_else(|hung| {
                let why = hung.refusal(ways::shown(last));
                silent.insert(last.id, why.clone());
                Err(why)
            });
            levels.push((mount, level));
        }
    }
    levels.sort_by(|(one, _), (other, _)| one.point.cmp(&other.point));
    levels
}

fn not_in_time(mount: &Mount) -> Refusal {
    Refusal::TimedOut(format!("{} was not read in time", mount.shown()))
}

fn listed(levels: Vec<(&Mount, Result<Level, Refusal>)>) -> Filesystems {
    let mut entries = Vec::new();
    let mut skipped = 0;
    for (mount, level) in levels {
        let Ok(level) = level else {
            skipped += 1;
            continue;
        };
        if level.total_bytes == 0 {
            continue;
        }
        let point = mount.shown();
        entries.push(Filesystem {
            about: Subject::new("filesystem", point.clone()),
            mount: point,
            remote: is_remote(&mount.kind),
            kind: mount.kind.clone(),
            device: mount.source.clone(),
            read_only: mount.read_only || level.read_only,
            total_bytes: level.total_bytes,
            available_bytes: level.available_bytes,
            reserved_bytes: level.reserved_bytes,
            inodes: Inodes::of(&level),
        });
    }
    Filesystems { entries, skipped }
}

/// Whether the kernel answers statvfs(3) from memory for this type of file system.
pub(super) fn never_waits(kind: &str) -> bool {
    const LOCAL: &[&str] = &[
        "ext2",
        "ext3",
        "ext4",
        "xfs",
        "vfat",
        "tmpfs",
        "rootfs",
        "ramfs",
        "devtmpfs",
        "proc",
        "sysfs",
        "devpts",
        "cgroup",
        "cgroup2",
        "securityfs",
        "debugfs",
        "tracefs",
        "configfs",
        "pstore",
        "bpf",
        "mqueue",
        "hugetlbfs",
        "efivarfs",
        "fusectl",
        "binfmt_misc",
        "nsfs",
        "selinuxfs",
    ];
    LOCAL.contains(&kind)
}

/// The path of a mount point that is given as text; `None` for text with an invalid escape.
pub fn point_of(mount: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(PathBuf::from(std::ffi::OsString::from_vec(ansai_core::text::path_bytes(mount)?)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]
    use super::*;
    use ansai_kit::host::Deadline;
    use ansai_kit::target::Reach;

    #[test]
    fn what_may_hang_is_not_looked_at_on_the_spot() {
        for kind in ["nfs", "nfs4", "cifs", "fuse", "fuse.sshfs", "fuseblk", "autofs", "9p", "overlay", "zfs", "new"] {
            assert!(!never_waits(kind), "{kind}");
        }
        assert!(never_waits("ext4"));
        let elsewhere = Host::at("/proc/self/root");
        let deadline = Deadline::after(std::time::Duration::from_secs(30));
        let ask = ProbeContext {
            host: &elsewhere,
            scope: &ansai_core::Scope::default(),
            reach: Reach::none(),
            now: ansai_core::Timestamp::EPOCH,
            deadline: &deadline,
        };
        assert!(at_once(&ask, &NoArguments {}).is_none(), "another root may hold anything");
    }

    #[test]
    fn only_what_is_on_the_way_can_keep_a_look_waiting() {
        let table = |mounts: &[(&str, &str)]| -> Vec<Mount> {
            let id = |index: usize| index as u64 + 1;
            let root = mounts.iter().rposition(|(point, _)| *point == "/").map_or(0, id);
            let mount = |(index, (point, kind)): (usize, &(&str, &str))| Mount {
                id: id(index),
                parent: if *point == "/" { 0 } else { root },
                device_id: format!("{}:{index}", if ["ext4", "xfs"].contains(kind) { 8 } else { 0 }),
                subtree: b"/".to_vec(),
                point: (*point).into(),
                kind: (*kind).to_owned(),
                source: String::new(),
                read_only: false,
                upper: None,
                layers: Vec::new(),
            };
            mounts.iter().enumerate().map(mount).collect()
        };
        let points = |mounts: &[(&str, &str)]| -> Option<Vec<PathBuf>> {
            Some(none_waits(table(mounts))?.into_iter().map(|mount| mount.point).collect())
        };
        let plain = [("/", "ext4"), ("/proc", "proc"), ("/srv", "xfs")];
        let expected = Some(vec![PathBuf::from("/"), PathBuf::from("/srv")]);
        assert_eq!(points(&plain), expected);
        // Neither looked at nor passed; a name that only begins alike is not above.
        let beside = [("/proc/sys/fs/binfmt_misc", "autofs"), ("/sr", "autofs"), ("/srv/data/auto", "autofs")];
        assert_eq!(points(&[&plain[..], &beside].concat()), expected);
        for waits in [
            // Looked at itself.
            [("/mnt", "nfs4")],
            [("/var/lib/docker/overlay2/x/merged", "overlay")],
            // Above what is looked at, or below it at the same point.
            [("/srv", "autofs")],
            [("/", "fuse.something")],
        ] {
            assert_eq!(points(&[&waits[..], &plain[..]].concat()), None, "{waits:?}");
        }
        let many: Vec<String> = (0..=MOST_AT_ONCE).map(|index| format!("/{index}")).collect();
        let mut many: Vec<(&str, &str)> = many.iter().map(|point| (point.as_str(), "tmpfs")).collect();
        assert_eq!(points(&many), None);
        many.pop();
        assert!(points(&many).is_some());
    }

    #[test]
    fn inodes_that_are_not_counted_are_absent() {
        let level = Level {
            total_bytes: 1,
            available_bytes: 1,
            reserved_bytes: 0,
            total_inodes: 0,
            free_inodes: 0,
            read_only: false,
        };
        assert!(Inodes::of(&level).is_none());
        let full = Inodes::of(&Level { total_inodes: 9, ..level }).unwrap();
        assert_eq!((full.total, full.free), (9, 0));
    }

    /// Would break: the level of an earlier look, or a new text for the same levels.
    #[test]
    fn an_answer_is_kept_while_nothing_has_changed() {
        if !rustix::process::geteuid().is_root() {
            assert!(std::env::var_os("CI").is_none(), "CI runs as root");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let size = Some(c"size=1M");
        rustix::mount::mount("tmpfs", dir.path(), "tmpfs", rustix::mount::MountFlags::empty(), size).unwrap();
        let host = Host::at("/");
        let mount = mounts::read(&host).unwrap().into_iter().find(|mount| mount.point == dir.path()).unwrap();
        let looked = Looked::new(vec![mount]);
        let look = || looked.answer(&host).unwrap();
        let (first, second) = (look(), look());
        std::fs::write(dir.path().join("new"), [0; 65_536]).unwrap();
        let third = look();
        std::fs::remove_file(dir.path().join("new")).unwrap();
        let fourth = look();
        rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
        assert!(std::sync::Arc::ptr_eq(&first, &second));
        let available = |reply: &serde_json::value::RawValue| {
            serde_json::from_str::<Filesystems>(reply.get()).unwrap().entries[0].available_bytes
        };
        assert_eq!(available(&first) - available(&third), 65_536);
        assert_eq!(first.get(), fourth.get());
        // Gone: it is skipped, and no earlier answer is given.
        let gone: Filesystems = serde_json::from_str(look().get()).unwrap();
        assert_eq!((gone.entries.len(), gone.skipped), (0, 1));
    }

    #[test]
    fn this_machine_has_a_root() {
        let host = Host::at("/");
        let deadline = Deadline::after(std::time::Duration::from_secs(30));
        let ask = ProbeContext {
            host: &host,
            scope: &ansai_core::Scope::default(),
            reach: Reach::none(),
            now: ansai_core::Timestamp::EPOCH,
            deadline: &deadline,
        };
        let entries = list(&ask, NoArguments {}).unwrap().entries;
        let root = entries.iter().find(|entry| entry.mount == "/").unwrap();
        assert!(root.total_bytes > root.available_bytes);
        let mounts: Vec<&str> = entries.iter().map(|entry| entry.mount.as_str()).collect();
        assert!(mounts.is_sorted(), "{mounts:?}");
        assert!(!mounts.contains(&"/proc"));
    }
}
