//! Trees of very many files.
#![allow(clippy::disallowed_methods, reason = "an adapter to a tree that is measured")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Number of files in one directory.
const EACH: usize = 1000;

/// A temporary directory, on a separate tmpfs if possible.
pub(crate) struct Place {
    dir: tempfile::TempDir,
    mounted: bool,
}

impl Place {
    /// In memory; needs root.
    pub(crate) fn in_memory() -> anyhow::Result<Place> {
        let dir = tempfile::tempdir()?;
        let options = ["-t", "tmpfs", "-o", "nr_inodes=0,size=4g,mode=700", "none"];
        let done = Command::new("mount").args(options).arg(dir.path()).status().context("mount")?;
        ensure!(done.success(), "mount: {done}");
        Ok(Place { dir, mounted: true })
    }

    /// In the directory for temporary files.
    pub(crate) fn on_disk() -> anyhow::Result<Place> {
        Ok(Place { dir: tempfile::tempdir()?, mounted: false })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Creates this many empty files below a new directory, a thousand in each subdirectory.
    pub(crate) fn fill(&self, name: &str, files: usize) -> anyhow::Result<PathBuf> {
        let root = self.path().canonicalize()?.join(name);
        for directory in 0..files.div_ceil(EACH) {
            let directory = (root.join(format!("directory-{directory:05}")), directory * EACH);
            std::fs::create_dir_all(&directory.0)?;
            for file in directory.1..files.min(directory.1 + EACH) {
                std::fs::File::create(directory.0.join(format!("file-{file:08}.log")))?;
            }
        }
        Ok(root)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg(self.path()).status();
        }
    }
}
