//! An ext4 in an image file, which can be copied at any moment: a copy holds what a disk would hold after a loss of
//! power, because nothing is written to it unless somebody asked for it.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::mount::{text, tool};

const MIB: u64 = 1024 * 1024;

/// Nothing is written by time (`commit`), and no rename is guarded beyond what POSIX promises (`noauto_da_alloc`).
const OPTIONS: &str = "loop,commit=600,noauto_da_alloc";

/// The file system, mounted for as long as this is there. It needs root.
pub struct Disk {
    point: PathBuf,
    image: PathBuf,
}

impl Disk {
    /// A new one of `mib` MiB, mounted at `directory/name`, its image beside that.
    pub fn new(directory: &Path, name: &str, mib: u64) -> Self {
        let disk = Self { point: directory.join(name), image: directory.join(format!("{name}.image")) };
        std::fs::create_dir(&disk.point).expect("a mount point");
        File::create(&disk.image).and_then(|file| file.set_len(mib * MIB)).expect("an image file of that size");
        let always = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
        tool("mkfs.ext4", &[&always[..], &[text(&disk.image)]].concat());
        disk.mount();
        disk
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.point
    }

    /// The used share, 0 to 1, of what unprivileged users can have.
    pub fn used_share(&self) -> f64 {
        let status = rustix::fs::statvfs(&self.point).expect("a mounted file system has numbers");
        let used = status.f_blocks - status.f_bfree;
        used as f64 / (used + status.f_bavail).max(1) as f64
    }

    /// Writes all to the disk that was not written yet.
    pub fn sync(&self) {
        let directory = File::open(&self.point).expect("it is mounted");
        rustix::fs::syncfs(directory).expect("it can be written");
    }

    /// Copies what is on the disk now, and not what waits in memory to be written.
    pub fn copy_to(&self, copy: &Path) {
        std::fs::copy(&self.image, copy).expect("room for a copy");
    }

    /// Goes on from such a copy, at the same place.
    pub fn go_back_to(&self, copy: &Path) {
        rustix::mount::unmount(&self.point, rustix::mount::UnmountFlags::empty()).expect("nobody uses it");
        // A new file: the kernel may still hold a device, with its cache, on the old one.
        std::fs::remove_file(&self.image).expect("the image is ours");
        std::fs::copy(copy, &self.image).expect("room for the image");
        self.mount();
    }

    fn mount(&self) {
        tool("mount", &["-o", OPTIONS, text(&self.image), text(&self.point)]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whatever still uses it lets it go out of sight now, and away when that ends.
        if rustix::mount::unmount(&self.point, rustix::mount::UnmountFlags::DETACH).is_err() {
            eprintln!("{} could not be unmounted", self.point.display());
        }
    }
}
