//! A file system full of old logs, with everything beside them that must not be touched.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ansai_harness::{Ansai, Invocation, Ran, Tree, binary};
use serde_json::Value;

/// ansai sees the time so many hours from now: inode change times cannot be set back, so the clock goes forward.
pub(crate) const AHEAD_HOURS: i64 = 60 * 24;
const HOUR: Duration = Duration::from_secs(3600);

/// What stands at the beginning, and what keeps it so.
pub(crate) struct OldLogs {
    pub(crate) root: PathBuf,
    pub(crate) outside: tempfile::TempDir,
    /// Names below `log` that must be there afterwards, unchanged.
    pub(crate) kept: BTreeSet<Vec<u8>>,
    _open: fs::File,
    _socket: std::os::unix::net::UnixListener,
    inner: Option<PathBuf>,
}

impl OldLogs {
    /// Fills `root`, a mounted file system, to `share` of what can be written.
    pub(crate) fn new(root: &Path, share: f64, used: impl Fn() -> f64) -> OldLogs {
        let log = root.join("log");
        fs::create_dir(&log).unwrap();
        let outside = tempfile::tempdir().unwrap();
        write_old(&outside.path().join("secret.log.1"), 1000, 90);
        fs::create_dir(outside.path().join("dir")).unwrap();
        write_old(&outside.path().join("dir/precious.log.1"), 1000, 90);

        let mut kept = BTreeSet::new();
        let mut keep = |name: &[u8]| {
            kept.insert(name.to_vec());
            log.join(OsStr::from_bytes(name))
        };
        let fresh = keep(b"fresh.log.1");
        write_old(&fresh, 500_000, 90);
        // Young when the clock is ahead: written an hour before.
        set_modified(&fresh, SystemTime::now() + HOUR * (AHEAD_HOURS as u32 - 1));
        let open = keep(b"open.log.1");
        write_old(&open, 500_000, 200);
        let open = fs::File::open(&open).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.log.1"), keep(b"link.log.1")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("dir"), keep(b"dirlink")).unwrap();
        let hard = keep(b"hard.log.1");
        write_old(&hard, 300_000, 200);
        fs::hard_link(&hard, keep(b"hard-too.log.1")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            keep(b"fifo.log.1"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o644),
            0,
        )
        .unwrap();
        let socket = std::os::unix::net::UnixListener::bind(keep(b"socket.log.1")).unwrap();
        let database = log.join("postgresql");
        fs::create_dir(&database).unwrap();
        kept.insert(b"postgresql/base.log.1".to_vec());
        write_old(&database.join("base.log.1"), 300_000, 300);
        let inner = log.join("inner");
        fs::create_dir(&inner).unwrap();
        mount_tmpfs(&inner);
        kept.insert(b"inner/mounted.log.1".to_vec());
        write_old(&inner.join("mounted.log.1"), 1000, 300);

        for name in odd_names() {
            write_old(&log.join(OsStr::from_bytes(&name)), 10_000, 250);
        }
        for index in 0.. {
            if used() >= share {
                break;
            }
            write_old(&log.join(format!("app.log.{index}")), 512 << 10, 100 + index % 50);
        }
        OldLogs { root: root.to_owned(), outside, kept, _open: open, _socket: socket, inner: Some(inner) }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// What must be as before: everything outside, and the kept names inside.
    pub(crate) fn precious(&self) -> (Tree, Vec<(Vec<u8>, String)>) {
        let log = self.log();
        let kept = self.kept.iter().map(|name| {
            let path = log.join(OsStr::from_bytes(name));
            let meta = fs::symlink_metadata(&path);
            let content = match &meta {
                Ok(meta) if meta.is_file() => format!("{:?}", fs::read(&path).map(|bytes| bytes.len())),
                _ => String::new(),
            };
            let meta = meta.map(|m| {
                use std::os::unix::fs::MetadataExt as _;
                (m.ino(), m.mode(), m.uid(), m.size(), m.mtime(), m.nlink())
            });
            (name.clone(), format!("{meta:?} {content}"))
        });
        (Tree::snapshot(self.outside.path()), kept.collect())
    }

    /// `disk-space` with this file system's logs as its own, everything else ignored.
    pub(crate) fn config(&self, mode: &str, grant: &str) -> String {
        config(&self.root, mode, grant)
    }
}

impl Drop for OldLogs {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            let _ = rustix::mount::unmount(&inner, rustix::mount::UnmountFlags::DETACH);
        }
    }
}

/// The configuration of one instance that looks after `root` alone.
pub(crate) fn config(root: &Path, mode: &str, grant: &str) -> String {
    config_with(root, mode, grant, "30 days")
}

/// The same with an age from which logs are removed rather than compressed.
pub(crate) fn config_with(root: &Path, mode: &str, grant: &str, logs_older_than: &str) -> String {
    let actions = format!("{{ roots = [\"{}/log\"], {grant} }}", root.display());
    config_granting(root, mode, &actions, logs_older_than)
}

