#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;

fn never(own: &[(&str, &[&str])], allowed: &[&str]) -> Never {
    let patterns = |texts: &[&str]| texts.iter().map(|text| NamePattern::new(text).unwrap()).collect();
    let own = own.iter().map(|(kind, texts)| ((*kind).to_owned(), patterns(texts))).collect();
    let allowed = allowed.iter().map(|name| (*name).to_owned()).collect();
    Never::new(own, BTreeMap::from([(UNIT.to_owned(), allowed)]))
}

/// Why a step may not touch a thing; `None` if it may.
fn why(never: &Never, kind: &str, name: &str) -> Option<String> {
    let nginx = Touch::exclusive(Subject::new(UNIT, "nginx.service"));
    let told = |touch: Touch| never.check([&nginx, &touch]).err().map(|refusal| refusal.to_string());
    let subject = || Subject::new(kind, name);
    let (shared, exclusive) = (told(Touch::shared(subject())), told(Touch::exclusive(subject())));
    assert_eq!(shared, exclusive, "relying on a thing is touching it");
    shared
}

#[test]
fn defaults_are_in_force_without_a_configuration() {
    let never = Never::default();
    for name in [
        "ansai.service",
        "ansai-reach.socket",
        "init.scope",
        "dbus.socket",
        "dbus-broker.service",
        "systemd-journald.service",
        "systemd-journald-dev-log.socket",
        "systemd-logind.service",
        "systemd-udevd-kernel.socket",
        "ssh.service",
        "ssh.socket",
        "sshd.service",
        "sshd@1-10.0.0.1:22.service",
        "getty@tty1.service",
        "serial-getty@ttyS0.service",
        "NetworkManager.service",
        "NetworkManager-dispatcher.service",
        "systemd-networkd.socket",
        "networking.service",
        "wpa_supplicant@wlan0.service",
        "systemd-resolved.service",
        "session-4.scope",
    ] {
        assert!(why(&never, UNIT, name).is_some(), "{name}");
        assert_eq!(why(&never, "container", name), None, "{name} of another kind");
    }
    let others =
        ["nginx.service", "postgresql.service", "sshguard.service", "networkmanager.service", "my-dbus.service"];
    for name in others {
        assert_eq!(why(&never, UNIT, name), None, "{name}");
    }
}

#[test]
fn a_refusal_names_the_entry_and_its_place() {
    let never = never(&[(UNIT, &["drbd*", "postgresql.service"]), ("filesystem", &["/srv/legacy"])], &[]);
    assert_eq!(
        why(&never, UNIT, "postgresql.service").unwrap(),
        "denied: no step may touch unit postgresql.service: [never] `unit` has `postgresql.service`, entry 2 of 2"
    );
    assert!(why(&never, "filesystem", "/srv/legacy").unwrap().ends_with("`/srv/legacy`, entry 1 of 1"));
    assert_eq!(why(&never, "filesystem", "/srv/legacy/sub"), None, "another file system");
    assert_eq!(
        why(&never, UNIT, "ssh.service").unwrap(),
        "denied: no step may touch unit ssh.service: [never] has `ssh.*` for `unit` by default; to allow it, add \
         \"ssh.service\" to `unit` in [never.allow]"
    );
    assert!(why(&never, UNIT, "ansai.service").unwrap().ends_with("[never] always has `ansai*` for `unit`"));
    assert!(!why(&never, UNIT, "drbd\u{1b}[2J").unwrap().contains('\u{1b}'));
}

#[test]
fn an_exception_is_one_name_and_only_to_a_default() {
    let allowing = never(&[], &["getty@tty1.service", "ansai.service"]);
    assert_eq!(why(&allowing, UNIT, "getty@tty1.service"), None);
    assert!(why(&allowing, UNIT, "getty@tty2.service").is_some());
    assert!(why(&allowing, UNIT, "ansai.service").is_some(), "never");
    let both = never(&[(UNIT, &["getty@*"])], &["getty@tty1.service"]);
    assert!(why(&both, UNIT, "getty@tty1.service").unwrap().contains("entry 1 of 1"), "the operator's entry stays");
}
