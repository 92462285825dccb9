//! What a process tries that was taken over. Each attempt runs in a process of its own.
#![allow(unsafe_code, reason = "tries system calls that no library offers")]

use std::ffi::CString;
use std::io::{self, Error};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use libc::{c_long, c_ulong};

/// What an attempt is made against.
pub(crate) struct Facts {
    /// The process that started this one.
    pub(crate) parent: i32,
    /// A directory that everybody can write, as a place for compiled code that is not kept apart.
    pub(crate) cache: String,
    /// A port of loopback on which somebody listens.
    pub(crate) port: u16,
}

impl Facts {
    /// After the name of the attempt.
    pub(crate) fn from(arguments: &[String]) -> Facts {
        let number = |index: usize| arguments[index].parse().unwrap();
        Facts { parent: number(3), cache: arguments[4].clone(), port: arguments[5].parse().unwrap() }
    }
}

/// An error is a refusal.
pub(crate) type Attempt = fn(&Facts) -> io::Result<()>;

/// All of them, by name.
pub(crate) const ATTEMPTS: &[(&str, Attempt)] = &[
    ("open /etc/passwd", |_| std::fs::File::open("/etc/passwd").map(drop)),
    ("openat2 /etc/passwd", |_| openat2()),
    ("list /", |_| std::fs::read_dir("/").and_then(not_empty)),
    ("list /usr/lib", |_| std::fs::read_dir("/usr/lib").map(drop)),
    ("open /proc/self/mem", |_| std::fs::File::open("/proc/self/mem").map(drop)),
    ("read /proc of the parent", |facts| std::fs::read(format!("/proc/{}/status", facts.parent)).map(drop)),
    ("read the environment of process 1", |_| std::fs::read("/proc/1/environ").map(drop)),
    ("write to compiled code", |facts| std::fs::write(format!("{}/code", facts.cache), "x")),
    ("overwrite compiled code", |facts| {
        std::fs::OpenOptions::new().write(true).open(format!("{}/there", facts.cache)).map(drop)
    }),
    ("remove compiled code", |facts| std::fs::remove_file(format!("{}/there", facts.cache))),
    ("make a directory", |facts| std::fs::create_dir(format!("{}/made", facts.cache))),
    ("make a link", |facts| std::os::unix::fs::symlink("/etc", format!("{}/link", facts.cache))),
    ("connect by TCP", |facts| tcp(facts.port)),
    ("listen on TCP", |_| TcpListener::bind("127.0.0.1:0").map(drop)),
    ("connect to the system bus", |_| UnixStream::connect("/run/dbus/system_bus_socket").map(drop)),
    ("raw socket", |_| call(libc::SYS_socket, [libc::AF_INET as c_ulong, libc::SOCK_RAW as c_ulong, 1])),
    ("packet socket", |_| call(libc::SYS_socket, [libc::AF_PACKET as c_ulong, libc::SOCK_RAW as c_ulong, 0])),
    ("execve", |_| execve()),
    ("fork", |_| fork()),
    ("fork bomb", |_| (0..1000).try_for_each(|_| fork())),
    ("clone3", |_| call(libc::SYS_clone3, [0, 0, 0])),
    ("2000 threads", |_| threads()),
    ("ptrace the parent", |facts| call(libc::SYS_ptrace, [0x4206, facts.parent as c_ulong, 0])),
    ("kill the parent", |facts| call(libc::SYS_kill, [facts.parent as c_ulong, 0, 0])),
    ("kill everybody", |_| call(libc::SYS_kill, [c_ulong::MAX, 0, 0])),
    ("kill a thread of the parent", |facts| {
        call(libc::SYS_tgkill, [facts.parent as c_ulong, facts.parent as c_ulong, 0])
    }),
    ("pidfd of the parent", |facts| call(libc::SYS_pidfd_open, [facts.parent as c_ulong, 0, 0])),
    ("memory of the parent", |facts| call(libc::SYS_process_vm_readv, [facts.parent as c_ulong, 0, 0])),
    ("memory bomb", |_| memory()),
    ("raise a limit", |_| raise(libc::RLIMIT_NOFILE, 1 << 16)),
    ("raise the limit of files", |_| raise(libc::RLIMIT_FSIZE, 1 << 20)),
    ("limits of the parent", |facts| call(libc::SYS_prlimit64, [facts.parent as c_ulong, 7, 0])),
    ("mount", |_| call(libc::SYS_mount, [0, 0, 0])),
    ("fsopen", |_| call(libc::SYS_fsopen, [c"tmpfs".as_ptr() as c_ulong, 0, 0])),
    ("open_tree", |_| call(libc::SYS_open_tree, [libc::AT_FDCWD as c_ulong, c"/".as_ptr() as c_ulong, 1])),
    ("chroot", |_| call(libc::SYS_chroot, [c"/".as_ptr() as c_ulong, 0, 0])),
    ("unshare users", |_| call(libc::SYS_unshare, [libc::CLONE_NEWUSER as c_ulong, 0, 0])),
    ("unshare mounts", |_| call(libc::SYS_unshare, [libc::CLONE_NEWNS as c_ulong, 0, 0])),
    ("setns", |_| call(libc::SYS_setns, [0, 0, 0])),
    ("become root", |_| call(libc::SYS_setuid, [0, 0, 0])),
    ("add a group", |_| call(libc::SYS_setgroups, [0, 0, 0])),
    ("set capabilities", |_| call(libc::SYS_capset, [0, 0, 0])),
    ("keep capabilities", |_| call(libc::SYS_prctl, [libc::PR_SET_KEEPCAPS as c_ulong, 1, 0])),
    ("become traceable", |_| call(libc::SYS_prctl, [libc::PR_SET_DUMPABLE as c_ulong, 1, 0])),
    ("outlive the parent", |_| call(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG as c_ulong, 0, 0])),
    ("keyctl", |_| call(libc::SYS_keyctl, [0, -3_i64 as c_ulong, 0])),
    ("add_key", |_| call(libc::SYS_add_key, [0, 0, 0])),
    ("bpf", |_| call(libc::SYS_bpf, [0, 0, 0])),
    ("perf_event_open", |_| call(libc::SYS_perf_event_open, [0, 0, 0])),
    ("io_uring_setup", |_| call(libc::SYS_io_uring_setup, [1, 0, 0])),
    ("userfaultfd", |_| call(libc::SYS_userfaultfd, [1, 0, 0])),
    ("fanotify_init", |_| call(libc::SYS_fanotify_init, [0, 0, 0])),
    ("inotify_init1", |_| call(libc::SYS_inotify_init1, [0, 0, 0])),
    ("load a module", |_| call(libc::SYS_finit_module, [0, 0, 0])),
    ("personality", |_| call(libc::SYS_personality, [0x0004_0000, 0, 0])),
    ("change the host's name", |_| call(libc::SYS_sethostname, [c"x".as_ptr() as c_ulong, 0, 0])),
    ("change the clock", |_| call(libc::SYS_clock_settime, [0, 0, 0])),
    ("raise the priority", |_| call(libc::SYS_setpriority, [0, 0, -5_i64 as c_ulong])),
    ("real-time priority", |_| call(libc::SYS_sched_setscheduler, [0, 1, 0])),
    ("memory file", |_| call(libc::SYS_memfd_create, [c"x".as_ptr() as c_ulong, 0, 0])),
    ("memory file for a program", |_| call(libc::SYS_memfd_create, [c"x".as_ptr() as c_ulong, 0x13, 0])),
    ("fill a memory file", |_| fill()),
    ("memory that no limit counts", |_| map(READ_WRITE, libc::MAP_SHARED)),
    ("memory that grows downwards", |_| map(READ_WRITE, libc::MAP_PRIVATE | libc::MAP_GROWSDOWN)),
    ("memory to write and execute", |_| map(READ_WRITE | libc::PROT_EXEC, libc::MAP_PRIVATE)),
    ("execute a new mapping", |_| map(libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE)),
    ("make code writable", |_| make_writable()),
    ("shared memory of the host", |_| call(libc::SYS_shmget, [0x1234, 4096, 0o1600])),
    ("new system-call filter", |_| call(libc::SYS_seccomp, [1, 0, 0])),
    ("ioctl to a terminal", |_| call(libc::SYS_ioctl, [0, 0x5412, 0])),
];

