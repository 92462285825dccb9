//! `clean-cache`, its preview: what the manager's command must not remove refuses the step as a whole, because the
//! command removes everything.

use std::os::unix::fs::symlink;

use ansai_core::Refusal;
use ansai_kit::action::Proposed;
use rustix::fs::FlockOperation;
use rustix::mount::{UnmountFlags, mount_bind, unmount};

use crate::scene::{CACHE, Scene, Verb, in_a_namespace, mode};
use crate::users::{Mapping, Running};

fn propose(scene: &Scene) -> Result<Proposed, Refusal> {
    Verb::CleanCache.propose(&scene.host)
}

#[test]
fn an_archive_in_use_is_busy() {
    let scene = Scene::new().with_real_processes();
    let (package, other) = (scene.package("a.deb"), scene.package("partial/b.deb"));
    assert_eq!(propose(&scene).unwrap().preview.items, 2);
    let is_busy = || matches!(propose(&scene), Err(Refusal::Busy(why)) if why.contains("a.deb"));
    let open = std::fs::File::open(&package).unwrap();
    assert!(is_busy(), "open");
    rustix::fs::flock(&open, FlockOperation::LockShared).unwrap();
    assert!(is_busy(), "locked");
    drop(open);
    let mapping = Mapping::read_only(&package);
    assert!(is_busy(), "mapped");
    drop(mapping);
    assert!(propose(&scene).is_ok());
    // The program runs from the other archive: it is mapped, and no descriptor leads to it.
    let _running = Running::from(&other);
    assert!(matches!(propose(&scene), Err(Refusal::Busy(why)) if why.contains("b.deb")));
}

#[test]
fn what_no_action_touches_the_command_must_not_remove() {
    let scene = Scene::new();
    let package = scene.package("a.deb");
    mode(&package, 0o4644);
    assert!(matches!(propose(&scene), Err(Refusal::Unavailable(why)) if why.contains("setuid")));
    mode(&package, 0o644);
    assert!(propose(&scene).is_ok());
    // Removing one of several names loses nothing.
    std::fs::hard_link(&package, scene.path("kept")).unwrap();
    assert_eq!(propose(&scene).unwrap().preview.frees_now_bytes, 0);
    symlink("/etc/passwd", scene.path(format!("{CACHE}/link.deb"))).unwrap();
    assert!(matches!(propose(&scene), Err(Refusal::Unavailable(_))));
}

#[test]
fn a_protected_directory_below_the_cache_is_denied() {
    for path in ["/var/cache/apt/archives/partial", "/var/cache/apt/archives/partial/state", "/var/cache/apt/archives"]
    {
        let scene = Scene::new().protecting(path);
        scene.package("a.deb");
        scene.file(format!("{CACHE}/partial/state/x"), b"");
        assert!(matches!(propose(&scene), Err(Refusal::Denied(_))), "{path}");
    }
    // By a link that leads there, and below a protected directory by a link that leads away.
    let scene = Scene::new().protecting("/state");
    scene.package("partial/b.deb");
    symlink(format!("{CACHE}/partial"), scene.path("state")).unwrap();
    assert!(matches!(propose(&scene), Err(Refusal::Denied(_))));
    let scene = Scene::new().protecting("/caches");
    scene.package("a.deb");
    std::fs::rename(scene.path("var/cache"), scene.path("caches")).unwrap();
    symlink("/caches", scene.path("var/cache")).unwrap();
    assert!(matches!(propose(&scene), Err(Refusal::Denied(_))));
    // One that only begins with the same letters is another one.
    let scene = Scene::new().protecting("/var/cache/apt/arch");
    scene.package("a.deb");
    assert!(propose(&scene).is_ok());
}

#[test]
fn a_mount_below_the_cache_is_refused() {
    in_a_namespace("packages::mounted_below");
}

#[test]
#[ignore = "run by a_mount_below_the_cache_is_refused, in a namespace"]
fn mounted_below() {
    let scene = Scene::new();
    let package = scene.package("a.deb");
    let partial = scene.path(format!("{CACHE}/partial"));
    std::fs::create_dir(&partial).unwrap();
    let precious = scene.file("precious/p.deb", b"precious");
    assert_eq!(propose(&scene).unwrap().preview.items, 1);
    // The same device: only the number of the mount differs.
    mount_bind(scene.path("precious"), &partial).unwrap();
    assert!(matches!(propose(&scene), Err(Refusal::Unavailable(_))));
    unmount(&partial, UnmountFlags::DETACH).unwrap();
    mount_bind(&precious, &package).unwrap();
    assert!(matches!(propose(&scene), Err(Refusal::Unavailable(why)) if why.contains("other-device")));
    unmount(&package, UnmountFlags::DETACH).unwrap();
    assert!(propose(&scene).is_ok());
    // The cache itself may be a mount.
    let cache = scene.path(CACHE);
    rustix::mount::mount("none", &cache, "tmpfs", rustix::mount::MountFlags::empty(), None).unwrap();
    scene.package("a.deb");
    assert_eq!(propose(&scene).unwrap().preview.items, 1);
    unmount(&cache, UnmountFlags::DETACH).unwrap();
}

#[test]
fn a_step_names_every_file_that_the_command_would_remove() {
    let scene = Scene::new();
    for number in 0..20_000 {
        scene.file(format!("{CACHE}/{number}.deb"), b"");
    }
    let step = propose(&scene).unwrap();
    assert_eq!((step.preview.items, step.preview.complete), (20_000, true));
    scene.package("one-more.deb");
    assert!(matches!(propose(&scene), Err(Refusal::OverBudget(_))));
}
