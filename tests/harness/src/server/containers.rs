//! Docker and Podman with a store of their own, and images that are made here: nothing is fetched.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{Packages, packages};
use crate::command::{Invocation, Ran};
use crate::daemon::Daemon;
use crate::privilege;

const READY_LIMIT: Duration = Duration::from_secs(30);
const END_LIMIT: Duration = Duration::from_secs(30);
/// The programs of the image.
const PROGRAMS: [&str; 8] = ["sh", "sleep", "echo", "cat", "true", "false", "touch", "rm"];

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Docker,
    Podman,
}

/// A running engine with an image `localhost/busybox:1`. Dropping this removes its containers, stops it and removes its store.
pub struct ContainerEngine {
    kind: Kind,
    daemon: Option<Daemon>,
    packages: Packages,
    directory: TempDir,
    store: PathBuf,
}

impl ContainerEngine {
    /// Starts Docker; its containers have no network. `None` if that is impossible: then the reason was printed, and the test
    /// returns.
    ///
    /// # Panics
    /// With its output, if it does not start.
    #[must_use]
    #[track_caller]
    pub fn docker(store: Option<&Path>) -> Option<Self> {
        Self::start(Kind::Docker, &["docker.io", "busybox-static"], store)
    }

    /// Starts the service of Podman. There is no systemd, so nothing runs its health checks: use `healthcheck run`.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    #[track_caller]
    pub fn podman(store: Option<&Path>) -> Option<Self> {
        Self::start(Kind::Podman, &["podman", "runc", "busybox-static"], store)
    }

    #[track_caller]
    fn start(kind: Kind, names: &[&str], store: Option<&Path>) -> Option<Self> {
        if !privilege::requires_root() {
            return None;
        }
        let packages = packages(names)?;
        let directory = tempfile::Builder::new().prefix("ansai-ct-").tempdir().expect("a directory for the engine");
        let store = store.map_or_else(|| directory.path().join("store"), Path::to_owned);
        let mut engine = Self { kind, daemon: None, packages, directory, store };
        if kind == Kind::Podman {
            engine.configure();
        }
        let daemon = engine.server().spawn();
        engine.daemon = Some(daemon);
        let began = Instant::now();
        while engine.cli(&["version"]).code != 0 || !engine.socket().exists() {
            assert!(began.elapsed() < READY_LIMIT, "it does not start\n{}", engine.transcript());
            std::thread::sleep(Duration::from_millis(50));
        }
        engine.import();
        Some(engine)
    }

    fn server(&self) -> Invocation {
        let (path, socket) = (|name| self.directory.path().join(name), format!("unix://{}", self.socket().display()));
        match self.kind {
            Kind::Docker => self
                .packages
                .program("dockerd")
                .arg("--data-root")
                .arg(&self.store)
                .arg("--exec-root")
                .arg(path("exec"))
                .arg("--pidfile")
                .arg(path("pid"))
                .args(["-H", &socket, "--iptables=false", "--ip6tables=false", "--bridge=none"])
                .args(["--default-ulimit", "nofile=20000:20000", "--cgroup-parent", &self.group()]),
            Kind::Podman => self.podman_program().args(["system", "service", "--time=0", &socket]),
        }
    }

    /// Its control groups, which are removed at the end.
    fn group(&self) -> String {
        match self.kind {
            Kind::Docker => format!("/{}", self.directory.path().file_name().expect("a name").to_string_lossy()),
            Kind::Podman => "/libpod_parent".into(),
        }
    }

    fn podman_program(&self) -> Invocation {
        let path = |name| self.directory.path().join(name);
        self.packages
            .program("podman")
            .env("HOME", self.directory.path())
            .env("CONTAINERS_CONF", path("containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", path("storage.conf"))
    }

    /// Nothing of the machine is used. Limits stay below those of a root without CAP_SYS_RESOURCE.
    fn configure(&self) {
        let write = |name: &str, text: String| {
            let path = self.directory.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("our own directory");
            std::fs::write(path, text).expect("our own directory");
        };
        let file = |path: &str| self.packages.file(path).display().to_string();
        let (conmon, runc) = (file("usr/bin/conmon"), file("usr/sbin/runc"));
        write(
            "containers.conf",
            format!(
                "[containers]\ndefault_ulimits = [\"nofile=20000:20000\", \"nproc=9600:9600\"]\npids_limit = 0\n\
                 [engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n\
                 conmon_path = [\"{conmon}\"]\n[engine.runtimes]\nrunc = [\"{runc}\"]\n"
            ),
        );
        let run = self.directory.path().join("run");
        let (store, run) = (self.store.display(), run.display());
        write("storage.conf", format!("[storage]\ndriver=\"overlay\"\ngraphroot=\"{store}\"\nrunroot=\"{run}\"\n"));
        write(".config/containers/policy.json", r#"{"default":[{"type":"insecureAcceptAnything"}]}"#.into());
    }

    /// The socket of its API.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    /// The directory of its images, containers and volumes.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Runs its command line: `cli(&["ps"])`.
    pub fn cli(&self, arguments: &[&str]) -> Ran {
        let program = match self.kind {
            Kind::Docker => {
                self.packages.program("docker").args(["-H", &format!("unix://{}", self.socket().display())])
            }
            Kind::Podman => self.podman_program(),
        };
        program.args(arguments).run()
    }

    /// The same, and the last line of its output.
    ///
    /// # Panics
    /// If it fails.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let ran = self.cli(arguments);
        ran.expect_code(0);
        ran.stdout.lines().last().unwrap_or_default().trim().to_owned()
    }

    /// Starts a container of the image in the background, with options before and a command after it.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    pub fn container(&self, name: &str, options: &[&str], command: &[&str]) {
        let network = if self.kind == Kind::Docker { "none" } else { "host" };
        let first = ["run", "-d", "--name", name, "--network", network];
        self.run(&[&first[..], options, &["localhost/busybox:1"], command].concat());
    }

