//! `ansai:disk/disk-probe`.

use std::path::{Path, PathBuf};

use ansai_core::text::path_text;
use ansai_core::{Interface, InterfaceKind, InterfaceName, Refusal, Sensitivity, Subject};
use serde::{Deserialize, Serialize};

use super::filesystems::{self, is_remote};
use super::mount_cache::FromTable;
use super::mounts::{self, Level, Mount};
use ansai_kit::call::NoArguments;
use ansai_kit::function::Inline;
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
    functions: &[Function {
        name: "list-filesystems",
        checks: &[],
        body: Body::Inline(&Inline { at_once, probe: list }),
    }],
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

fn list(ask: &ProbeContext<'_>, _: NoArguments) -> Result<Filesystems, Refusal> {
    Ok(levels(ask, filesystems::Filesystems::read(ask.host)?.listed()))
}

/// The mounts to read, if none of them can block.
type AtOnce = Option<Vec<Mount>>;

fn at_once(ask: &ProbeContext<'_>, _: &NoArguments) -> Option<Result<Filesystems, Refusal>> {
    static TABLE: FromTable<AtOnce> = FromTable::new();
    if !ask.host.is_this_machine() {
        return None;
    }
    let mounts = TABLE.get(none_waits)?;
    let mounts = mounts.as_ref().as_ref()?;
    Some(Ok(levels(ask, mounts)))
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

fn levels(ask: &ProbeContext<'_>, mounts: &[Mount]) -> Filesystems {
    let mut entries = Vec::new();
    let mut skipped = 0;
    for mount in mounts {
        // A server that does not answer would block this thread for minutes.
        if ask.deadline.is_over() || !covers_its_point(ask, mount) {
            skipped += 1;
            continue;
        }
        let Ok(level) = mounts::level(ask.host, &mount.point) else {
            skipped += 1;
            continue;
        };
        if level.total_bytes == 0 {
            continue;
        }
        let point = text(&mount.point);
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

/// Whether the mount is visible at its mount point. A file system that is mounted over a parent directory hides it.
fn covers_its_point(ask: &ProbeContext<'_>, mount: &Mount) -> bool {
    let Ok(stat) = rustix::fs::statx(
        rustix::fs::CWD,
        ask.host.path(&mount.point),
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        rustix::fs::StatxFlags::TYPE,
    ) else {
        return false;
    };
    // btrfs reports other device numbers than the mount table shows.
    mount.kind == "btrfs" || mount.device_id == format!("{}:{}", stat.stx_dev_major, stat.stx_dev_minor)
}

/// Whether the kernel answers statvfs(3) from memory for this type of file system.
fn never_waits(kind: &str) -> bool {
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

fn text(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    path_text(path.as_os_str().as_bytes())
}

/// The path of a mount point that is given as text; `None` for text with an invalid escape.
pub fn point_of(mount: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(PathBuf::from(std::ffi::OsString::from_vec(ansai_core::text::path_bytes(mount)?)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
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
