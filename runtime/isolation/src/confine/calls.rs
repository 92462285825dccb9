//! The system calls of each profile. What is not listed is refused with `EPERM`.

use libc::c_long;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{SeccompCondition, SeccompRule};

use crate::report::Profile;

/// A permitted call, and the conditions for its arguments: one of the rules has to match. No rule permits all.
pub(super) type Call = (c_long, Vec<SeccompRule>);

/// Computing, memory, time, threads of this process, and what is open.
const EVERYWHERE: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_uname,
    libc::SYS_write,
    libc::SYS_writev,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// Waiting for many sockets, and what Landlock permits to open.
const FILES: &[c_long] = &[
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_faccessat,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getpeername,
    libc::SYS_getppid,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_newfstatat,
    libc::SYS_pipe2,
    libc::SYS_pselect6,
    libc::SYS_readlinkat,
    libc::SYS_sysinfo,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
];

/// Sockets of its own.
const SOCKETS: &[c_long] =
    &[libc::SYS_bind, libc::SYS_connect, libc::SYS_recvmmsg, libc::SYS_sendmmsg, libc::SYS_setsockopt];
/// Options of sockets that clients set: how long reading and writing may take, and what is sent when.
const OF_SOCKETS: &[i32] = &[libc::SO_RCVTIMEO, libc::SO_SNDTIMEO, libc::SO_KEEPALIVE, libc::SO_LINGER];
/// The same for TCP.
const OF_TCP: &[i32] = &[libc::TCP_NODELAY, libc::TCP_KEEPIDLE, libc::TCP_KEEPINTVL, libc::TCP_KEEPCNT];

/// What libraries try first: without it they use an older call, whose arguments a filter can see, or do without.
const UNKNOWN_HERE: &[c_long] = &[libc::SYS_clone3, libc::SYS_statx];

/// The calls that a profile does not have.
pub(super) fn unknown(profile: Profile) -> Vec<c_long> {
    match profile {
        Profile::Guest => UNKNOWN_HERE.to_vec(),
        Profile::Reach | Profile::Lookup => [UNKNOWN_HERE, &[libc::SYS_memfd_create]].concat(),
    }
}

/// What no library of these processes ever calls: whoever does is an attacker.
pub(super) const NEVER: &[c_long] = &[
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_capset,
    libc::SYS_chroot,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_setfsgid,
    libc::SYS_setfsuid,
    libc::SYS_setgid,
    libc::SYS_setgroups,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_setregid,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
    libc::SYS_setreuid,
    libc::SYS_setuid,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
];

/// `fcntl` commands that touch flags and copies of descriptors only.
const DESCRIPTOR_COMMANDS: &[i32] =
    &[libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL];
/// `prctl` options for names of threads and of memory.
const NAMES: &[i32] = &[libc::PR_SET_NAME, libc::PR_SET_VMA];
/// Without each of them a new task would be a process.
const THREAD: i32 = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
/// Namespaces of a new thread.
const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWCGROUP;
const FAMILIES: &[i32] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];
/// Opening that changes something.
const CHANGES: i32 = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_PATH;

/// The flags of a memory file: it is closed by `execve`, and can be sealed. Executable ones and huge pages have others.
const MEMORY_FILE: libc::c_uint = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
const EXECUTE: u64 = libc::PROT_EXEC.cast_unsigned() as u64;
/// The bits that say whether a mapping is private or shared, and whether it grows as a stack, which no limit of data counts.
const SHARING: u64 = (libc::MAP_TYPE | libc::MAP_GROWSDOWN).cast_unsigned() as u64;

