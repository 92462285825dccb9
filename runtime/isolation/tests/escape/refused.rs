//! What is refused: one table per profile, as root and as nobody.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use ansai_harness::requires_root;
use ansai_isolation::{ChannelError, Ended, Profile};
use ansai_kit::program::{ITSELF, Program, User};

use crate::attempts::{ATTEMPTS, Facts};
use crate::scene::{MOST, PATIENCE, start};

/// What a lookup of names has to be able to do.
const LOOKUP: &[&str] = &[
    "connect by TCP",
    "execute a new mapping",
    "list /usr/lib",
    "make code writable",
    "memory that grows downwards",
    "memory that no limit counts",
    "memory to write and execute",
];

pub(crate) fn nothing_is_possible_for_a_guest() {
    if requires_root() {
        assert_eq!(possible(&table(Profile::Guest)), [""; 0]);
    }
}

pub(crate) fn nothing_is_possible_for_a_client_of_servers() {
    if requires_root() {
        assert_eq!(possible(&table(Profile::Reach)), [""; 0]);
    }
}

pub(crate) fn a_lookup_of_names_can_only_connect_and_read_libraries() {
    if requires_root() {
        let table = table(Profile::Lookup);
        let mut possible = possible(&table);
        // A host may have no system bus.
        possible.retain(|name| *name != "connect to the system bus");
        assert_eq!(possible, LOOKUP);
    }
}

/// The same program as `nobody`. There is no user of its own then, so its threads are not limited.
pub(crate) fn without_root_almost_nothing_is_possible() {
    for profile in Profile::ALL {
        let table = if rustix::process::geteuid().is_root() {
            let nobody = User { uid: 65_534, gid: 65_534 };
            let program = Program::new(Path::new(ITSELF)).args(["table", profile.name()]).user(nobody);
            let ran =
                program.unmasked_stdout().kept_bytes(1 << 20).limit(Duration::from_secs(60)).run(&|| false).unwrap();
            serde_json::from_str(&ran.stdout.to_string()).unwrap_or_else(|_| panic!("{ran:?}"))
        } else {
            table(profile)
        };
        let mut possible = possible(&table);
        possible.retain(|name| !["2000 threads", "connect to the system bus"].contains(name));
        let expected: &[&str] = if profile == Profile::Lookup { LOOKUP } else { &[] };
        assert_eq!(possible, expected, "{profile:?}");
    }
}

/// Attempts that do no harm to this host.
const POSSIBLE: &[&str] = &[
    "open /etc/passwd",
    "openat2 /etc/passwd",
    "list /",
    "list /usr/lib",
    "write to compiled code",
    "connect by TCP",
    "listen on TCP",
    "execve",
    "fork",
    "pidfd of the parent",
    "limits of the parent",
    "memory bomb",
    "raise the limit of files",
    "memory file for a program",
    "memory that no limit counts",
    "memory that grows downwards",
    "memory to write and execute",
    "execute a new mapping",
    "make code writable",
    "unshare mounts",
    "become root",
    "keep capabilities",
    "memory file",
];

/// Without confinement many of them succeed: as root, in this program, in a process of its own each.
pub(crate) fn the_attempts_can_succeed() {
    if !requires_root() {
        return;
    }
    for name in POSSIBLE {
        let scene = Scene::new();
        let arguments = scene.arguments("unconfined", name);
        let ran = Program::new(Path::new(ITSELF)).args(&arguments).run(&|| false).unwrap();
        assert!(matches!(ran.ended, ansai_kit::program::Ended::By(status) if status.success()), "{name}: {ran:?}");
    }
}

/// The program of [`the_attempts_can_succeed`].
pub(crate) fn unconfined(arguments: &[String]) {
    let facts = Facts::from(arguments);
    let (_, attempt) = ATTEMPTS.iter().find(|(name, _)| *name == arguments[2]).unwrap();
    attempt(&facts).unwrap();
}

/// Prints the table of a profile as JSON.
pub(crate) fn print_table(profile: &str) {
    let profile = Profile::ALL.into_iter().find(|known| known.name() == profile).unwrap();
    println!("{}", serde_json::to_string(&table(profile)).unwrap());
}

fn possible(table: &BTreeMap<String, String>) -> Vec<&str> {
    table.iter().filter(|(_, outcome)| !outcome.starts_with("refused")).map(|(name, _)| name.as_str()).collect()
}

/// What became of each attempt. Printed too.
fn table(profile: Profile) -> BTreeMap<String, String> {
    let scene = Scene::new();
    let mut table = BTreeMap::new();
    for (name, _) in ATTEMPTS {
        let outcome = attempted(&scene, profile, &[], name);
        eprintln!("{:6} {name:40} {outcome}", profile.name());
        table.insert((*name).to_owned(), outcome);
    }
    assert!(std::fs::read_dir(scene.cache.path()).unwrap().count() == 1, "the cache was changed");
    table
}

/// What became of an attempt, in a child that `before` makes another one.
pub(crate) fn attempted(scene: &Scene, profile: Profile, before: &[&str], name: &str) -> String {
    let arguments = scene.arguments("attempt", name);
    let arguments: Vec<&str> = before.iter().copied().chain(arguments.iter().map(String::as_str)).collect();
    let mut child = start(profile, "attempts", &arguments);
    match child.channel.receive(MOST, Some(PATIENCE)) {
        Ok(frame) => String::from_utf8(frame.payload).unwrap(),
        Err(ChannelError::Closed) => match child.wait() {
            Ended::Signalled(libc::SIGSYS) => "refused: ended by SIGSYS".to_owned(),
            other => format!("{other:?}: {:?}", child.process.last_lines()),
        },
        Err(error) => error.to_string(),
    }
}

pub(crate) struct Scene {
    cache: tempfile::TempDir,
    listener: TcpListener,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let cache = tempfile::tempdir().unwrap();
        std::fs::set_permissions(cache.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        std::fs::write(cache.path().join("there"), "code").unwrap();
        std::fs::set_permissions(cache.path().join("there"), std::fs::Permissions::from_mode(0o666)).unwrap();
        Scene { cache, listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    fn arguments(&self, verb: &str, name: &str) -> [String; 5] {
        let port = self.listener.local_addr().unwrap().port();
        let cache = self.cache.path().to_str().unwrap();
        [verb, name, &std::process::id().to_string(), cache, &port.to_string()].map(str::to_owned)
    }
}
