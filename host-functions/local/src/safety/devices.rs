//! The device numbers of the files below one root.

use rustix::fd::AsFd;
use rustix::fs::{fstatfs, major};

use super::identity::Stat;

/// `f_type` of `statfs(2)`.
const OVERLAY: u64 = 0x794c_7630;
/// File systems in memory: the number that `stat` reports is the one that the kernel's tables have too.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// Device numbers that `stat` reports below one root without leaving its mount. There is one, except in an overlay:
/// there, files have numbers of their layers, which differ from that of the directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Devices {
    root: u64,
    pub(crate) overlay: bool,
    in_memory: bool,
}

impl Devices {
    #[cfg(test)]
    pub(crate) fn one(device: u64) -> Devices {
        Devices { root: device, overlay: false, in_memory: false }
    }

    /// Of an open directory with this `stat`. Without the number of its mount, nothing would tell the layers of an
    /// overlay from what is mounted on it, so then there is one number.
    pub(crate) fn below(directory: impl AsFd, stat: &Stat) -> rustix::io::Result<Devices> {
        let kind = u64::try_from(fstatfs(directory)?.f_type).unwrap_or(0);
        Ok(Devices {
            root: stat.dev,
            overlay: stat.mount != 0 && kind == OVERLAY,
            in_memory: IN_MEMORY.contains(&kind),
        })
    }

    /// Whether a file with this device number can be below the root. Layers have anonymous numbers.
    pub(crate) fn have(self, device: u64) -> bool {
        device == self.root || (self.overlay && major(device) == 0)
    }

    /// Whether other tables of the kernel may show another number for the same file: btrfs and overlays have several, all
    /// anonymous.
    pub(crate) fn may_differ(self) -> bool {
        major(self.root) == 0 && !self.in_memory
    }
}