/// A system call with three arguments and three zeros.
fn call(number: c_long, [a, b, c]: [c_ulong; 3]) -> io::Result<()> {
    // SAFETY: every pointer is to a text that lives as long as the program, or null. None of these calls changes memory of
    // this process.
    match unsafe { libc::syscall(number, a, b, c, 0, 0, 0) } {
        -1 => Err(Error::last_os_error()),
        _ => Ok(()),
    }
}

fn not_empty(mut entries: std::fs::ReadDir) -> io::Result<()> {
    entries.next().map(drop).ok_or_else(|| Error::other("it is empty"))
}

fn openat2() -> io::Result<()> {
    let how = [0_u64; 3];
    let path = c"/etc/passwd".as_ptr();
    // SAFETY: the structure has three numbers, and outlives the call.
    match unsafe { libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, path, how.as_ptr(), size_of_val(&how)) } {
        -1 => Err(Error::last_os_error()),
        _ => Ok(()),
    }
}

fn tcp(port: u16) -> io::Result<()> {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_secs(1)).map(drop)
}

fn execve() -> io::Result<()> {
    let program = CString::new("/bin/true")?;
    let none = [std::ptr::null::<libc::c_char>()];
    // SAFETY: the program is a text with an end, and the lists end with null.
    unsafe { libc::execv(program.as_ptr(), none.as_ptr()) };
    Err(Error::last_os_error())
}