    #[track_caller]
    fn import(&self) {
        let root = self.directory.path().join("root");
        std::fs::create_dir_all(root.join("bin"))
            .and_then(|()| std::fs::create_dir(root.join("tmp")))
            .expect("directories");
        std::fs::copy(self.packages.file("bin/busybox"), root.join("bin/busybox")).expect("busybox");
        for name in PROGRAMS {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).expect("a link");
        }
        let archive = self.pack(&root, "root.tar", &["."]);
        self.run(&["import", archive.to_str().expect("a plain path"), "localhost/busybox:1"]);
    }

    /// Loads an image with one layer of random bytes that was built at `created` (RFC 3339), with or without a tag, and
    /// returns its id.
    ///
    /// # Panics
    /// If it cannot be loaded.
    #[track_caller]
    pub fn load_image(&self, tag: Option<&str>, created: &str, mib: usize) -> String {
        let place = tempfile::tempdir_in(self.directory.path()).expect("a directory");
        let layer = place.path().join("layer");
        std::fs::create_dir(&layer).expect("a directory");
        let random = std::fs::File::open("/dev/urandom").expect("random bytes");
        let mut file = std::fs::File::create(layer.join("file")).expect("a file");
        let mut random = std::io::Read::take(random, (mib << 20) as u64);
        std::io::copy(&mut random, &mut file).expect("room for the layer");
        let packed = self.pack(&layer, "layer.tar", &["file"]);
        let here = place.path().join("layer.tar");
        std::fs::rename(packed, &here).expect("the same file system");
        let sum = Invocation::of("sha256sum").arg(&here).run().code(0).stdout;
        let sum = sum.split_whitespace().next().expect("a checksum");
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","created":"{created}","config":{{}},"rootfs":{{"type":"layers","diff_ids":["sha256:{sum}"]}}}}"#
        );
        let tags = tag.map_or_else(|| "null".to_owned(), |tag| format!(r#"["{tag}"]"#));
        let manifest = format!(r#"[{{"Config":"config.json","RepoTags":{tags},"Layers":["layer.tar"]}}]"#);
        std::fs::write(place.path().join("config.json"), &config).expect("a file");
        std::fs::write(place.path().join("manifest.json"), manifest).expect("a file");
        let image = self.pack(place.path(), "image.tar", &["config.json", "manifest.json", "layer.tar"]);
        self.run(&["load", "-i", image.to_str().expect("a plain path")]);
        // The id of an image is the checksum of its configuration.
        let sum = Invocation::of("sha256sum").arg(place.path().join("config.json")).run().code(0).stdout;
        format!("sha256:{}", sum.split_whitespace().next().expect("a checksum"))
    }

    fn pack(&self, from: &Path, name: &str, what: &[&str]) -> PathBuf {
        let archive = self.directory.path().join(name);
        Invocation::of("tar").arg("-C").arg(from).arg("-cf").arg(&archive).args(what).run().code(0);
        archive
    }

    /// Whether it has an image with this id.
    pub fn has_image(&self, id: &str) -> bool {
        self.cli(&["image", "inspect", id]).code == 0
    }

    /// Its output so far.
    pub fn transcript(&self) -> String {
        self.daemon.as_ref().map(Daemon::transcript).unwrap_or_default()
    }

    /// Stops or continues the server with a signal.
    ///
    /// # Panics
    /// If it has ended.
    pub fn signal(&self, signal: Signal) {
        self.daemon.as_ref().expect("it runs").signal(signal);
    }
}

impl Drop for ContainerEngine {
    fn drop(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        if !daemon.has_ended() {
            daemon.signal(Signal::CONT);
            let listed = self.cli(&["ps", "-aq"]).stdout;
            let ids: Vec<&str> = listed.split_whitespace().collect();
            if !ids.is_empty() {
                self.cli(&[&["rm", "-f"][..], &ids].concat());
            }
            daemon.signal(Signal::TERM);
            if daemon.finished(END_LIMIT).is_none() {
                eprintln!("the engine was killed\n{}", daemon.transcript());
            }
        }
        unmount_below(self.directory.path());
        unmount_below(&self.store);
        remove_groups(&self.group());
    }
}

/// What an engine left mounted, the innermost first.
fn unmount_below(directory: &Path) {
    let table = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let points = table.lines().filter_map(|line| line.split(' ').nth(1)).map(Path::new);
    // The store itself can be a file system of the test.
    let mut below: Vec<&Path> = points.filter(|point| point.starts_with(directory) && *point != directory).collect();
    below.sort();
    for point in below.into_iter().rev() {
        if rustix::mount::unmount(point, rustix::mount::UnmountFlags::DETACH).is_err() {
            eprintln!("{} could not be unmounted", point.display());
        }
    }
}

/// Control groups are empty directories; what still runs in one keeps it.
fn remove_groups(group: &str) {
    let remove = r#"for h in /sys/fs/cgroup /sys/fs/cgroup/*; do [ ! -d "$h$0" ] || find "$h$0" -depth -type d -exec rmdir {} +; done"#;
    Invocation::of("sh").args(["-c", remove, group]).run();
}
