//! A FUSE file system that stops answering, as sshfs does without its server. Needs root; no library and no program.
//!
//! The server is a thread of the test. If the test process dies, the kernel closes the server's device and every call
//! that waits for it fails, so nothing hangs for longer than the test.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::mount::{MountFlags, UnmountFlags};
use tempfile::TempDir;

/// The longest request: what the kernel may write, and its header.
const LONGEST: usize = (1 << 17) + 4096;
/// The number of a request.
const OPENDIR: u32 = 27;
const ROOT: u64 = 1;
/// `directory` and `file`, in the root; the file has [`FILE_BYTES`] bytes, or those of an image.
const DIRECTORY: u64 = 2;
const FILE: u64 = 3;
const FILE_BYTES: u64 = 4096;

/// How the file system is mounted.
#[derive(Debug, Default)]
pub struct Options {
    /// Its type, such as `fuse.sshfs`, which is the default.
    pub kind: Option<&'static str>,
    /// Where; by default in a directory of its own.
    pub point: Option<PathBuf>,
    /// For `fuseblk`: the block device.
    pub device: Option<PathBuf>,
    /// The content of `file`.
    pub image: Option<PathBuf>,
    /// Its size and its free part, in blocks of 4 KiB.
    pub blocks: Option<(u64, u64)>,
}

/// The file system. It has a directory `directory` and a file `file`, and answers until it is told not to.
pub struct Fuse {
    point: PathBuf,
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
    _directory: Option<TempDir>,
}

struct Server {
    /// Held while it waits for a request and answers it.
    turn: Mutex<()>,
    silent: AtomicBool,
    /// The request that it never answers, and nothing after it; 0 for none.
    dies_at: AtomicU32,
    ends: AtomicBool,
    answered: AtomicUsize,
    image: Option<File>,
    blocks: (u64, u64),
}

impl Fuse {
    /// One that answers.
    pub fn new() -> Fuse {
        Fuse::with(Options::default())
    }

    /// One that has stopped answering.
    pub fn dead() -> Fuse {
        let fuse = Fuse::new();
        fuse.die();
        fuse
    }

    /// One that is mounted like this, and answers.
    ///
    /// # Panics
    /// If it cannot be mounted.
    pub fn with(options: Options) -> Fuse {
        let Options { kind, point, device, image, blocks } = options;
        let directory = point
            .is_none()
            .then(|| tempfile::Builder::new().prefix("ansai-fuse-").tempdir().expect("a directory to mount in"));
        let point = point.or_else(|| directory.as_ref().map(|one| one.path().to_owned())).expect("a mount point");
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let channel = rustix::fs::open("/dev/fuse", flags, rustix::fs::Mode::empty()).expect("/dev/fuse");
        let number = channel.as_fd().as_raw_fd();
        let kind = kind.unwrap_or("fuse.sshfs");
        let size = if kind == "fuseblk" { ",blksize=4096" } else { "" };
        let data = format!("fd={number},rootmode=40000,user_id=0,group_id=0,allow_other{size}");
        let data = std::ffi::CString::new(data).expect("no NUL");
        let source = device.unwrap_or_else(|| "ansai-test".into());
        rustix::mount::mount(&source, &point, kind, MountFlags::empty(), Some(&*data)).expect("mounting FUSE");
        let server = Arc::new(Server {
            turn: Mutex::new(()),
            silent: AtomicBool::new(false),
            dies_at: AtomicU32::new(0),
            ends: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            image: image.map(|path| {
                File::options().read(true).write(true).open(path).expect("the image of a file system can be opened")
            }),
            blocks: blocks.unwrap_or((1000, 500)),
        });
        let serving = server.clone();
        let thread = std::thread::spawn(move || serving.serve(File::from(channel)));
        let fuse = Fuse { point, server, thread: Some(thread), _directory: directory };
        // The first request is that for the protocol's version.
        while fuse.answered() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        fuse
    }

    /// The mount point.
    pub fn path(&self) -> &Path {
        &self.point
    }

    /// How many requests were answered.
    pub fn answered(&self) -> usize {
        self.server.answered.load(Ordering::SeqCst)
    }

    /// From here on it answers nothing, also not what it is answering now.
    pub fn die(&self) {
        let _turn = self.server.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.server.silent.store(true, Ordering::SeqCst);
    }

    /// It answers until a directory is opened, and then nothing more: it dies between a look at it and its use.
    pub fn die_when_opened(&self) {
        self.server.dies_at.store(OPENDIR, Ordering::SeqCst);
    }

    /// From here on it answers again, also what was asked meanwhile.
    pub fn revive(&self) {
        self.server.silent.store(false, Ordering::SeqCst);
    }
}

impl Default for Fuse {
    fn default() -> Self {
        Fuse::new()
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        // The thread closes the device: every call that waits for an answer fails.
        self.server.ends.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Err(error) = rustix::mount::unmount(&self.point, UnmountFlags::DETACH) {
            eprintln!("{} could not be unmounted: {error}", self.point.display());
        }
    }
}

