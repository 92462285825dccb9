//! A small virtual machine with a Debian kernel and a real systemd, whose power can be cut. It is emulated, so it needs no
//! KVM, and boots in about ten seconds. It needs root and qemu, and has no network.
//!
//! What a cut loses is what the kernel inside has not written to a disk. That kernel writes only what a program flushes:
//! nothing is written back because time passes or memory fills. What it has written stays, because qemu hands it to this machine at once.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::command::{Invocation, Ran};
use crate::daemon::Daemon;
use crate::mount::{text, tool};

/// The first start on a machine makes the base from Debian packages. A boot takes ten seconds on a machine with nothing else
/// to do.
const BOOT_LIMIT: Duration = Duration::from_secs(300);
const COMMAND_LIMIT: Duration = Duration::from_secs(600);
const MEMORY_MIB: u32 = 1536;
const PROGRAM: &str = "qemu-system-x86_64";
/// The kernel's command line: the disk of the system, and timers that work although the emulated clock stutters.
const KERNEL: &str = "root=/dev/nvme0n1 rw init=/lib/systemd/systemd console=ttyS0 loglevel=4 systemd.show_status=0 \
                      mitigations=off tsc=reliable no_timer_check random.trust_cpu=on panic=0";

/// A disk with an ext4 file system beside that of the system.
pub struct Disk<'a> {
    /// Where it is mounted inside.
    pub mounted: &'a str,
    /// What is on it at first: the files of this directory.
    pub content: &'a Path,
    /// Its size in MiB.
    pub mib: u64,
}

/// A machine with its disks, on or off. Dropping this cuts its power and removes the disks.
pub struct VirtualMachine {
    /// Holds the disks and the sockets.
    directory: TempDir,
    mounts: Vec<String>,
    base: PathBuf,
    running: Option<Running>,
}

/// A machine that is on.
struct Running {
    qemu: Daemon,
    serial: BufReader<UnixStream>,
    /// Of the last command.
    number: u32,
}

/// Whether a virtual machine can be started. If not, the reason has been printed and the test returns.
///
/// # Panics
/// If it cannot and `CI=true`, because a test that does not run is a failure there.
#[must_use]
pub fn requires_virtual_machine() -> bool {
    if !crate::requires_root() {
        return false;
    }
    if Invocation::of(PROGRAM).arg("--version").run().code == 0 {
        return true;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "this test needs {PROGRAM}, and with CI=true none is skipped");
    eprintln!("skipped: this test needs {PROGRAM}; hint: run `scripts/setup test`");
    false
}

