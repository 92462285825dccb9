//! The system calls that change something or make it durable: one list for tracing and for stopping them.

/// Which arguments name what a call changes, in the output of strace.
#[derive(Clone, Copy)]
pub(crate) enum Names {
    /// Its nth descriptor, counted from 0.
    Descriptor(usize),
    /// Every path.
    EachPath,
    /// Its first path; the rest is data.
    FirstPath,
    /// Its last path; earlier ones are data, or only read.
    LastPath,
}
use Names::{Descriptor, EachPath, FirstPath, LastPath};

/// The same as positions of the call's arguments, counted from 0.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// A descriptor.
    Fd(usize),
    /// A path.
    Path(usize),
    /// A path below a descriptor.
    At(usize, usize),
}
use Place::{At, Fd, Path};

/// A call that changes something.
pub(crate) struct Mutation {
    pub(crate) name: &'static str,
    pub(crate) number: libc::c_long,
    pub(crate) names: Names,
    /// Alternatives of words that must all be in its arguments for the call to change something. Without alternatives,
    /// it always does.
    pub(crate) conditions: &'static [&'static [&'static str]],
    /// Empty if it is only traced: such a call changes no file by itself, or all of them.
    pub(crate) places: &'static [Place],
}

const OPENS: &[&[&str]] = &[&["O_CREAT"], &["O_TRUNC"], &["O_TMPFILE"]];
const MAPS: &[&[&str]] = &[&["MAP_SHARED", "PROT_WRITE"]];
const CLONES: &[&[&str]] = &[&["FICLONE"], &["FIDEDUPERANGE"], &["FS_IOC_SETFLAGS"], &["FS_IOC_FSSETXATTR"]];
const UNIX: &[&[&str]] = &[&["AF_UNIX"]];

const fn calls(
    name: &'static str,
    number: libc::c_long,
    names: Names,
    conditions: &'static [&'static [&'static str]],
    places: &'static [Place],
) -> Mutation {
    Mutation { name, number, names, conditions, places }
}

pub(crate) const MUTATIONS: &[Mutation] = &[
    #[cfg(target_arch = "x86_64")]
    calls("open", libc::SYS_open, FirstPath, OPENS, &[Path(0)]),
    calls("openat", libc::SYS_openat, FirstPath, OPENS, &[At(0, 1)]),
    calls("openat2", libc::SYS_openat2, FirstPath, OPENS, &[At(0, 1)]),
    #[cfg(target_arch = "x86_64")]
    calls("creat", libc::SYS_creat, FirstPath, &[], &[Path(0)]),
    calls("write", libc::SYS_write, Descriptor(0), &[], &[Fd(0)]),
    calls("pwrite64", libc::SYS_pwrite64, Descriptor(0), &[], &[Fd(0)]),
    calls("writev", libc::SYS_writev, Descriptor(0), &[], &[Fd(0)]),
    calls("pwritev", libc::SYS_pwritev, Descriptor(0), &[], &[Fd(0)]),
    calls("pwritev2", libc::SYS_pwritev2, Descriptor(0), &[], &[Fd(0)]),
    calls("sendfile", libc::SYS_sendfile, Descriptor(0), &[], &[Fd(0)]),
    calls("copy_file_range", libc::SYS_copy_file_range, Descriptor(1), &[], &[Fd(2)]),
    calls("splice", libc::SYS_splice, Descriptor(1), &[], &[Fd(2)]),
    calls("ftruncate", libc::SYS_ftruncate, Descriptor(0), &[], &[Fd(0)]),
    calls("fallocate", libc::SYS_fallocate, Descriptor(0), &[], &[Fd(0)]),
    calls("fchmod", libc::SYS_fchmod, Descriptor(0), &[], &[Fd(0)]),
    calls("fchown", libc::SYS_fchown, Descriptor(0), &[], &[Fd(0)]),
    calls("fsetxattr", libc::SYS_fsetxattr, Descriptor(0), &[], &[Fd(0)]),
    calls("fremovexattr", libc::SYS_fremovexattr, Descriptor(0), &[], &[Fd(0)]),
    calls("mmap", libc::SYS_mmap, Descriptor(0), MAPS, &[]),
    calls("ioctl", libc::SYS_ioctl, Descriptor(0), CLONES, &[]),
    calls("truncate", libc::SYS_truncate, FirstPath, &[], &[Path(0)]),
    #[cfg(target_arch = "x86_64")]
    calls("mkdir", libc::SYS_mkdir, FirstPath, &[], &[Path(0)]),
    calls("mkdirat", libc::SYS_mkdirat, FirstPath, &[], &[At(0, 1)]),
    #[cfg(target_arch = "x86_64")]
    calls("mknod", libc::SYS_mknod, FirstPath, &[], &[Path(0)]),
    calls("mknodat", libc::SYS_mknodat, FirstPath, &[], &[At(0, 1)]),
    #[cfg(target_arch = "x86_64")]
    calls("rmdir", libc::SYS_rmdir, FirstPath, &[], &[Path(0)]),
    #[cfg(target_arch = "x86_64")]
    calls("unlink", libc::SYS_unlink, FirstPath, &[], &[Path(0)]),
    calls("unlinkat", libc::SYS_unlinkat, FirstPath, &[], &[At(0, 1)]),
    #[cfg(target_arch = "x86_64")]
    calls("rename", libc::SYS_rename, EachPath, &[], &[Path(0), Path(1)]),
    #[cfg(target_arch = "x86_64")]
    calls("renameat", libc::SYS_renameat, EachPath, &[], &[At(0, 1), At(2, 3)]),
    calls("renameat2", libc::SYS_renameat2, EachPath, &[], &[At(0, 1), At(2, 3)]),
    #[cfg(target_arch = "x86_64")]
    calls("link", libc::SYS_link, EachPath, &[], &[Path(0), Path(1)]),
    calls("linkat", libc::SYS_linkat, EachPath, &[], &[At(0, 1), At(2, 3)]),
    #[cfg(target_arch = "x86_64")]
    calls("symlink", libc::SYS_symlink, LastPath, &[], &[Path(1)]),
    calls("symlinkat", libc::SYS_symlinkat, LastPath, &[], &[At(1, 2)]),
    calls("bind", libc::SYS_bind, FirstPath, UNIX, &[]),
    #[cfg(target_arch = "x86_64")]
    calls("chmod", libc::SYS_chmod, FirstPath, &[], &[Path(0)]),
    calls("fchmodat", libc::SYS_fchmodat, FirstPath, &[], &[At(0, 1)]),
    calls("fchmodat2", 452, FirstPath, &[], &[At(0, 1)]),
    #[cfg(target_arch = "x86_64")]
    calls("chown", libc::SYS_chown, FirstPath, &[], &[Path(0)]),
    #[cfg(target_arch = "x86_64")]
    calls("lchown", libc::SYS_lchown, FirstPath, &[], &[Path(0)]),
    calls("fchownat", libc::SYS_fchownat, FirstPath, &[], &[At(0, 1)]),
    #[cfg(target_arch = "x86_64")]
    calls("utime", libc::SYS_utime, FirstPath, &[], &[Path(0)]),
    #[cfg(target_arch = "x86_64")]
    calls("utimes", libc::SYS_utimes, FirstPath, &[], &[Path(0)]),
    calls("utimensat", libc::SYS_utimensat, FirstPath, &[], &[At(0, 1)]),
    #[cfg(target_arch = "x86_64")]
    calls("futimesat", libc::SYS_futimesat, FirstPath, &[], &[At(0, 1)]),
    calls("setxattr", libc::SYS_setxattr, FirstPath, &[], &[Path(0)]),
    calls("lsetxattr", libc::SYS_lsetxattr, FirstPath, &[], &[Path(0)]),
    calls("removexattr", libc::SYS_removexattr, FirstPath, &[], &[Path(0)]),
    calls("lremovexattr", libc::SYS_lremovexattr, FirstPath, &[], &[Path(0)]),
    calls("mount", libc::SYS_mount, EachPath, &[], &[]),
    calls("umount2", libc::SYS_umount2, FirstPath, &[], &[]),
];

/// Calls that make the file of their first descriptor durable; the last one, its whole file system.
pub(crate) const SYNCS: &[(&str, libc::c_long)] = &[
    ("fsync", libc::SYS_fsync),
    ("fdatasync", libc::SYS_fdatasync),
    ("sync_file_range", libc::SYS_sync_file_range),
    ("syncfs", libc::SYS_syncfs),
];