fn fork() -> io::Result<()> {
    // SAFETY: the child ends at once.
    match unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) } {
        -1 => Err(Error::last_os_error()),
        0 => std::process::exit(0),
        _ => Ok(()),
    }
}

/// Threads are permitted, but not so many. The limit counts for a user of its own only.
fn threads() -> io::Result<()> {
    // With small stacks, so that it is not the limit of memory that ends it.
    let thread = || std::thread::Builder::new().stack_size(16 << 10);
    (0..2000).try_for_each(|_| thread().spawn(|| std::thread::sleep(Duration::MAX)).map(drop))
}

fn memory() -> io::Result<()> {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    for _ in 0..64 {
        let mut piece = Vec::new();
        piece.try_reserve_exact(64 << 20).map_err(Error::other)?;
        // Not touched: what is counted is what could be.
        taken.push(piece);
    }
    Ok(())
}

/// A byte in a memory file as the initial memory of a component is in.
fn fill() -> io::Result<()> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: a signal that is ignored, and one byte of a text.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        match libc::syscall(libc::SYS_memfd_create, c"x".as_ptr(), flags) {
            -1 => Err(Error::last_os_error()),
            file => match libc::write(i32::try_from(file).map_err(Error::other)?, c"x".as_ptr().cast(), 1) {
                -1 => Err(Error::last_os_error()),
                _ => Ok(()),
            },
        }
    }
}

const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;

fn map(protection: i32, sharing: i32) -> io::Result<()> {
    // SAFETY: a new mapping, which nobody uses.
    match unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, sharing | libc::MAP_ANONYMOUS, -1, 0) } {
        libc::MAP_FAILED => Err(Error::last_os_error()),
        _ => Ok(()),
    }
}

/// One page first as data, then both as code and as data.
fn make_writable() -> io::Result<()> {
    // SAFETY: a new mapping, which nobody uses.
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), 4096, READ_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
        match libc::mprotect(page, 4096, READ_WRITE | libc::PROT_EXEC) {
            -1 => Err(Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

fn raise(limit: libc::__rlimit_resource_t, to: u64) -> io::Result<()> {
    let wanted = libc::rlimit { rlim_cur: to, rlim_max: to };
    // SAFETY: one structure, which outlives the call.
    match unsafe { libc::setrlimit(limit, &raw const wanted) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}
