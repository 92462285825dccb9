//! A small virtual machine with a Debian kernel and a real systemd, whose power can be cut. It is emulated, so it needs no
//! KVM, and boots in about ten seconds. It needs root and qemu, and has no network.
//!
//! What a cut loses is what the kernel inside has not written to a disk. That kernel writes only what a program flushes:
//! nothing is written back because time passes or memory fills. What it has written stays, because qemu hands it to this
//! machine at once.

mod monitor;
mod serial;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::command::{Invocation, Ran};
use crate::mount::{text, tool};
use monitor::Monitor;
use serial::Running;

/// The first start on a machine makes the base from Debian packages. A boot takes ten seconds on a machine with nothing else
/// to do.
const BOOT_LIMIT: Duration = Duration::from_secs(300);
const COMMAND_LIMIT: Duration = Duration::from_secs(600);
const MEMORY_MIB: u32 = 1536;
pub(crate) const PROGRAM: &str = "qemu-system-x86_64";
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

/// A machine with its disks, on or off. Dropping this cuts its power, then removes the disks.
pub struct VirtualMachine {
    running: Option<Running>,
    mounts: Vec<String>,
    base: PathBuf,
    /// Holds the disks and the sockets.
    directory: TempDir,
}

impl VirtualMachine {
    /// Makes a machine, which is off, with these disks.
    ///
    /// # Panics
    /// If a disk cannot be made.
    #[track_caller]
    pub fn new(disks: &[Disk<'_>]) -> VirtualMachine {
        let base = base();
        let directory =
            tempfile::Builder::new().prefix("ansai-machine-").tempdir().expect("a directory for the machine");
        // Its holes stay holes.
        tool("cp", &["--sparse=always", text(&base.join("root.img")), text(&directory.path().join("disk-1"))]);
        for (number, disk) in (2..).zip(disks) {
            let image = directory.path().join(format!("disk-{number}"));
            let options = ["-q", "-F", "-t", "ext4", "-m", "0", "-E", "lazy_itable_init=1", "-d", text(disk.content)];
            let size = format!("{}M", disk.mib);
            tool("mke2fs", &[options.as_slice(), &[text(&image), &size]].concat());
        }
        let mounts = disks.iter().map(|disk| disk.mounted.to_owned()).collect();
        VirtualMachine { running: None, mounts, base, directory }
    }

    /// Switches it on, and waits until systemd has started everything and the disks are mounted.
    ///
    /// # Panics
    /// With what its kernel said, if that does not happen.
    #[track_caller]
    pub fn boot(&mut self) {
        assert!(self.running.is_none(), "the machine is on already");
        let socket = self.directory.path().join("serial");
        let monitor = self.directory.path().join("monitor");
        for from_an_earlier_boot in [&socket, &monitor] {
            let _absent = std::fs::remove_file(from_an_earlier_boot);
        }
        let mut qemu = Invocation::of(PROGRAM)
            .args(["-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-qmp"])
            .arg(format!("unix:{},server=on,wait=off", text(&monitor)))
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
        self.running = Some(Running::new(qemu, &socket));
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
        self.running().exec(command, COMMAND_LIMIT)
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

    /// Lets it sleep, memory and all, for at least so long. Its clock since boot goes on, its monotonic one does not.
    ///
    /// # Panics
    /// If it is off, or does not fall asleep.
    #[track_caller]
    pub fn sleep(&mut self, time: Duration) {
        // It must be able to answer before it sleeps.
        self.exec("(sleep 1; echo mem >/sys/power/state) >/dev/null 2>&1 &").expect_code(0);
        let mut monitor = Monitor::connect(&self.directory.path().join("monitor"));
        monitor.wait_for_sleep();
        std::thread::sleep(time);
        monitor.wake_up();
        self.running().answers_again(BOOT_LIMIT);
    }

    #[track_caller]
    fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("the machine is on")
    }
}

/// The directory with the kernel and the disk of the system.
#[track_caller]
fn base() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bin/virtual-machine-base");
    let made = Invocation::of(script).env("XDG_CACHE_HOME", crate::systemd_host::cache()).limit(BOOT_LIMIT).run();
    PathBuf::from(made.expect_code(0).stdout.trim())
}
