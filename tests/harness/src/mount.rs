//! Small file systems that really fill up, in blocks and in inodes. Need root.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::command::Invocation;

const MIB: u64 = 1024 * 1024;

/// A file system in memory.
pub struct Tmpfs(Mounted);

impl Tmpfs {
    /// Creates a file system of `mib` MiB.
    pub fn new(mib: u64) -> Self {
        Self::mounted(format!("size={mib}m,mode=755"))
    }

    /// Creates a file system of `mib` MiB, with room for `inodes` files and directories.
    pub fn with_inodes(mib: u64, inodes: u64) -> Self {
        Self::mounted(format!("size={mib}m,nr_inodes={inodes},mode=755"))
    }

    fn mounted(options: String) -> Self {
        Self(Mounted::new(|point, _| {
            tool("mount", &["-t", "tmpfs", "-o", &options, "ansai-test", text(point)]);
        }))
    }
}

/// An ext4 file system on a loop device, without blocks reserved for root.
pub struct Ext4(Mounted);

impl Ext4 {
    /// Creates a file system of `mib` MiB, a part of which is its own metadata.
    pub fn new(mib: u64) -> Self {
        Self::formatted(mib, &[])
    }

    /// Creates a file system of `mib` MiB with about `inodes` inodes: ext4 rounds up to whole block groups.
    pub fn with_inodes(mib: u64, inodes: u64) -> Self {
        Self::formatted(mib, &["-N", &inodes.to_string()])
    }

    fn formatted(mib: u64, options: &[&str]) -> Self {
        Self(Mounted::new(|point, image| {
            File::create(image).and_then(|file| file.set_len(mib * MIB)).expect("an image file of that size");
            // Initialize everything now: a lazy initialization would change the file system during the test.
            let always = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
            let arguments: Vec<&str> = always.iter().chain(options).copied().chain([text(image)]).collect();
            tool("mkfs.ext4", &arguments);
            tool("mount", &["-o", "loop", text(image), text(point)]);
        }))
    }
}

/// Methods of both kinds.
macro_rules! offers {
    ($kind:ident) => {
        impl $kind {
            /// The mount point.
            pub fn path(&self) -> &Path {
                &self.0.point
            }

            /// The used share, 0 to 1, of the space for unprivileged users, as in `df`.
            pub fn used_share(&self) -> f64 {
                self.0.used_share()
            }

            /// Writes files named `filler-N` until [`used_share`](Self::used_share) is at least `share`.
            ///
            /// # Panics
            /// If the file system is full before that.
            pub fn fill_to(&self, share: f64) {
                self.0.fill_to(share);
            }
        }
    };
}
offers!(Tmpfs);
offers!(Ext4);

struct Mounted {
    point: PathBuf,
    /// Removed after unmounting; `None` if unmounting failed, so that no file on it is deleted.
    directory: Option<TempDir>,
}

impl Mounted {
    fn new(mount: impl FnOnce(&Path, &Path)) -> Self {
        let directory = tempfile::Builder::new().prefix("ansai-mount-").tempdir().expect("a directory to mount in");
        let point = directory.path().join("mounted");
        std::fs::create_dir(&point).expect("a mount point");
        mount(&point, &directory.path().join("image"));
        Self { point, directory: Some(directory) }
    }

    fn used_share(&self) -> f64 {
        let (used, available, _) = self.blocks();
        used as f64 / (used + available).max(1) as f64
    }

    /// Used blocks, available blocks, and block size in bytes.
    fn blocks(&self) -> (u64, u64, u64) {
        let status = rustix::fs::statvfs(&self.point).expect("a mounted file system has numbers");
        (status.f_blocks - status.f_bfree, status.f_bavail, status.f_frsize)
    }

    fn fill_to(&self, share: f64) {
        assert!((0.0..=1.0).contains(&share), "a share is between 0 and 1, not {share}");
        let zeros = vec![0; 64 * 1024];
        let mut number = 0;
        // The file system also needs blocks for metadata, so repeat until the share is reached.
        while self.used_share() < share {
            let (used, available, size) = self.blocks();
            let wanted = ((used + available) as f64 * share).ceil() as u64;
            let mut left = wanted.saturating_sub(used).max(1) * size;
            while self.point.join(format!("filler-{number}")).exists() {
                number += 1;
            }
            let mut file = File::create(self.point.join(format!("filler-{number}"))).expect("a filler file");
            while left > 0 {
                let part = left.min(zeros.len() as u64) as usize;
                file.write_all(&zeros[..part])
                    .unwrap_or_else(|error| panic!("{error} at a used share of {}, before {share}", self.used_share()));
                left -= part as u64;
            }
            file.sync_all().expect("filler reaches the device");
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let point = text(&self.point).to_owned();
        let unmounted = Invocation::of("umount").arg(&point).run().code == 0
            // A file is still open: detach the mount now; the kernel unmounts it when the file is closed.
            || Invocation::of("umount").args(["-l", &point]).run().code == 0;
        if !unmounted && let Some(directory) = self.directory.take() {
            eprintln!("{} could not be unmounted and is left", directory.keep().display());
        }
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("temporary directories have UTF-8 names")
}

#[track_caller]
pub(crate) fn tool(program: &str, arguments: &[&str]) {
    // mkfs may be missing from an unprivileged user's PATH.
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    Invocation::of("/usr/bin/env").env("PATH", path).arg(program).args(arguments).run().expect_code(0);
}
