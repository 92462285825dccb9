//! `list-lineages` and `look-file`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use ansai_certificates::Pairing;
use ansai_core::{Refusal, Scope};
use ansai_harness::pki::LONG;
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::target::Reach;
use rustix::fs::inotify;
use serde_json::json;

use super::scene::{DAY, NAME, NEW, NOW, Scene, now};
use crate::certificate::fields;
use crate::certificate::lineages::{Lineage, list};
use crate::certificate::look_file::{Chain, LookFile, look_file};

fn all(scene: &Scene) -> Vec<Lineage> {
    list(&scene.site, None, |_| true, || false).unwrap().entries
}

#[test]
fn a_lineage_shows_what_is_installed_and_what_is_staged() {
    let scene = Scene::new();
    let one = &all(&scene)[0];
    assert_eq!((one.name.as_str(), one.manager.as_str(), one.last_failure.as_str()), (NAME, "certbot", ""));
    assert_eq!(one.path, scene.live("fullchain").display().to_string());
    assert_eq!(one.current.as_ref().unwrap().names, [NAME, "www.a.example"]);
    assert!(one.staged.is_none());
    let new = scene.authority.issue(&[NAME, "www.a.example"], NEW);
    scene.stage(&new);
    assert_eq!(all(&scene)[0].staged.as_ref().unwrap().not_after.as_millis(), NEW.1 * 1000);
    scene.write_version(&scene.site.config, 2, &new);
    assert!(all(&scene)[0].staged.is_none(), "it is installed");
}

#[test]
fn when_to_renew_depends_on_the_life_of_the_certificate() {
    for (days, setting, expected) in
        [(90, "", 60), (47, "", 31), (6, "", 3), (90, "renew_before_expiry = 20 days\n", 70)]
    {
        let scene = Scene::new();
        let issued = scene.authority.issue(&[NAME], (NOW, NOW + days * DAY));
        scene.write_version(&scene.site.config, 1, &issued);
        let file = scene.site.config.join("renewal").join(format!("{NAME}.conf"));
        let text = format!("{setting}{}", fs::read_to_string(&file).unwrap());
        fs::write(&file, text).unwrap();
        let one = &all(&scene)[0];
        let after = one.renew_after.unwrap().as_millis() / 1000 - NOW;
        assert_eq!(after / DAY, expected, "{days} days, {setting:?}");
        assert_eq!(one.renew_before.unwrap().as_millis() / 1000, NOW + days * DAY);
    }
}

#[test]
fn one_lineage_that_cannot_be_read_hides_no_other() {
    let scene = Scene::new();
    let renewal = scene.site.config.join("renewal");
    for bad in [".hidden.conf", "a b.conf", "-x.conf", "\u{1b}[2J.conf"] {
        fs::write(renewal.join(bad), "").unwrap();
    }
    for broken in ["b.example", "c.example", "d.example"] {
        fs::write(renewal.join(format!("{broken}.conf")), "").unwrap();
    }
    let live = scene.site.config.join("live");
    fs::create_dir(live.join("c.example")).unwrap();
    symlink("/etc/passwd", live.join("c.example/fullchain.pem")).unwrap();
    fs::create_dir(live.join("d.example")).unwrap();
    symlink("../../archive/a.example/fullchain1.pem", live.join("d.example/fullchain.pem")).unwrap();
    let page = list(&scene.site, None, |_| true, || false).unwrap();
    let found: Vec<(&str, bool)> = page.entries.iter().map(|one| (one.name.as_str(), one.current.is_some())).collect();
    assert_eq!(found, [(NAME, true), ("b.example", false), ("c.example", false), ("d.example", false)]);
    assert_eq!((page.skipped, page.complete), (4, true));
    let page = list(&scene.site, Some("b.example"), |path| !path.contains("/d."), || false).unwrap();
    assert_eq!(page.entries.len(), 1, "what the grant does not cover is left out");
    assert!(matches!(list(&scene.site, None, |_| true, || true), Err(Refusal::TimedOut(_))));
}

