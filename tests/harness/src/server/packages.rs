//! Programs from Debian packages that are not installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::command::Invocation;
use crate::privilege;
use crate::systemd_host::cache;

/// The packages that tests may name.
const LIST: &str = include_str!("../../server-packages");
/// The first test on a machine fetches the packages.
const FETCH_LIMIT: Duration = Duration::from_secs(300);
/// Where the programs of a package are; `*` stands for one directory.
const PROGRAMS: [&str; 7] =
    ["usr/lib/chromium", "usr/lib/postfix/sbin", "usr/sbin", "usr/bin", "sbin", "bin", "usr/lib/postgresql/*/bin"];
/// Servers that refuse to run as root run as the user `nobody`, which every host has.
const NOBODY: &str = "65534";
/// Runs a program as another user, who sees the packages at a path that he may read. The mount ends with the program.
const AS_NOBODY: &str = r#"mount --rbind "$0" "$1"; shift; exec setpriv --reuid="$1" --regid="$1" --clear-groups \
  --pdeathsig KILL "${@:2}""#;

/// Unpacked packages. Cheap to make again: the cache keeps them.
pub struct Packages {
    pub(super) roots: Vec<PathBuf>,
    /// Where another user sees the cache.
    seen: TempDir,
}

/// Unpacks Debian packages with their dependencies, once for each user. `None` if that is impossible: then the reason was
/// printed, and the test returns.
///
/// # Panics
/// If a name is not in `tests/harness/server-packages`, or if `CI=true` and they cannot be had.
#[must_use]
pub fn packages(names: &[&str]) -> Option<Packages> {
    for name in names {
        assert!(LIST.lines().any(|line| line == *name), "add {name} to tests/harness/server-packages");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bin/server-packages");
    let ran = Invocation::of(script).env("XDG_CACHE_HOME", cache()).args(names).limit(FETCH_LIMIT).run();
    if !privilege::requires(ran.code == 0, &format!("the Debian packages {}: {}", names.join(", "), ran.stderr.trim()))
    {
        return None;
    }
    let seen = tempfile::Builder::new().prefix("ansai-packages-").tempdir().expect("a directory");
    open_to_all(seen.path());
    Some(Packages { roots: ran.stdout.lines().map(PathBuf::from).collect(), seen })
}

impl Packages {
    /// The directory of a file of a package: `file("usr/share/nginx/html")`.
    ///
    /// # Panics
    /// If no package has it.
    #[track_caller]
    pub fn file(&self, path: &str) -> PathBuf {
        let found = self.roots.iter().map(|root| root.join(path)).find(|path| path.exists());
        found.unwrap_or_else(|| panic!("no package has {path}: {:?}", self.roots))
    }

    /// Runs a program of the packages as the current user.
    ///
    /// # Panics
    /// If no package has it.
    #[track_caller]
    pub fn program(&self, name: &str) -> Invocation {
        self.with_environment(Invocation::of(self.find(name)), &self.roots)
    }

    /// Runs a program that starts others and changes its user, as root: all of them end with it, also if the test is killed.
    ///
    /// # Panics
    /// If no package has it.
    #[track_caller]
    pub fn program_with_children(&self, name: &str) -> Invocation {
        // The first process of a namespace ends all others. The signal for the end of a parent is lost with a change of the user,
        // so that process is a shell.
        let shell = Invocation::of("unshare")
            .args(["--pid", "--fork", "--kill-child", "bash", "-c", r#""$0" "$@" & wait"#])
            .arg(self.find(name));
        self.with_environment(shell, &self.roots)
    }

    /// Runs a program as a user without rights, for servers that refuse to be root. Without root, as the current user.
    ///
    /// # Panics
    /// If no package has it.
    #[track_caller]
    pub fn program_as_nobody(&self, name: &str) -> Invocation {
        if !rustix::process::geteuid().is_root() {
            return self.program(name);
        }
        let (cache, seen) = (cache().join("ansai/servers"), self.seen.path());
        let there = |path: &Path| seen.join(path.strip_prefix(&cache).expect("a path in the cache"));
        let roots: Vec<PathBuf> = self.roots.iter().map(|root| there(root)).collect();
        let shell = Invocation::of("unshare")
            .args(["--mount", "--propagation", "private", "bash", "-ec", AS_NOBODY])
            .arg(&cache)
            .arg(seen)
            .arg(NOBODY)
            .arg(there(&self.find(name)))
            .env("HOME", "/nonexistent");
        self.with_environment(shell, &roots)
    }

    /// Gives a file or directory to the user of [`program_as_nobody`](Self::program_as_nobody).
    ///
    /// # Panics
    /// If it does not exist.
    pub fn give_to_nobody(&self, path: &Path) {
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(path, Some(65534), Some(65534)).expect("root may change owners");
        }
    }

    fn find(&self, name: &str) -> PathBuf {
        let directories = self.roots.iter().flat_map(|root| PROGRAMS.iter().flat_map(|path| expand(root, path)));
        let found = directories.map(|directory| directory.join(name)).find(|program| program.is_file());
        found.unwrap_or_else(|| panic!("no package has a program {name}: {:?}", self.roots))
    }

    /// So that programs find their libraries, their Python modules, and each other.
    fn with_environment(&self, invocation: Invocation, roots: &[PathBuf]) -> Invocation {
        let below = |path: &'static str| roots.iter().map(move |root| root.join(path));
        let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
        let libraries = roots
            .iter()
            .flat_map(|root| {
                let [usr, lib] = ["usr/lib", "lib"].map(|lib| root.join(lib).join(&triplet));
                [usr.join("pulseaudio"), usr, lib]
            })
            .chain(below("usr/lib"))
            .chain(below("usr/lib/postfix"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = below("usr/sbin").chain(below("usr/bin"));
        invocation
            .env("LD_LIBRARY_PATH", joined(libraries))
            .env("PYTHONPATH", joined(below("usr/lib/python3/dist-packages")))
            .env("PATH", joined(own.chain(std::env::split_paths(&path))))
    }
}

fn joined(paths: impl Iterator<Item = PathBuf>) -> OsString {
    std::env::join_paths(paths).expect("paths without colons")
}

/// The directories that a path with one `*` stands for.
fn expand(root: &Path, path: &str) -> Vec<PathBuf> {
    let Some((before, after)) = path.split_once("/*/") else { return vec![root.join(path)] };
    let entries = root.join(before).read_dir().into_iter().flatten();
    entries.map(|entry| entry.expect("an entry").path().join(after)).collect()
}

/// Temporary directories are for their user only.
pub(super) fn open_to_all(directory: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).expect("our own directory");
}
