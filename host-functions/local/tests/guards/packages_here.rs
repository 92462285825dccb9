//! `clean-cache` with the real `apt-get`, in a mount namespace where the cache is an empty file system in memory.

use std::path::Path;

use ansai_core::Refusal;
use ansai_kit::action::Fate;
use ansai_kit::host::Host;
use rustix::mount::{MountFlags, mount};

use crate::changes::{CHANGES, make};
use crate::scene::{Verb, in_a_namespace};
use crate::users::Running;

const CACHE: &str = "/var/cache/apt/archives";

#[test]
fn the_real_command_runs_only_where_the_guard_lets_it() {
    if !Path::new("/usr/bin/apt-get").exists() {
        return;
    }
    in_a_namespace("packages_here::real_command");
}

fn package(name: &str) -> std::path::PathBuf {
    let path = Path::new(CACHE).join(name);
    std::fs::write(&path, [b'p'; 8192]).unwrap();
    path
}

#[test]
#[ignore = "run by the_real_command_runs_only_where_the_guard_lets_it, in a namespace"]
fn real_command() {
    mount("none", CACHE, "tmpfs", MountFlags::empty(), None).unwrap();
    std::fs::create_dir(Path::new(CACHE).join("partial")).unwrap();
    let aside = Path::new(CACHE).join("auxfiles");
    let host = Host::at("/");
    for (what, _) in CHANGES {
        let (one, two) = (package("a.deb"), package("partial/b.deb"));
        let step = Verb::CleanCache.propose(&host).unwrap();
        assert_eq!(step.preview.items, 2, "{what}");
        let kept = make(what, &one, &aside);
        let refused = Verb::CleanCache.begin(&host, "plan7-0", &step);
        assert!(
            matches!(refused, Err(Refusal::Changed(_) | Refusal::Busy(_) | Refusal::Unavailable(_))),
            "{what}: {refused:?}"
        );
        assert!(one.symlink_metadata().is_ok() && two.exists(), "{what}");
        drop(kept);
        let _ = std::fs::remove_file(&one).or_else(|_| std::fs::remove_dir(&one));
        let _ = std::fs::remove_file(&aside);
    }

    let (one, two) = (package("a.deb"), package("partial/b.deb"));
    let step = Verb::CleanCache.propose(&host).unwrap();
    let new = package("new.deb");
    let refused = Verb::CleanCache.begin(&host, "plan7-0", &step);
    assert!(matches!(&refused, Err(Refusal::Changed(why)) if why.contains("new.deb")), "{refused:?}");
    std::fs::remove_file(new).unwrap();

    let running = Running::from(&two);
    assert!(matches!(Verb::CleanCache.propose(&host), Err(Refusal::Busy(_))));
    drop(running);

    let odd: Vec<_> = ["-rf.deb", " .deb", "a\n\u{1b}[31m.deb", "\\x2f..\\.deb", "partial/..deb"].map(package).into();
    let step = Verb::CleanCache.propose(&host).unwrap();
    assert_eq!(step.preview.items, 7);
    // What is gone already is no reason to refuse.
    std::fs::remove_file(&one).unwrap();
    let applied = Verb::CleanCache.begin(&host, "plan7-0", &step).unwrap();
    assert!(applied.items.iter().all(|item| item.fate == Fate::Done), "{applied:?}");
    assert!(!two.exists() && odd.iter().all(|path| !path.exists()));
}