impl Server {
    fn serve(&self, mut channel: File) {
        let mut request = vec![0; LONGEST];
        while !self.ends.load(Ordering::SeqCst) {
            let soon = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
            if self.silent.load(Ordering::SeqCst) {
                // What was asked stays in the kernel's queue, so a process that waits for it can still be killed.
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            if self.silent.load(Ordering::SeqCst) {
                continue;
            }
            let mut asked = [PollFd::new(&channel, PollFlags::IN)];
            if !matches!(poll(&mut asked, Some(&soon)), Ok(count) if count > 0) {
                continue;
            }
            // Unmounting ends the channel.
            let Ok(length) = channel.read(&mut request) else { return };
            if request[4..8] == self.dies_at.load(Ordering::SeqCst).to_le_bytes() {
                self.silent.store(true, Ordering::SeqCst);
                continue;
            }
            if let Some(answer) = self.answer(&request[..length]) {
                let _ = channel.write(&answer);
                self.answered.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// The answer to a request (linux/fuse.h); `None` for what has none.
    fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        let word = |at: usize| u32::from_le_bytes(request[at..at + 4].try_into().expect("four bytes"));
        let long = |at: usize| u64::from_le_bytes(request[at..at + 8].try_into().expect("eight bytes"));
        let (opcode, unique, node) = (word(4), long(8), long(16));
        let body = 40;
        let name = || request[body..].split(|byte| *byte == 0).next().unwrap_or_default();
        let found: Result<Vec<u8>, i32> = match opcode {
            // FORGET, INTERRUPT, BATCH_FORGET.
            2 | 36 | 42 => return None,
            // INIT
            26 => Ok(init()),
            // LOOKUP
            1 => match (node, name()) {
                (ROOT, b"directory") => Ok(self.entry(DIRECTORY)),
                (ROOT, b"file") => Ok(self.entry(FILE)),
                _ => Err(libc::ENOENT),
            },
            // GETATTR: valid for no time.
            3 => Ok([words(&[0, 0, 0, 0]), self.attributes(node)].concat()),
            // SETATTR
            4 => Ok([words(&[0, 0, 0, 0]), self.attributes(node)].concat()),
            // STATFS
            17 => {
                let (blocks, free) = self.blocks;
                Ok([longs(&[blocks, free, free, 100, 50]), words(&[4096, 255, 4096, 0, 0, 0, 0, 0, 0, 0])].concat())
            }
            // OPEN, OPENDIR
            14 | OPENDIR => Ok([longs(&[node]), words(&[0, 0])].concat()),
            // READDIR
            28 if long(body + 8) == 0 && node == ROOT => {
                Ok([listed(DIRECTORY, 1, 4, b"directory"), listed(FILE, 2, 8, b"file")].concat())
            }
            28 => Ok(Vec::new()),
            // READ
            15 => Ok(self.read(long(body + 8), word(body + 16) as usize)),
            // WRITE
            16 => self.write(long(body + 8), &request[body + 40..]),
            // RELEASE, FLUSH, FSYNC, RELEASEDIR, DESTROY
            18 | 20 | 25 | 29 | 38 => Ok(Vec::new()),
            _ => Err(libc::ENOSYS),
        };
        let (error, payload) = match found {
            Ok(payload) => (0, payload),
            Err(error) => (-error, Vec::new()),
        };
        let length = u32::try_from(16 + payload.len()).expect("a short answer");
        Some([words(&[length, error.cast_unsigned()]), longs(&[unique]), payload].concat())
    }

    /// Valid for no time: the kernel asks again each time.
    fn entry(&self, node: u64) -> Vec<u8> {
        [longs(&[node, 0, 0, 0]), words(&[0, 0]), self.attributes(node)].concat()
    }

    fn attributes(&self, node: u64) -> Vec<u8> {
        let (mode, links) = if node == FILE { (0o100_644, 1) } else { (0o40_755, 2) };
        let size = if node == FILE { self.size() } else { 4096 };
        let long = longs(&[node, size, size.div_ceil(512), 1_700_000_000, 1_700_000_000, 1_700_000_000]);
        [long, words(&[0, 0, 0, mode, links, 0, 0, 0, 4096, 0])].concat()
    }

    fn size(&self) -> u64 {
        self.image.as_ref().map_or(FILE_BYTES, |image| image.metadata().expect("an open file has a size").len())
    }

    fn read(&self, at: u64, length: usize) -> Vec<u8> {
        let rest = usize::try_from(self.size().saturating_sub(at)).unwrap_or(usize::MAX);
        let mut content = vec![b'x'; length.min(rest)];
        if let Some(image) = &self.image {
            image.read_exact_at(&mut content, at).expect("the image can be read");
        }
        content
    }

    fn write(&self, at: u64, content: &[u8]) -> Result<Vec<u8>, i32> {
        let image = self.image.as_ref().ok_or(libc::EROFS)?;
        image.write_all_at(content, at).map_err(|_| libc::EIO)?;
        Ok(words(&[u32::try_from(content.len()).expect("a short write"), 0]))
    }
}

/// Version 7.31, with the kernel's own limits.
fn init() -> Vec<u8> {
    let mut answer = words(&[7, 31, 0, 0, (9 << 16) | 12, 1 << 16, 1, 0]);
    answer.resize(64, 0);
    answer
}

/// An entry of a directory.
fn listed(node: u64, offset: u64, kind: u32, name: &[u8]) -> Vec<u8> {
    let length = u32::try_from(name.len()).expect("a short name");
    let mut entry = [longs(&[node, offset]), words(&[length, kind]), name.to_vec()].concat();
    entry.resize(entry.len().next_multiple_of(8), 0);
    entry
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn longs(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