/// The permitted calls of a profile.
pub(super) fn permitted(profile: Profile) -> seccompiler::Result<Vec<Call>> {
    let mut calls: Vec<Call> = EVERYWHERE.iter().map(|call| (*call, Vec::new())).collect();
    calls.extend(unknown(profile).into_iter().map(|call| (call, Vec::new())));
    // Its own limits can be read, not set.
    let mut limits = vec![rule([(0, Dword, Eq, 0), (2, Qword, Eq, 0)])?];
    let mut descriptors = one_of(1, DESCRIPTOR_COMMANDS)?;
    calls.push((libc::SYS_prctl, one_of(0, NAMES)?));
    calls.push((libc::SYS_clone, vec![rule([(0, Qword, MaskedEq(bits(THREAD | NAMESPACES)), bits(THREAD))])?]));
    // `abort` signals itself.
    let own = u64::from(std::process::id());
    calls.push((libc::SYS_tgkill, vec![rule([(0, Dword, Eq, own)])?]));
    // A socket is never connected by sending: it would be a way to another address.
    let connects = bits(libc::MSG_FASTOPEN);
    calls.push((libc::SYS_sendmsg, vec![rule([(2, Dword, MaskedEq(connects), 0)])?]));
    let without_address = (4, Qword, Eq, 0);
    calls.push((
        libc::SYS_sendto,
        match profile {
            Profile::Guest | Profile::Reach => vec![rule([(3, Dword, MaskedEq(connects), 0), without_address])?],
            Profile::Lookup => vec![rule([(3, Dword, MaskedEq(connects), 0)])?],
        },
    ));
    match profile {
        Profile::Guest => {
            // `fstat` of some libraries is this call with an empty name.
            let of_descriptor = rule([(3, Dword, Eq, bits(libc::AT_EMPTY_PATH))])?;
            calls.push((libc::SYS_newfstatat, vec![of_descriptor]));
            // Initial memory of guests is a memory file, which is filled and sealed before guest code runs. Then the process
            // sets its limit of files to zero, which it cannot raise again.
            calls.push((libc::SYS_memfd_create, vec![rule([(1, Dword, Eq, u64::from(MEMORY_FILE))])?]));
            descriptors.extend(one_of(1, &[libc::F_ADD_SEALS])?);
            limits.push(rule([(0, Dword, Eq, 0), (1, Dword, Eq, u64::from(libc::RLIMIT_FSIZE))])?);
            calls.extend(memory()?);
        }
        Profile::Reach => {
            calls.extend(memory()?);
            calls.extend(files()?);
            calls.push((libc::SYS_setsockopt, options()?));
        }
        Profile::Lookup => {
            // The resolver of the system loads libraries.
            calls.extend([libc::SYS_mmap, libc::SYS_mprotect].map(|call| (call, Vec::new())));
            calls.extend(files()?);
            calls.extend(SOCKETS.iter().map(|call| (*call, Vec::new())));
            let mut sockets = one_of(0, FAMILIES)?;
            // Which addresses the host has, asked for to sort those of a server.
            let routes = (2, Dword, Eq, bits(libc::NETLINK_ROUTE));
            sockets.push(rule([(0, Dword, Eq, bits(libc::AF_NETLINK)), routes])?);
            calls.push((libc::SYS_socket, sockets));
        }
    }
    calls.push((libc::SYS_prlimit64, limits));
    calls.push((libc::SYS_fcntl, descriptors));
    Ok(calls)
}

/// No memory that limits do not count, and nothing that can be written and executed at once. Code of WebAssembly is written
/// first, and made executable then.
fn memory() -> seccompiler::Result<[Call; 2]> {
    let private = rule([(2, Dword, MaskedEq(EXECUTE), 0), (3, Dword, MaskedEq(SHARING), bits(libc::MAP_PRIVATE))])?;
    let never_both = [0, bits(libc::PROT_WRITE), EXECUTE];
    let never_both = never_both.map(|one| rule([(2, Dword, MaskedEq(bits(libc::PROT_WRITE) | EXECUTE), one)]));
    let never_both = never_both.into_iter().collect::<Result<_, _>>()?;
    Ok([(libc::SYS_mmap, vec![private]), (libc::SYS_mprotect, never_both)])
}

/// Opening for reading, and waiting.
fn files() -> seccompiler::Result<Vec<Call>> {
    let mut calls: Vec<Call> = FILES.iter().map(|call| (*call, Vec::new())).collect();
    calls.push((libc::SYS_openat, vec![rule([(2, Dword, MaskedEq(bits(CHANGES)), 0)])?]));
    #[cfg(target_arch = "x86_64")]
    calls.push((libc::SYS_open, vec![rule([(1, Dword, MaskedEq(bits(CHANGES)), 0)])?]));
    // Whether reading waits, and how much is there. The constants have the type that the library's `ioctl` takes.
    let requests = [0x5421, 0x541b];
    // Not of datagrams, which can be sent to any socket with a path.
    let streams = (1, Dword, MaskedEq(0xf), bits(libc::SOCK_STREAM));
    calls.push((libc::SYS_socketpair, vec![rule([(0, Dword, Eq, bits(libc::AF_UNIX)), streams])?]));
    calls.push((libc::SYS_ioctl, one_of(1, &requests)?));
    Ok(calls)
}

/// Options of a socket that somebody else connected. None of them leads to another address.
fn options() -> seccompiler::Result<Vec<SeccompRule>> {
    let level = |level: i32, options: &'static [i32]| {
        options.iter().map(move |option| rule([(1, Dword, Eq, bits(level)), (2, Dword, Eq, bits(*option))]))
    };
    level(libc::SOL_SOCKET, OF_SOCKETS).chain(level(libc::IPPROTO_TCP, OF_TCP)).collect()
}

fn one_of(argument: u8, values: &[i32]) -> seccompiler::Result<Vec<SeccompRule>> {
    values.iter().map(|value| rule([(argument, Dword, Eq, bits(*value))])).collect()
}

type Condition = (u8, seccompiler::SeccompCmpArgLen, seccompiler::SeccompCmpOp, u64);

fn rule<const N: usize>(conditions: [Condition; N]) -> seccompiler::Result<SeccompRule> {
    let conditions: Result<Vec<_>, _> = conditions
        .into_iter()
        .map(|(argument, length, comparison, value)| SeccompCondition::new(argument, length, comparison, value))
        .collect();
    Ok(SeccompRule::new(conditions?)?)
}

/// The bits of a constant; its sign is none.
fn bits(constant: i32) -> u64 {
    u64::from(constant.cast_unsigned())
}