#[test]
fn directories_that_others_can_change_are_not_believed() {
    let scene = Scene::new();
    fs::set_permissions(&scene.site.config, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(list(&scene.site, None, |_| true, || false), Err(Refusal::Unavailable(_))));
    fs::remove_dir_all(&scene.site.config).unwrap();
    assert!(matches!(list(&scene.site, None, |_| true, || false), Err(Refusal::Unsupported(_))));
}

fn look(scene: &Scene, path: &str, key: Option<&str>) -> Result<Chain, Refusal> {
    let (host, deadline) = (Host::at("/"), Deadline::after(Duration::from_secs(60)));
    let scope = Scope::default().with_set(&fields::ROOTS, [scene.site.config.display().to_string()]);
    let ask = ProbeContext { host: &host, scope: &scope, reach: Reach::none(), now: now(), deadline: &deadline };
    let arguments = json!({"path": path, "key-path": key});
    look_file(&ask, serde_json::from_value::<LookFile>(arguments).unwrap())
}

#[test]
fn a_file_is_shown_with_its_key_compared_and_nothing_of_the_key() {
    let scene = Scene::new();
    let of = |kind: &str| scene.live(kind).display().to_string();
    let chain = look(&scene, &of("fullchain"), Some(&of("privkey"))).unwrap();
    assert_eq!((chain.certificates.len(), chain.key, chain.omitted), (2, Pairing::Matches, 0));
    let text = serde_json::to_string(&chain).unwrap();
    let secret: Vec<&str> = scene.installed.key.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(secret.iter().all(|line| !text.contains(line)) && !text.contains("PRIVATE"), "{text}");
    let other = scene.authority.issue(&[NAME], LONG);
    let file = scene.site.config.join("other.key");
    fs::write(&file, &other.key).unwrap();
    let chain = look(&scene, &of("fullchain"), Some(&file.display().to_string())).unwrap();
    assert_eq!(chain.key, Pairing::Differs);
}

#[test]
fn paths_that_lead_elsewhere_or_hang_are_refused() {
    let scene = Scene::new();
    let config = scene.site.config.display().to_string();
    let outside = scene.path().join("outside.pem");
    fs::write(&outside, &scene.installed.pem).unwrap();
    symlink(&outside, scene.site.config.join("out.pem")).unwrap();
    let fifo = scene.site.config.join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    fs::write(scene.site.config.join("large"), vec![b'a'; (4 << 20) + 1]).unwrap();
    fs::write(scene.site.config.join("text"), "nothing").unwrap();
    let refused = |path: &str, key: Option<&str>| look(&scene, path, key).unwrap_err();
    let good = scene.live("fullchain").display().to_string();
    let opened = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&opened, &outside, inotify::WatchFlags::OPEN).unwrap();
    inotify::add_watch(&opened, &fifo, inotify::WatchFlags::OPEN).unwrap();
    assert!(matches!(refused(&format!("{config}/out.pem"), None), Refusal::Denied(_)));
    assert!(matches!(refused(&good, Some(&outside.display().to_string())), Refusal::Denied(_)));
    assert!(matches!(refused(&good, Some(&format!("{config}/out.pem"))), Refusal::Denied(_)));
    assert!(matches!(refused(&format!("{config}/fifo"), None), Refusal::Invalid(_)));
    let read = rustix::io::read(&opened, &mut [0_u8; 4_096]);
    assert_eq!(read, Err(rustix::io::Errno::AGAIN), "to open a device can act");
    assert!(matches!(refused(&config, None), Refusal::Invalid(_)));
    assert!(matches!(refused(&format!("{config}/large"), None), Refusal::Unavailable(_)));
    assert!(matches!(refused(&format!("{config}/text"), None), Refusal::Invalid(_)));
    assert!(matches!(refused(&format!("{config}/none"), None), Refusal::NotFound(_)));
    for spelling in ["relative", "/a\0b", "/a/../b", "/a//b"] {
        assert!(matches!(refused(spelling, None), Refusal::Invalid(_)), "{spelling:?}");
    }
}