/// The same with a whole grant for the actions on files.
pub(crate) fn config_granting(root: &Path, mode: &str, actions: &str, logs_older_than: &str) -> String {
    let root = root.display();
    let source = binary::repository().join("policies/disk-space");
    format!(
        r#"[daemon]
mode = "enforce"
[policy.disk-space]
source = {source:?}
mode = "{mode}"
every = "1s"
[policy.disk-space.attempts]
cooldown = "1s"
max = 20
[policy.disk-space.settings]
package_cache = false
logs_older_than = "{logs_older_than}"
log_dirs = ["{root}/log"]
temp_dirs = []
ignore_mounts = {others:?}
[policy.disk-space.grant]
"ansai:disk/disk-probe" = {{}}
"ansai:files/files-probe" = {{ roots = ["{root}"] }}
"ansai:files/files-actions" = {actions}
"#,
        others = other_mounts(Path::new(&root.to_string())),
    )
}

fn other_mounts(root: &Path) -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let mut points: Vec<String> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|point| Path::new(point) != root && !point.contains('\\'))
        .map(str::to_owned)
        .collect();
    points.sort();
    points.dedup();
    points.truncate(200);
    points
}

/// ansai with its clock ahead, in a mount namespace of its own from which what other tests have mounted is gone.
pub(crate) fn ansai_beside(root: &Path) -> Invocation {
    const ALONE: &str = r#"grep -o ' /tmp/[^ ]*' /proc/self/mounts | while read -r at; do
        case "$at" in "$0"|"$0"/*) ;; *) umount -l "$at" 2>/dev/null ;; esac; done; exec "$@""#;
    Invocation::of("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", ALONE])
        .arg(root)
        .arg(binary::ansai())
        .clock_offset_hours(AHEAD_HOURS)
}

/// ansai with its clock ahead, for what does not look at the host.
pub(crate) fn ansai() -> Invocation {
    Ansai::new().clock_offset_hours(AHEAD_HOURS)
}

/// The finding about `root` in the output of `run --once --format json`.
pub(crate) fn finding(ran: &Ran, root: &Path) -> Value {
    let json = ran.json();
    let wanted = root.display().to_string();
    let findings = json["instances"][0]["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["key"] == wanted.as_str()).unwrap_or_else(|| panic!("{json:#}")).clone()
}

/// The sum of a measure over all steps of a finding.
pub(crate) fn measured(finding: &Value, name: &str) -> u64 {
    let plans = finding["plans"].as_array().unwrap();
    let steps = plans.iter().flat_map(|plan| plan["steps"].as_array().unwrap());
    let measures = steps.flat_map(|step| step["measures"].as_array().unwrap());
    measures.filter(|measure| measure["name"] == name).map(|measure| measure["value"]["count"].as_u64().unwrap()).sum()
}

/// Newline, terminal escapes, bytes that are no text, 255 bytes, leading dot and dash.
pub(crate) fn odd_names() -> Vec<Vec<u8>> {
    let mut long = vec![b'x'; 249];
    long.extend(b".log.1");
    vec![
        b"new\nline.log.1".to_vec(),
        b"\x1b[31mred.log.1".to_vec(),
        b"\xff\xfe.log.1".to_vec(),
        b".hidden.log.1".to_vec(),
        b"-rf.log.1".to_vec(),
        long,
    ]
}

/// A file of bytes that do not compress, last written so many days ago.
pub(crate) fn write_old(path: &Path, bytes: usize, days: u32) {
    let mut file = fs::File::create(path).unwrap();
    let mut noise = fs::File::open("/dev/urandom").unwrap();
    let mut content = vec![0; bytes];
    std::io::Read::read_exact(&mut noise, &mut content).unwrap();
    // The file system may be full: then the file is as long as could be.
    let _ = file.write_all(&content);
    drop(file);
    set_modified(path, SystemTime::now() - HOUR * 24 * days);
}

pub(crate) fn set_modified(path: &Path, at: SystemTime) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_times(fs::FileTimes::new().set_modified(at).set_accessed(at)).unwrap();
}

fn mount_tmpfs(at: &Path) {
    let status = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "inner"]).arg(at).status();
    assert!(status.unwrap().success(), "mount tmpfs");
}

/// The records of the audit log, oldest first.
pub(crate) fn records(state: &Path) -> Vec<Value> {
    let ran = Ansai::new().args(["audit", "export"]).state_dir(state).run();
    ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["record"].take()).collect()
}

/// Every evaluation made so far runs again with the same result.
pub(crate) fn replay_all(state: &Path) {
    let ran = Ansai::new()
        .args(["replay", "--all", "--policies"])
        .arg(binary::repository().join("policies"))
        .state_dir(state)
        .run();
    ran.expect_code(0);
    Ansai::new().args(["audit", "verify"]).state_dir(state).run().expect_code(0);
}
