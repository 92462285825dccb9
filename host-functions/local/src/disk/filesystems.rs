//! The file systems of a host, each under one name, by whatever mount one comes to it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_core::Refusal;
use ansai_kit::host::Host;

use super::mount_cache::FromTable;
use super::mounts::{self, Mount};
use super::ways::may_wait;
use crate::safety::identity::Stat;

/// The most overlays on overlays that are followed.
const MOST_LAYERS: usize = 8;

/// What tells one file system from another in the mount table: device and type.
type Key = (String, String);

/// The mount table, and the file system that each mount belongs to.
#[derive(Debug, Default)]
pub struct Filesystems {
    /// Whether the numbers of mounts are those that statx(2) reports here.
    is_this_machine: bool,
    /// Every mount, hidden ones too.
    all: Vec<Mount>,
    visible: BTreeMap<PathBuf, Mount>,
    /// One mount for each file system that holds files, in byte order of the mount points.
    listed: Vec<Mount>,
    /// The file system that an overlay writes to.
    below: HashMap<Key, Key>,
}

impl Filesystems {
    /// Reads the mount table.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(host: &Host) -> Result<Filesystems, Refusal> {
        Ok(Filesystems::of(host, mounts::read(host)?))
    }

    /// The same for this machine without reading the table again while it stays; `None` if it cannot be read.
    pub(crate) fn current(host: &Host) -> Option<Arc<Filesystems>> {
        static TABLE: FromTable<Filesystems> = FromTable::new();
        match host.is_this_machine() {
            true => TABLE.get(|table| Filesystems::of(&Host::at("/"), table)),
            false => Filesystems::read(host).ok().map(Arc::new),
        }
    }

    /// From a mount table.
    pub(super) fn of(host: &Host, all: Vec<Mount>) -> Filesystems {
        let is_this_machine = host.is_this_machine();
        let visible = mounts::visible(all.clone());
        let mut found = Filesystems { is_this_machine, all, visible, ..Filesystems::default() };
        found.below =
            found.visible.values().filter_map(|mount| Some((key(mount), found.below(host, mount)?))).collect();
        found.listed = found.distinct(host);
        found
    }

    /// One mount of each file system that holds files, at its shortest mount point: if possible one that no other mount
    /// can keep waiting. Overlays are not listed beside the file system that they write to.
    pub fn listed(&self) -> &[Mount] {
        &self.listed
    }

    /// The visible mounts by mount point.
    pub fn visible(&self) -> &BTreeMap<PathBuf, Mount> {
        &self.visible
    }

    /// The name of the file system that an open directory or file is on: by its mount, else by its device, else by its
    /// path. `None` if the table does not have it.
    pub(crate) fn name(&self, path: &Path, stat: &Stat) -> Option<String> {
        self.mount_of(path, stat).map(|mount| self.name_of(mount))
    }

    /// Whether what is open is on a disk of this machine, where no other one has to answer.
    pub(crate) fn is_local(&self, path: &Path, stat: &Stat) -> bool {
        self.mount_of(path, stat).is_some_and(|mount| !may_wait(&mount.kind))
    }

    /// The name by the text of a path, for what does not exist.
    pub fn name_by_path(&self, path: &Path) -> Option<String> {
        self.by_path(path).map(|mount| self.name_of(mount))
    }

    /// The mount with this number in the table of this machine.
    fn with_id(&self, id: u64) -> Option<&Mount> {
        self.all.iter().find(|mount| mount.id == id)
    }

    /// The mount point under which `list-filesystems` lists the file system of a mount.
    pub(crate) fn name_of(&self, mount: &Mount) -> String {
        self.listed_as(mount).unwrap_or(mount).shown()
    }

    /// Whether the file system of a mount is one that `list-filesystems` lists.
    pub(crate) fn is_listed(&self, mount: &Mount) -> bool {
        self.listed_as(mount).is_some()
    }

    fn listed_as(&self, mount: &Mount) -> Option<&Mount> {
        let mut own = key(mount);
        for _ in 0..MOST_LAYERS {
            match self.below.get(&own) {
                Some(below) => own.clone_from(below),
                None => break,
            }
        }
        self.listed.iter().find(|listed| key(listed) == own)
    }

    /// The mount that an open directory or file is on.
    fn mount_of(&self, path: &Path, stat: &Stat) -> Option<&Mount> {
        let has_number = self.is_this_machine && stat.mount != 0;
        let by_number = self.with_id(stat.mount).filter(|_| has_number);
        let by_path = self.by_path(path);
        let device_id = device_id(stat.dev);
        by_number
            .or(by_path.filter(|mount| mount.device_id == device_id))
            .or_else(|| self.visible.values().find(|mount| mount.device_id == device_id))
            // A mount that was detached is not where its path leads to.
            .or(by_path.filter(|_| !has_number))
    }

    fn by_path(&self, path: &Path) -> Option<&Mount> {
        path.ancestors().find_map(|ancestor| self.visible.get(ancestor))
    }

    /// The file system that an overlay writes to: how much room there is and what is used is that of this one. `None` if
    /// it is not visible from here, as in a container.
    fn below(&self, host: &Host, mount: &Mount) -> Option<Key> {
        let upper = mount.upper.as_deref().filter(|upper| upper.is_absolute())?;
        // Not even a look at a path that may keep it waiting.
        if !self.ways(host, upper).is_empty() {
            return None;
        }
        let stat = Stat::cached(&host.path(upper)).ok().filter(Stat::is_directory)?;
        let below = key(self.mount_of(upper, &stat)?);
        (below != key(mount)).then_some(below)
    }

    fn distinct(&self, host: &Host) -> Vec<Mount> {
        let mut real: Vec<Mount> = self.visible.values().filter(|mount| holds_files(mount)).cloned().collect();
        let ways = |mount: &Mount| self.ways(host, &mount.point).iter().filter(|one| key(one) != key(mount)).count();
        real.sort_by_cached_key(|mount| (ways(mount), mount.point.as_os_str().len(), mount.point.clone()));
        let mut seen = HashSet::new();
        real.retain(|mount| !self.below.contains_key(&key(mount)) && seen.insert(key(mount)));
        real.sort_by(|a, b| a.point.cmp(&b.point));
        real
    }
}

