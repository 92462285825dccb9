//! The mount table from `/proc/self/mountinfo`, and the level of a file system.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host's file system")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ansai_core::Refusal;

use super::ways::answering_through_links;
use ansai_kit::host::Host;

/// The most bytes that are read of the mount table.
const MOST_BYTES: u64 = 16 << 20;

/// One line of the mount table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The number of the mount.
    pub id: u64,
    /// The number of the mount that it is mounted on; of one that this table may not show.
    pub parent: u64,
    /// Major and minor number of the device: `8:1`.
    pub device_id: String,
    /// The directory of the file system that is mounted here: `/` unless it is a bind mount.
    pub subtree: Vec<u8>,
    /// The mount point, as the host sees it.
    pub point: PathBuf,
    /// The type of the file system: `ext4`, `nfs4`, …
    pub kind: String,
    /// What is mounted: `/dev/sda1`, `tmpfs`, …
    pub source: String,
    /// Whether the mount or the file system is read-only.
    pub read_only: bool,
    /// For an overlay: the directory that its changes are written to, as the process that mounted it named it.
    pub upper: Option<PathBuf>,
    /// For an overlay: the directories that it shows, as the process that mounted it named them.
    pub layers: Vec<PathBuf>,
}

impl Mount {
    /// The mount point as text.
    pub fn shown(&self) -> String {
        use std::os::unix::ffi::OsStrExt as _;
        text(self.point.as_os_str().as_bytes())
    }
}

/// Reads all mounts, in the kernel's order: a later one hides an earlier one at the same point.
///
/// # Errors
/// If the table cannot be read.
pub fn read(host: &Host) -> Result<Vec<Mount>, Refusal> {
    // The mounts of another root are those that its process 1 sees.
    let file = if host.is_this_machine() { "/proc/self/mountinfo" } else { "/proc/1/mountinfo" };
    std::fs::File::open(host.path(file)).and_then(|file| table_of(&file)).map_err(|error| Refusal::io(file, &error))
}

/// Reads all mounts that a process sees: `/proc/<pid>`.
pub(crate) fn of_process(process: &Path) -> std::io::Result<Vec<Mount>> {
    table_of(&std::fs::File::open(process.join("mountinfo"))?)
}

