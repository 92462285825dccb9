//! The file system of the site: ext4 on a loop device, with logs and temporary files that are really old.
//!
//! Nobody can set the change time of an inode of a mounted file system, so the image is made old before it is mounted.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

const BYTES: u64 = 64 << 20;
const INODES: &str = "4096";
const OLD_DAYS: i64 = 40;
const LOGS: u32 = 24;
const TEMPORARY_FILES: u32 = 2400;

/// A mounted file system. Dropping this unmounts it. It needs a mount namespace of its own, so that it vanishes if this
/// program is killed.
pub struct Disk {
    point: PathBuf,
}

impl Disk {
    /// Makes the image and mounts it below `directory`.
    ///
    /// # Errors
    /// If a tool of e2fsprogs is missing or fails.
    pub fn new(directory: &Path) -> anyhow::Result<Disk> {
        let (files, image, point) = (directory.join("files"), directory.join("image"), directory.join("srv"));
        fill(&files)?;
        fs::File::create(&image)?.set_len(BYTES)?;
        let options =
            ["-q", "-F", "-t", "ext4", "-m", "0", "-N", INODES, "-E", "lazy_itable_init=0,lazy_journal_init=0", "-d"];
        run(tool("mke2fs").args(options).args([&files, &image]))?;
        let script = directory.join("make-old");
        fs::write(&script, make_old())?;
        run(tool("debugfs").arg("-w").arg("-f").args([&script, &image]))?;
        fs::create_dir(&point)?;
        run(tool("mount").args(["-o", "loop"]).args([&image, &point]))?;
        Ok(Disk { point })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.point
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _vanishes_with_this_program = rustix::mount::unmount(&self.point, rustix::mount::UnmountFlags::DETACH);
    }
}

/// What no repair may touch (`www`, `mysql`, young logs), and what one may remove (old logs and temporary files).
fn fill(files: &Path) -> anyhow::Result<()> {
    for name in ["log", "tmp", "www", "mysql"] {
        fs::create_dir_all(files.join(name))?;
    }
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(OLD_DAYS.unsigned_abs() * 86_400);
    let write = |name: String, content: &[u8], is_old: bool| -> anyhow::Result<()> {
        let file = fs::File::create(files.join(name))?;
        std::io::Write::write_all(&mut &file, content)?;
        if is_old {
            file.set_times(fs::FileTimes::new().set_accessed(old).set_modified(old))?;
        }
        Ok(())
    };
    for number in 1..=LOGS {
        write(format!("log/old.log.{number}"), &half_random(1 << 20, number), true)?;
    }
    for number in 1..=TEMPORARY_FILES {
        write(format!("tmp/old-{number}"), b"", true)?;
    }
    write("log/app.log".to_owned(), &half_random(256 << 10, 0), false)?;
    write("log/app.log.1".to_owned(), &half_random(1 << 20, 99), false)?;
    write("mysql/ibdata1".to_owned(), &half_random(4 << 20, 100), false)?;
    write("www/index.html".to_owned(), b"the site\n", false)
}

/// Half of it can be compressed, as that of logs.
fn half_random(length: usize, seed: u32) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let next = |place: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if place.is_multiple_of(2) { state.to_be_bytes().first().copied().unwrap_or_default() } else { b'a' }
    };
    (0..length).map(next).collect()
}

/// Commands of debugfs.
fn make_old() -> String {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(OLD_DAYS * 24);
    let at = at.strftime("%Y%m%d%H%M%S");
    let logs = (1..=LOGS).map(|number| format!("log/old.log.{number}"));
    let temporary = (1..=TEMPORARY_FILES).map(|number| format!("tmp/old-{number}"));
    // ansai does not believe that a file is older than its file system.
    let mut text = format!("sif <2> crtime {at}\n");
    for name in logs.chain(temporary) {
        for field in ["ctime", "crtime"] {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "sif {name} {field} {at}");
        }
    }
    text
}

fn tool(program: &str) -> Command {
    let mut command = Command::new("/usr/bin/env");
    // Tools of file systems may be missing from the PATH.
    command.arg("PATH=/usr/sbin:/sbin:/usr/bin:/bin").arg(program).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(())
}
