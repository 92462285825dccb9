//! The mount table from `/proc/self/mountinfo`, and the level of a file system.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host's file system")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_core::Refusal;

use ansai_kit::host::Host;

/// The most bytes that are read of the mount table.
const MOST_BYTES: u64 = 16 << 20;

/// One line of the mount table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The number of the mount.
    pub id: u64,
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
    let device_id = text(fields.nth(1)?);
    let subtree = unescape(fields.next()?);
    let point = PathBuf::from(std::ffi::OsString::from_vec(unescape(fields.next()?)));
    let options = text(fields.next()?);
    let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = text(fields.next()?);
    let source = text(&unescape(fields.next()?));
    let super_options = text(fields.next()?);
    let read_only = [options, super_options].iter().any(|list| list.split(',').any(|option| option == "ro"));
    Some(Mount { id, device_id, subtree, point, kind, source, read_only })
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

/// The visible mounts by mount point: of several at one point, the last.
pub fn visible(mounts: Vec<Mount>) -> BTreeMap<PathBuf, Mount> {
    mounts.into_iter().map(|mount| (mount.point.clone(), mount)).collect()
}

/// The mount that a path of the host is on, by the text of the path.
pub fn of_path(mounts: &BTreeMap<PathBuf, Mount>, path: &Path) -> Option<Mount> {
    path.ancestors().find_map(|ancestor| mounts.get(ancestor)).cloned()
}

/// The mount that a directory with this device number is on. If a symbolic link above it leads to another file system,
/// its path tells the wrong mount; then it is the first mount with the device number.
pub fn of_directory(mounts: &BTreeMap<PathBuf, Mount>, path: &Path, device: u64) -> Option<Mount> {
    let device_id = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let by_path = of_path(mounts, path);
    if by_path.as_ref().is_some_and(|mount| mount.device_id == device_id) {
        return by_path;
    }
    mounts.values().find(|mount| mount.device_id == device_id).cloned().or(by_path)
}

/// The mount point of a path of the host as text; `None` if it is unknown.
pub fn point_of(host: &Host, path: &Path) -> Option<String> {
    Some(of_path(&visible(read(host).ok()?), path)?.shown())
}

/// The file system that a path of the host is on, for a person: `ext4 at /var`. The path need not exist.
pub fn describe(host: &Host, path: &Path) -> String {
    let existing = path.ancestors().find_map(|path| std::fs::canonicalize(host.path(path)).ok());
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
}

/// The level of the file system that a path of the host is on.
///
/// # Errors
/// `not-found` or `unavailable` if statvfs(3) fails.
pub fn level(host: &Host, path: &Path) -> Result<Level, Refusal> {
    let stat = rustix::fs::statvfs(host.path(path)).map_err(|error| Refusal::io(path.display(), &error.into()))?;
    let unit = stat.f_frsize;
    Ok(Level {
        total_bytes: stat.f_blocks.saturating_mul(unit),
        available_bytes: stat.f_bavail.saturating_mul(unit),
        reserved_bytes: stat.f_bfree.saturating_sub(stat.f_bavail).saturating_mul(unit),
        total_inodes: stat.f_files,
        free_inodes: stat.f_ffree,
        read_only: stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
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

    #[test]
    fn the_last_mount_at_a_point_is_the_one() {
        let mount = |kind: &str| Mount {
            id: 1,
            device_id: "1:1".into(),
            subtree: b"/".to_vec(),
            point: "/a".into(),
            kind: kind.into(),
            source: String::new(),
            read_only: false,
        };
        let mounts = visible(vec![mount("ext4"), mount("tmpfs")]);
        assert_eq!(of_path(&mounts, Path::new("/a/b/c")).unwrap().kind, "tmpfs");
        assert!(of_path(&mounts, Path::new("/b")).is_none());
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