/// Reads all mounts of an open table, from its start.
pub(super) fn table_of(mut file: &std::fs::File) -> std::io::Result<Vec<Mount>> {
    use std::io::{Read as _, Seek as _};
    let mut text = Vec::new();
    file.rewind()?;
    file.take(MOST_BYTES).read_to_end(&mut text)?;
    Ok(text.split(|byte| *byte == b'\n').filter_map(parse).collect())
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue` (proc(5)).
fn parse(line: &[u8]) -> Option<Mount> {
    use std::os::unix::ffi::OsStringExt as _;
    let mut fields = line.split(|byte| *byte == b' ');
    let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let parent = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let device_id = text(fields.next()?);
    let subtree = unescape(fields.next()?);
    let point = PathBuf::from(std::ffi::OsString::from_vec(unescape(fields.next()?)));
    let options = text(fields.next()?);
    let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = text(fields.next()?);
    let source = text(&unescape(fields.next()?));
    let super_options = fields.next()?;
    let mut upper = super_options.split(|byte| *byte == b',').find_map(|option| option.strip_prefix(b"upperdir="));
    upper = upper.filter(|_| kind == "overlay");
    let upper = upper.map(|path| PathBuf::from(std::ffi::OsString::from_vec(unescape(path))));
    let layers = if kind == "overlay" { layers(super_options) } else { Vec::new() };
    let super_options = text(super_options);
    let read_only = [options, super_options].iter().any(|list| list.split(',').any(|option| option == "ro"));
    Some(Mount { id, parent, device_id, subtree, point, kind, source, read_only, upper, layers })
}

/// `lowerdir=/a:/b::/c,upperdir=/u`: a directory after two colons holds only data. Newer kernels write `lowerdir+=/a`.
fn layers(options: &[u8]) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let list = |option: &[u8]| -> Vec<Vec<u8>> {
        let value = |names: &[&[u8]]| names.iter().find_map(|name| option.strip_prefix(*name).map(unescape));
        match value(&[b"lowerdir="]) {
            Some(lower) => split_layers(&lower),
            None => value(&[b"upperdir=", b"lowerdir+=", b"datadir+="]).into_iter().collect(),
        }
    };
    let paths = options.split(|byte| *byte == b',').flat_map(list);
    paths.map(|path| PathBuf::from(std::ffi::OsString::from_vec(path))).collect()
}

/// Splits at colons, which a backslash escapes.
fn split_layers(list: &[u8]) -> Vec<Vec<u8>> {
    let (mut found, mut path, mut is_escaped) = (Vec::new(), Vec::new(), false);
    for byte in list.iter().chain(b":") {
        match byte {
            b'\\' if !is_escaped => is_escaped = true,
            b':' if !is_escaped => found.extend(Some(std::mem::take(&mut path)).filter(|path| !path.is_empty())),
            byte => {
                path.push(*byte);
                is_escaped = false;
            }
        }
    }
    found
}

fn text(bytes: &[u8]) -> String {
    ansai_core::text::path_text(bytes)
}

/// Decodes octal escapes: the kernel writes a space as `\040`.
fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, tail)) = rest.split_first() {
        let octal = (*byte == b'\\').then(|| tail.split_at_checked(3)).flatten().and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 8).ok()?, after))
        });
        match octal {
            Some((byte, after)) => {
                out.push(byte);
                rest = after;
            }
            None => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    out
}

/// The visible mounts by mount point: of several at one point, the last; without those that a mount on a directory
/// above them hides.
pub fn visible(mounts: Vec<Mount>) -> BTreeMap<PathBuf, Mount> {
    let hidden = hidden(&mounts);
    let seen = mounts.into_iter().zip(hidden).filter_map(|(mount, is_hidden)| (!is_hidden).then_some(mount));
    seen.map(|mount| (mount.point.clone(), mount)).collect()
}

/// For each mount, whether another one at a directory above it hides it.
fn hidden(mounts: &[Mount]) -> Vec<bool> {
    let by_id: HashMap<u64, &Mount> = mounts.iter().map(|mount| (mount.id, mount)).collect();
    // The root of a table may be its own parent.
    let mounted = mounts.iter().filter(|mount| mount.parent != mount.id);
    let points: HashSet<(u64, &Path)> = mounted.map(|mount| (mount.parent, &*mount.point)).collect();
    // On the way from the root of the mount that it is on, another mount comes first.
    let is_behind_another = |mount: &Mount, on: &Mount| {
        let mut above = mount.point.ancestors().skip(1).take_while(|path| path.starts_with(&on.point));
        above.any(|path| points.contains(&(mount.parent, path)))
    };
    let is_hidden = |mount: &Mount| {
        let mut here = mount;
        // A table that shows a circle is read to no more than its length.
        for _ in 0..mounts.len() {
            let Some(on) = by_id.get(&here.parent).filter(|on| on.id != here.id) else { return false };
            if is_behind_another(here, on) {
                return true;
            }
            here = on;
        }
        false
    };
    mounts.iter().map(is_hidden).collect()
}

/// The mount that a path of the host is on, by the text of the path.
pub fn of_path(mounts: &BTreeMap<PathBuf, Mount>, path: &Path) -> Option<Mount> {
    path.ancestors().find_map(|ancestor| mounts.get(ancestor)).cloned()
}

/// The file system that a path of the host is on, for a person: `ext4 at /var`. The path need not exist.
pub fn describe(host: &Host, path: &Path) -> String {
    let real = |path: &Path| std::fs::canonicalize(host.path(path)).ok();
    let existing = answering_through_links(host, path).ok().and_then(|()| path.ancestors().find_map(real));
    let real =
        existing.as_ref().and_then(|real| real.strip_prefix(host.root()).ok()).map(|real| Path::new("/").join(real));
    match of_path(&visible(read(host).unwrap_or_default()), real.as_deref().unwrap_or(path)) {
        Some(mount) => format!("{} at {}", mount.kind, mount.point.display()),
        None => "unknown file system".to_owned(),
    }
}

/// Bytes and inodes of a file system, from statvfs(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Level {
    pub total_bytes: u64,
    pub available_bytes: u64,
    pub reserved_bytes: u64,
    pub total_inodes: u64,
    pub free_inodes: u64,
    /// Whether it is read-only now. After an error a file system becomes read-only without a change of the mount table.
    pub read_only: bool,
}

impl Level {
    /// The used share, 0 to 1, of the bytes that an unprivileged process can use, if `freed` more bytes were free.
    pub fn used_share(&self, freed: u64) -> f64 {
        let usable = self.total_bytes.saturating_sub(self.reserved_bytes);
        if usable == 0 {
            return 0.0;
        }
        1.0 - self.available_bytes.saturating_add(freed).min(usable) as f64 / usable as f64
    }

    /// The used share of its inodes, 0 to 1; 0 if it does not count them.
    pub fn used_inodes(&self) -> f64 {
        if self.total_inodes == 0 {
            return 0.0;
        }
        1.0 - self.free_inodes.min(self.total_inodes) as f64 / self.total_inodes as f64
    }
}

/// The level of a file system at its mount point. Mounts nothing, and looks at nothing else that is mounted there.
///
/// # Errors
/// `not-found` or `unavailable` if it cannot be read, or if another file system hides it.
pub fn level_at(host: &Host, mount: &Mount) -> Result<Level, Refusal> {
    checked(host, mount).map(|(level, _)| level)
}

/// A mount and the number of its file system, which is known after the first look. So the next looks need one system call
/// in place of four.
#[derive(Debug)]
pub(super) struct KnownMount {
    pub(super) mount: Mount,
    /// The number that statfs(2) reports of it; 0 if that is not known, or if it has none.
    number: AtomicU64,
}

impl KnownMount {
    /// Nothing is known of its file system yet.
    pub(super) fn new(mount: Mount) -> KnownMount {
        KnownMount { mount, number: AtomicU64::new(0) }
    }

    /// As [`level_at`], for a mount that does not wait.
    pub(super) fn level(&self, host: &Host) -> Result<Level, Refusal> {
        let number = self.number.load(Ordering::Relaxed);
        if number != 0
            && let Ok(stat) = rustix::fs::statvfs(host.path(&self.mount.point))
            && stat.f_fsid == number
        {
            return Ok(Level::from(&stat));
        }
        let (level, number) = checked(host, &self.mount)?;
        self.number.store(number, Ordering::Relaxed);
        Ok(level)
    }
}

/// The level of the file system that is mounted at a point, and its number.
fn checked(host: &Host, mount: &Mount) -> Result<(Level, u64), Refusal> {
    use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags};
    // A handle does not trigger an automount.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let level = || -> rustix::io::Result<Option<(Level, u64)>> {
        let open = rustix::fs::open(host.path(&mount.point), flags, Mode::empty())?;
        let asked = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
        let stat = rustix::fs::statx(&open, "", asked, StatxFlags::TYPE)?;
        // btrfs reports other device numbers than the mount table shows.
        let is_it =
            mount.kind == "btrfs" || mount.device_id == format!("{}:{}", stat.stx_dev_major, stat.stx_dev_minor);
        if !is_it {
            return Ok(None);
        }
        let stat = rustix::fs::fstatvfs(&open)?;
        Ok(Some((Level::from(&stat), stat.f_fsid)))
    };
    match level() {
        Ok(Some(level)) => Ok(level),
        Ok(None) => Err(Refusal::Unavailable(format!("{} is hidden by another file system", mount.shown()))),
        Err(error) => Err(Refusal::io(mount.shown(), &error.into())),
    }
}

/// The level of the file system that an open file or directory is on.
///
/// # Errors
/// If fstatvfs(3) fails.
pub fn level_of(open: impl rustix::fd::AsFd) -> rustix::io::Result<Level> {
    rustix::fs::fstatvfs(open).map(|stat| Level::from(&stat))
}

impl From<&rustix::fs::StatVfs> for Level {
    fn from(stat: &rustix::fs::StatVfs) -> Level {
        let unit = stat.f_frsize;
        Level {
            total_bytes: stat.f_blocks.saturating_mul(unit),
            available_bytes: stat.f_bavail.saturating_mul(unit),
            reserved_bytes: stat.f_bfree.saturating_sub(stat.f_bavail).saturating_mul(unit),
            total_inodes: stat.f_files,
            free_inodes: stat.f_ffree,
            read_only: stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_line_of_the_mount_table() {
        let line = b"36 35 98:0 / /mnt/a\\040b rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let mount = parse(line).unwrap();
        assert_eq!((mount.id, &mount.point), (36, &PathBuf::from("/mnt/a b")));
        assert_eq!((mount.kind.as_str(), mount.source.as_str(), mount.read_only), ("ext3", "/dev/root", false));
        let line = b"1 2 0:5 / /p ro - tmpfs tmpfs rw";
        assert!(parse(line).unwrap().read_only);
        assert!(parse(b"").is_none());
        assert!(parse(b"1 2 3").is_none());
    }

    /// Would break: the level of what is at the path now, under the name of what was mounted there.
    #[test]
    fn a_known_mount_is_looked_at_again_when_its_path_leads_elsewhere() {
        if !rustix::process::geteuid().is_root() {
            assert!(std::env::var_os("CI").is_none(), "CI runs as root");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let (above, moved) = (dir.path().join("above"), dir.path().join("moved"));
        let point = above.join("point");
        std::fs::create_dir_all(&point).unwrap();
        let size = Some(c"size=1M");
        rustix::mount::mount("tmpfs", &point, "tmpfs", rustix::mount::MountFlags::empty(), size).unwrap();
        let (host, table) = (Host::at("/"), read(&Host::at("/")).unwrap());
        let found = table.into_iter().find(|mount| mount.point == point).unwrap();
        let known = KnownMount::new(found);
        let looks: Vec<u64> = (0..3).map(|_| known.level(&host).unwrap().total_bytes).collect();
        // The directory above gets another name, of which no poll of the table tells.
        std::fs::rename(&above, &moved).unwrap();
        let gone = known.level(&host);
        std::fs::create_dir_all(&point).unwrap();
        let hidden = known.level(&host);
        std::fs::remove_dir_all(&above).unwrap();
        std::fs::rename(&moved, &above).unwrap();
        let again = known.level(&host).unwrap().total_bytes;
        rustix::mount::unmount(&point, rustix::mount::UnmountFlags::DETACH).unwrap();
        assert_eq!((looks, again), (vec![1 << 20; 3], 1 << 20));
        assert!(gone.is_err(), "{gone:?}");
        assert!(hidden.is_err(), "{hidden:?}");
    }

    #[test]
    fn the_last_mount_at_a_point_is_the_one() {
        let mount = |kind: &str| Mount {
            id: 1,
            parent: 0,
            device_id: "1:1".into(),
            subtree: b"/".to_vec(),
            point: "/a".into(),
            kind: kind.into(),
            source: String::new(),
            read_only: false,
            upper: None,
            layers: Vec::new(),
        };
        let mounts = visible(vec![mount("ext4"), mount("tmpfs")]);
        assert_eq!(of_path(&mounts, Path::new("/a/b/c")).unwrap().kind, "tmpfs");
        assert!(of_path(&mounts, Path::new("/b")).is_none());
    }

    #[test]
    fn what_is_mounted_above_hides_what_is_below() {
        let points = |table: &str| -> Vec<String> {
            let mounts = table.lines().filter_map(|line| parse(line.as_bytes())).collect();
            visible(mounts).values().map(|mount| format!("{}={}", mount.shown(), mount.id)).collect()
        };
        let root = "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /m/x rw - ext4 /dev/b rw\n";
        assert_eq!(points(root), ["/=1", "/m/x=2"]);
        // Mounted at a directory above it, and what is mounted in there is seen.
        let above = format!("{root}3 1 0:3 / /m rw - tmpfs t rw\n4 3 8:3 / /m/y rw - ext4 /dev/c rw\n");
        assert_eq!(points(&above), ["/=1", "/m=3", "/m/y=4"]);
        // Over a mount with something below it.
        let over = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /m rw - ext4 b rw\n3 2 8:3 / /m/x rw - ext4 c rw\n\
                    4 2 8:4 / /m rw - ext4 d rw\n";
        assert_eq!(points(over), ["/=1", "/m=4"]);
        // What is mounted on something hidden is hidden too.
        assert_eq!(points(&format!("{over}5 3 8:5 / /m/x/y rw - ext4 e rw\n")), ["/=1", "/m=4"]);
        // The root of a table may be its own parent, and a table may begin in its middle.
        let odd = "1 1 8:1 / / rw - ext4 a rw\n2 1 8:2 / /l rw - ext4 b rw\n9 8 8:3 / /m rw - ext4 c rw\n";
        assert_eq!(points(odd), ["/=1", "/l=2", "/m=9"]);
    }

    #[test]
    fn an_overlay_names_where_it_writes_to() {
        let upper = |options: &str| {
            let line = format!("1 2 0:50 / /merged rw - overlay overlay rw,lowerdir=/l,{options},workdir=/w");
            parse(line.as_bytes()).unwrap().upper
        };
        assert_eq!(upper("upperdir=/var/lib/a\\040b/diff"), Some(PathBuf::from("/var/lib/a b/diff")));
        assert_eq!(upper("index=off"), None);
        assert_eq!(parse(b"1 2 8:1 / /a rw - ext4 /dev/a rw,upperdir=/x").unwrap().upper, None);
    }

    #[test]
    fn an_overlay_names_all_its_layers() {
        let layers = |options: &str| -> Vec<String> {
            let line = format!("1 2 0:50 / /merged rw - overlay overlay rw,{options},workdir=/w");
            parse(line.as_bytes()).unwrap().layers.iter().map(|layer| layer.display().to_string()).collect()
        };
        assert_eq!(layers("lowerdir=/a:/b::/data,upperdir=/u"), ["/a", "/b", "/data", "/u"]);
        assert_eq!(layers("lowerdir=/a\\040b\\134:c"), ["/a b:c"]);
        assert_eq!(layers("lowerdir+=/a,lowerdir+=/b,datadir+=/c"), ["/a", "/b", "/c"]);
    }

    #[test]
    fn a_path_that_does_not_exist_is_on_the_file_system_above() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path());
        assert_eq!(describe(&host, Path::new("/var/lib/ansai")), "unknown file system");
        std::fs::create_dir_all(host.path("/proc/1")).unwrap();
        std::fs::create_dir_all(host.path("/data")).unwrap();
        std::os::unix::fs::symlink("data", host.path("/var")).unwrap();
        let table = "1 0 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / /data rw - xfs /dev/b rw\n";
        std::fs::write(host.path("/proc/1/mountinfo"), table).unwrap();
        assert_eq!(describe(&host, Path::new("/srv/ansai")), "ext4 at /");
        assert_eq!(describe(&host, Path::new("/var/lib/ansai")), "xfs at /data", "through the link");
    }

    #[test]
    fn the_share_is_of_what_a_writer_can_have() {
        let level = Level {
            total_bytes: 1100,
            available_bytes: 250,
            reserved_bytes: 100,
            total_inodes: 0,
            free_inodes: 0,
            read_only: false,
        };
        assert_eq!(level.used_share(0), 0.75);
        assert_eq!(level.used_share(250), 0.5);
        assert_eq!(level.used_share(9999), 0.0);
    }
}
