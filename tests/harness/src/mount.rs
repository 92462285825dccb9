//! Small file systems that really fill up, in blocks and in inodes. They need root.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::command::Invocation;

const MIB: u64 = 1024 * 1024;

/// A file system in memory.
pub struct Tmpfs(Mounted);

impl Tmpfs {
    /// Of `mib` MiB.
    pub fn new(mib: u64) -> Self {
        Self::mounted(format!("size={mib}m,mode=755"))
    }

    /// Of `mib` MiB and room for `inodes` files and directories.
    pub fn with_inodes(mib: u64, inodes: u64) -> Self {
        Self::mounted(format!("size={mib}m,nr_inodes={inodes},mode=755"))
    }

    fn mounted(options: String) -> Self {
        Self(Mounted::new(|point, _| {
            tool("mount", &["-t", "tmpfs", "-o", &options, "ansai-test", text(point)]);
        }))
    }
}

/// An ext4 on a loop device over a file, without blocks reserved for root.
pub struct Ext4(Mounted);

impl Ext4 {
    /// Of `mib` MiB, of which the file system takes its part.
    pub fn new(mib: u64) -> Self {
        Self::formatted(mib, &[])
    }

    /// Of `mib` MiB and about `inodes` inodes: ext4 rounds up to whole groups of blocks.
    pub fn with_inodes(mib: u64, inodes: u64) -> Self {
        Self::formatted(mib, &["-N", &inodes.to_string()])
    }

    fn formatted(mib: u64, options: &[&str]) -> Self {
        Self(Mounted::new(|point, image| {
            File::create(image).and_then(|file| file.set_len(mib * MIB)).expect("an image file of that size");
            // All is written at once: a file system that initialises itself later changes under the test.
            let always = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
            let arguments: Vec<&str> = always.iter().chain(options).copied().chain([text(image)]).collect();
            tool("mkfs.ext4", &arguments);
            tool("mount", &["-o", "loop", text(image), text(point)]);
        }))
    }
}

/// What both kinds offer.
macro_rules! offers {
    ($kind:ident) => {
        impl $kind {
            /// Where it is mounted.
            pub fn path(&self) -> &Path {
                &self.0.point
            }

            /// The used share, 0 to 1, as `df` tells it: of what unprivileged users can have.
            pub fn used_share(&self) -> f64 {
                self.0.used_share()
            }

            /// Writes files named `filler-N` until [`used_share`](Self::used_share) is at least `share`.
            ///
            /// # Panics
            /// When it is full before that.
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
    /// Removed after the file system is unmounted; `None` when that failed, so that nothing below is deleted.
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

    /// Used blocks, available blocks, bytes of a block.
    fn blocks(&self) -> (u64, u64, u64) {
        let status = rustix::fs::statvfs(&self.point).expect("a mounted file system has numbers");
        (status.f_blocks - status.f_bfree, status.f_bavail, status.f_frsize)
    }

    fn fill_to(&self, share: f64) {
        assert!((0.0..=1.0).contains(&share), "a share is between 0 and 1, not {share}");
        let zeros = vec![0; 64 * 1024];
        let mut number = 0;
        // The file system needs blocks of its own for what is written, so a second round may find less to do, not none.
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
            // Something is still open below: the mount goes out of sight now, and away when that is closed.
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
    // mkfs is not on every user's path.
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    Invocation::of("/usr/bin/env").env("PATH", path).arg(program).args(arguments).run().expect_code(0);
}
