//! The processes for guest code and for clients inherit the limits of the unit. They need some of what it could forbid.

use ansai_harness::requires_root;

use super::Host;

/// Settings of the unit that its processes inherit.
const INHERITED: &[&str] =
    &["NoNewPrivileges=", "CapabilityBoundingSet=", "SystemCall", "Restrict", "LockPersonality="];

#[test]
fn systemd_under_the_limits_of_the_unit_every_separation_is_in_force() {
    if !requires_root() {
        return;
    }
    let host = Host::start(&[]);
    let unit = host.run(&["ansai", "install-unit", "--print"]).expect_code(0).stdout.clone();
    let is_inherited =
        |line: &&str| INHERITED.iter().any(|name| line.starts_with(name)) && !line.starts_with("Restart");
    let limits: Vec<&str> = unit.lines().filter(is_inherited).flat_map(|line| ["-p", line]).collect();
    assert!(limits.len() >= 20, "{limits:?}");
    let program = ["/usr/local/bin/ansai", "doctor", "--format", "json"];
    let command = [&["systemd-run", "--quiet", "--wait", "--pipe"][..], &limits, &program].concat();
    let ran = host.run(&command);
    let findings = ran.expect_code(0).json();
    let findings = findings.as_array().unwrap().iter();
    let isolation: Vec<_> = findings.filter(|one| one["what"].as_str().unwrap().starts_with("isolation of ")).collect();
    assert_eq!(isolation.len(), 3);
    for finding in isolation {
        assert_eq!(finding["answer"], "ok", "{finding}");
    }
}
