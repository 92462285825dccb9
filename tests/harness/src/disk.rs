//! An ext4 file system in an image file, which can be copied at any time. A copy holds what a disk would hold after a
//! power failure, because nothing is written to the image without a sync.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::mount::{text, tool};

const MIB: u64 = 1024 * 1024;

/// How long a disk may stay in use after the last process that used it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nothing is written on a timer (`commit`), and a rename has no guarantees beyond POSIX (`noauto_da_alloc`).
const OPTIONS: &str = "loop,commit=600,noauto_da_alloc";

/// The file system, mounted while this value lives. Needs root.
pub struct Disk {
    point: PathBuf,
    image: PathBuf,
}

impl Disk {
    /// Creates a file system of `mib` MiB, mounted at `directory/name`, with its image next to it.
    pub fn new(directory: &Path, name: &str, mib: u64) -> Self {
        let disk = Self { point: directory.join(name), image: directory.join(format!("{name}.image")) };
        std::fs::create_dir(&disk.point).expect("a mount point");
        File::create(&disk.image).and_then(|file| file.set_len(mib * MIB)).expect("an image file of that size");
        let always = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
        tool("mkfs.ext4", &[&always[..], &[text(&disk.image)]].concat());
        disk.mount();
        disk
    }

    /// The mount point.
    pub fn path(&self) -> &Path {
        &self.point
    }

    /// The used share, 0 to 1, of the space for unprivileged users.
    pub fn used_share(&self) -> f64 {
        let status = rustix::fs::statvfs(&self.point).expect("a mounted file system has numbers");
        let used = status.f_blocks - status.f_bfree;
        used as f64 / (used + status.f_bavail).max(1) as f64
    }

    /// Syncs the file system.
    pub fn sync(&self) {
        let directory = File::open(&self.point).expect("it is mounted");
        rustix::fs::syncfs(directory).expect("it can be written");
    }

    /// Copies what is on the disk now, without data that is only in memory.
    pub fn copy_to(&self, copy: &Path) {
        std::fs::copy(&self.image, copy).expect("room for a copy");
    }

    /// Continues from such a copy, at the same mount point.
    pub fn go_back_to(&self, copy: &Path) {
        // The kernel may still be ending a process that was killed.
        let began = Instant::now();
        while let Err(error) = rustix::mount::unmount(&self.point, rustix::mount::UnmountFlags::empty()) {
            let waits = error == rustix::io::Errno::BUSY && began.elapsed() < PATIENCE;
            assert!(waits, "{} cannot be unmounted: {error}", self.point.display());
            std::thread::sleep(Duration::from_millis(10));
        }
        // A new file: the kernel may still have a device with a cache for the old one.
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
        // If it is still in use, detach it now; the kernel unmounts it when that ends.
        if rustix::mount::unmount(&self.point, rustix::mount::UnmountFlags::DETACH).is_err() {
            eprintln!("{} could not be unmounted", self.point.display());
        }
    }
}