impl VirtualMachine {
    /// Makes a machine, which is off, with these disks.
    ///
    /// # Panics
    /// If a disk cannot be made.
    #[track_caller]
    pub fn new(disks: &[Disk<'_>]) -> VirtualMachine {
        let base = base();
        let directory = tempfile::Builder::new().prefix("ansai-machine-").tempdir().expect("a directory for the machine");
        // Its holes stay holes.
        tool("cp", &["--sparse=always", text(&base.join("root.img")), text(&directory.path().join("disk-1"))]);
        for (number, disk) in (2..).zip(disks) {
            let image = directory.path().join(format!("disk-{number}"));
            let options = ["-q", "-F", "-t", "ext4", "-m", "0", "-E", "lazy_itable_init=1", "-d", text(disk.content)];
            let size = format!("{}M", disk.mib);
            tool("mke2fs", &[options.as_slice(), &[text(&image), &size]].concat());
        }
        let mounts = disks.iter().map(|disk| disk.mounted.to_owned()).collect();
        VirtualMachine { directory, mounts, base, running: None }
    }

    /// Switches it on, and waits until systemd has started everything and the disks are mounted.
    ///
    /// # Panics
    /// With what its kernel said, if that does not happen.
    #[track_caller]
    pub fn boot(&mut self) {
        assert!(self.running.is_none(), "the machine is on already");
        let socket = self.directory.path().join("serial");
        let _from_an_earlier_boot = std::fs::remove_file(&socket);
        let mut qemu = Invocation::of(PROGRAM)
            .args(["-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-nic", "none"])
            .args(["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m"])
            .arg(MEMORY_MIB.to_string())
            .arg("-kernel")
            .arg(self.base.join("kernel"))
            .args(["-append", KERNEL, "-device", "nvme,id=disks,serial=disks"]);
        for number in 1..=self.mounts.len() + 1 {
            let image = self.directory.path().join(format!("disk-{number}"));
            // The end of qemu loses nothing that it has written, so a flush need not reach the disk of this machine.
            let drive = format!("if=none,id=disk{number},format=raw,cache=unsafe,file={}", text(&image));
            qemu = qemu.args(["-drive", &drive, "-device"]);
            qemu = qemu.arg(format!("nvme-ns,bus=disks,drive=disk{number},nsid={number}"));
        }
        let serial = format!("socket,id=serial,server=on,wait=on,path={}", text(&socket));
        let qemu = qemu.args(["-serial", "file:/dev/stdout", "-chardev", &serial, "-serial", "chardev:serial"]).spawn();
        let serial = connected(&socket, &qemu);
        self.running = Some(Running { qemu, serial: BufReader::new(serial), number: 0 });
        self.mount();
    }

    /// Waits until it has booted.
    #[track_caller]
    fn mount(&mut self) {
        self.running().line("ready ", BOOT_LIMIT);
        // A commit of the file system's journal comes with a flush, not with time.
        let mount = |(disk, at): (usize, &String)| {
            format!("mkdir -p {at} && mount -o noatime,commit=3600 /dev/nvme0n{disk} {at}")
        };
        let all: Vec<String> = (2..).zip(&self.mounts).map(mount).collect();
        if !all.is_empty() {
            self.exec(&all.join(" && ")).expect_code(0);
        }
    }

    /// Runs a line for bash inside as root.
    ///
    /// # Panics
    /// If the machine is off, or that takes longer than ten minutes.
    #[track_caller]
    pub fn exec(&mut self, command: &str) -> Ran {
        assert!(!command.contains('\n'), "one line: {command}");
        let running = self.running();
        running.number += 1;
        let number = running.number;
        running.send(&format!("{number} {command}\n"));
        let answer = running.line(&format!("ended {number} "), COMMAND_LIMIT);
        let mut words = answer.split(' ').skip(2);
        let code = words.next().and_then(|code| code.parse().ok());
        let mut output = || {
            let bytes = words.next().and_then(|word| hex::decode(word.strip_suffix('.')?).ok());
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        match (code, output(), output()) {
            (Some(code), Some(stdout), Some(stderr)) => Ran { code, peak_memory: 0, stdout, stderr },
            _ => panic!("{command}: {answer:?} is no answer"),
        }
    }

    /// Cuts its power: kills qemu. What is not on its disks is lost.
    ///
    /// # Panics
    /// If it is off.
    #[track_caller]
    pub fn cut_power(&mut self) {
        let mut running = self.running.take().expect("the machine is on");
        running.qemu.signal(Signal::KILL);
        running.qemu.wait(COMMAND_LIMIT);
    }

    /// Shuts it down.
    ///
    /// # Panics
    /// If it is off, or does not switch itself off.
    #[track_caller]
    pub fn power_off(&mut self) {
        let mut running = self.running.take().expect("the machine is on");
        running.send("0 systemctl poweroff\n");
        running.qemu.wait(BOOT_LIMIT).expect_code(0);
    }

    /// Restarts it in an orderly way, and waits as [`boot`](Self::boot) does.
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn reboot(&mut self) {
        self.running().send("0 systemctl reboot\n");
        self.mount();
    }

    /// Copies what is on the disk that is mounted there into a new directory. The machine must be off, and the disk stays as
    /// it is.
    ///
    /// # Panics
    /// If there is no such disk, or its file system is damaged.
    #[track_caller]
    pub fn copy_disk(&self, mounted: &str, to: &Path) {
        assert!(self.running.is_none(), "a disk that is in use cannot be read");
        let index = self.mounts.iter().position(|at| at == mounted).expect("a disk that is mounted there");
        let image = self.directory.path().join(format!("disk-{}", index + 2));
        let copy = tempfile::NamedTempFile::new().expect("a copy of the disk");
        std::fs::create_dir_all(to).expect("a directory for the files");
        tool("cp", &["--sparse=always", text(&image), text(copy.path())]);
        // Replays the journal; 1 means that this, or a count of free blocks, was repaired.
        tool("sh", &["-c", "e2fsck -fp \"$1\" || [ $? = 1 ]", "sh", text(copy.path())]);
        tool("debugfs", &["-R", &format!("rdump / {}", text(to)), text(copy.path())]);
    }

    #[track_caller]
    fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("the machine is on")
    }
}

impl Running {
    #[track_caller]
    fn send(&mut self, line: &str) {
        if let Err(error) = self.serial.get_mut().write_all(line.as_bytes()) {
            panic!("the machine does not listen: {error}\n{}", self.qemu.transcript());
        }
    }

    /// The next line with this beginning.
    #[track_caller]
    fn line(&mut self, beginning: &str, limit: Duration) -> String {
        let end = Instant::now() + limit;
        let mut line = Vec::new();
        loop {
            // Zero would be no limit.
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.serial.get_ref().set_read_timeout(Some(left)).expect("a socket has a time limit");
            match self.serial.read_until(b'\n', &mut line) {
                Ok(length) if length > 0 && line.ends_with(b"\n") => {}
                ended => panic!("no {beginning:?} after {limit:?}: {ended:?}\n{}", self.qemu.transcript()),
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if text.starts_with(beginning) {
                return text;
            }
            line.clear();
        }
    }
}

/// The second serial line. qemu begins to boot when somebody listens to it.
#[track_caller]
fn connected(socket: &Path, qemu: &Daemon) -> UnixStream {
    let began = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(serial) => return serial,
            Err(error) if began.elapsed() > COMMAND_LIMIT => {
                panic!("{PROGRAM} did not start: {error}\n{}", qemu.transcript())
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The directory with the kernel and the disk of the system.
#[track_caller]
fn base() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bin/virtual-machine-base");
    let made = Invocation::of(script).env("XDG_CACHE_HOME", crate::systemd_host::cache()).limit(BOOT_LIMIT).run();
    PathBuf::from(made.expect_code(0).stdout.trim())
}
