//! Very many files to look at.
#![allow(clippy::disallowed_methods, reason = "an adapter to a tree that is measured")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Files in one directory.
const EACH: usize = 1000;

/// A directory of its own, on a tmpfs of its own where that is possible. Gone when dropped.
pub(crate) struct Place {
    dir: tempfile::TempDir,
    mounted: bool,
}

impl Place {
    /// In memory; only root can.
    pub(crate) fn in_memory() -> anyhow::Result<Place> {
        let dir = tempfile::tempdir()?;
        let options = ["-t", "tmpfs", "-o", "nr_inodes=0,size=4g,mode=700", "none"];
        let done = Command::new("mount").args(options).arg(dir.path()).status().context("mount")?;
        ensure!(done.success(), "mount: {done}");
        Ok(Place { dir, mounted: true })
    }

    /// Where temporary files are.
    pub(crate) fn on_disk() -> anyhow::Result<Place> {
        Ok(Place { dir: tempfile::tempdir()?, mounted: false })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// So many empty files below a new directory, a thousand in each of its directories.
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