fn key(mount: &Mount) -> Key {
    (mount.device_id.clone(), mount.kind.clone())
}

/// `8:1`, as in the mount table.
pub(crate) fn device_id(device: u64) -> String {
    format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device))
}

/// Whether a mount is of a file system that holds files: on a device of its own, or of a type that needs none. Images
/// that nobody can write to, such as those of snaps, are always full.
fn holds_files(mount: &Mount) -> bool {
    const IMAGES: &[&str] = &["squashfs", "erofs", "iso9660", "cramfs", "romfs"];
    const WITHOUT_DEVICE: &[&str] =
        &["btrfs", "zfs", "bcachefs", "tmpfs", "overlay", "ubifs", "jffs2", "aufs", "virtiofs", "vboxsf", "ocfs2"];
    let is_on_a_device = mount.device_id.split_once(':').is_some_and(|(major, _)| major != "0");
    !IMAGES.contains(&&*mount.kind)
        && (is_on_a_device || WITHOUT_DEVICE.contains(&&*mount.kind) || is_remote(&mount.kind))
}

/// Whether this type of file system is not on a disk of this host. `fuseblk` is a local disk behind a FUSE driver.
pub(super) fn is_remote(kind: &str) -> bool {
    const REMOTE: &[&str] = &["nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "virtiofs", "glusterfs", "lustre", "afs"];
    REMOTE.contains(&kind) || kind == "fuse" || kind.starts_with("fuse.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;

    /// A host with this mount table, and these directories.
    fn host(table: &str, directories: &[&str]) -> (tempfile::TempDir, Host) {
        let root = tempfile::tempdir().unwrap();
        for directory in directories.iter().chain(&["/proc/1"]) {
            std::fs::create_dir_all(root.path().join(directory.trim_start_matches('/'))).unwrap();
        }
        std::fs::write(root.path().join("proc/1/mountinfo"), table).unwrap();
        let host = Host::at(root.path());
        (root, host)
    }

    fn names(table: &str, directories: &[&str]) -> Vec<String> {
        let (_root, host) = host(table, directories);
        Filesystems::read(&host).unwrap().listed().iter().map(Mount::shown).collect()
    }

    #[test]
    fn a_disk_behind_any_driver_holds_files() {
        let table = "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 7:0 / /n rw - fuseblk /dev/loop0 rw\n\
                     3 1 8:3 / /h rw - hfsplus /dev/c rw\n4 1 8:4 / /u rw - something-new /dev/d rw\n\
                     5 1 7:1 / /snap/x/1 ro - squashfs /dev/loop1 ro\n6 1 0:5 / /proc rw - proc proc rw\n\
                     7 1 0:6 / /s rw - fuse.sshfs h:/ rw\n8 1 0:7 / /sys rw - sysfs sysfs rw\n";
        assert_eq!(names(table, &[]), ["/", "/h", "/n", "/s", "/u"]);
        assert!(!is_remote("fuseblk") && is_remote("fuse.sshfs"));
    }

    #[test]
    fn a_file_system_is_listed_where_it_can_be_seen() {
        // At its shortest mount point it is hidden by what is mounted at `/m`.
        let table = "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /m/x rw - ext4 /dev/b rw\n\
                     3 1 8:2 /d /longer/point rw - ext4 /dev/b rw\n4 1 0:9 / /m rw - tmpfs t rw\n";
        assert_eq!(names(table, &[]), ["/", "/longer/point", "/m"]);
    }

    #[test]
    fn an_overlay_is_the_file_system_that_it_writes_to() {
        // Directories of this test are on a device of the machine: the table says that this is `/`.
        let dir = tempfile::tempdir().unwrap();
        let device = device_id(Stat::following(dir.path()).unwrap().dev);
        let table = format!(
            "1 0 {device} / / rw - ext4 /dev/a rw\n\
             2 1 0:50 / /c/1/merged rw - overlay overlay rw,lowerdir=/c/1/l,upperdir=/c/1/upper,workdir=/c/1/w\n\
             3 1 0:51 / /c/2/merged rw - overlay overlay rw,lowerdir=/c/2/l,upperdir=/gone,workdir=/c/2/w\n\
             4 1 0:52 / /c/3/merged ro - overlay overlay ro,lowerdir=/c/3/l\n"
        );
        let directories = ["/c/1/merged", "/c/1/upper", "/c/2/merged", "/c/3/merged"];
        // What an overlay writes to may be out of sight, and one without it has no other name.
        assert_eq!(names(&table, &directories), ["/", "/c/2/merged", "/c/3/merged"]);
        let (_root, host) = host(&table, &directories);
        let found = Filesystems::read(&host).unwrap();
        assert_eq!(found.name_by_path(Path::new("/c/1/merged/var/log")).as_deref(), Some("/"));
        assert_eq!(found.name_by_path(Path::new("/c/2/merged/var/log")).as_deref(), Some("/c/2/merged"));
    }

    #[test]
    fn a_directory_has_the_name_of_its_file_system_at_every_mount_point() {
        let table = "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /d rw - ext4 /dev/b rw\n\
                     3 1 8:2 /log /f/var/log rw - ext4 /dev/b rw\n";
        let (_root, host) = host(table, &[]);
        let found = Filesystems::read(&host).unwrap();
        assert_eq!(found.name_by_path(Path::new("/f/var/log/app")).as_deref(), Some("/d"));
        assert_eq!(found.name_by_path(Path::new("/f/var")).as_deref(), Some("/"));
    }
}
