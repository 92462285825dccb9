//! The systemd unit of a process, from its `/proc/<pid>/cgroup` (cgroups(7)).
//!
//! A user can create cgroups of any name below those that systemd delegates to them:
//! `/user.slice/user-1000.slice/user@1000.service/x/sshd.service`. Only systemd itself creates the cgroups above, and it
//! delegates no slice. So the outermost service or scope is the unit, and what is below it proves nothing.

/// The longest path that counts, in bytes.
const LONGEST: usize = 4096;
/// The longest name of a unit, in bytes (systemd's `UNIT_NAME_MAX`).
const LONGEST_NAME: usize = 255;

/// The name of the unit, as systemd writes it: `nginx.service`, `session-3.scope`. `None` if the process is in no
/// service and no scope, or the text does not prove it.
pub(crate) fn unit(text: &[u8]) -> Option<String> {
    let lines = || text.split(|byte| *byte == b'\n').filter_map(line);
    // With both versions of cgroups, systemd's own hierarchy decides.
    let systemds = lines().find(|(controllers, _)| controllers.split(|byte| *byte == b',').any(is_systemd));
    let (_, path) = systemds.or_else(|| lines().find(|(controllers, _)| controllers.is_empty()))?;
    outermost(path)
}

fn is_systemd(controller: &[u8]) -> bool {
    controller == b"name=systemd"
}

/// `0::/system.slice/nginx.service` or `1:name=systemd:/system.slice/nginx.service`: controllers and path.
fn line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = line.splitn(3, |byte| *byte == b':');
    let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    Some((controllers, path))
}

/// The first component that is a service or a scope, if only slices are above it. A path outside of this cgroup
/// namespace (`/../..`) has none.
fn outermost(path: &[u8]) -> Option<String> {
    if path.len() > LONGEST || path.iter().any(u8::is_ascii_control) {
        return None;
    }
    for component in path.strip_prefix(b"/")?.split(|byte| *byte == b'/') {
        let name = name(component)?;
        if name.ends_with(".service") || name.ends_with(".scope") {
            return Some(name.to_owned());
        }
        if !name.ends_with(".slice") {
            return None;
        }
    }
    None
}

/// The name of the unit of one cgroup, if it can be one. systemd puts a `_` before a name that the kernel would take for
/// one of its own files, and before one that begins with a `_`.
pub(crate) fn name(component: &[u8]) -> Option<&str> {
    let name = component.strip_prefix(b"_").unwrap_or(component);
    let may_have = |byte: &u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(byte);
    let is_valid = name.len() <= LONGEST_NAME && name.first().is_some_and(|first| *first != b'.');
    std::str::from_utf8(name).ok().filter(|_| is_valid && name.iter().all(may_have))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is(text: &str) -> Option<String> {
        unit(text.as_bytes())
    }

    #[test]
    fn services_and_scopes_of_both_versions() {
        for (text, expected) in [
            ("0::/system.slice/nginx.service\n", "nginx.service"),
            ("0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service"),
            ("0::/init.scope\n", "init.scope"),
            ("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"),
            ("12:pids:/a\n1:name=systemd:/system.slice/cron.service\n", "cron.service"),
            ("3:cpu,cpuacct:/\n1:name=systemd:/system.slice/cron.service\n0::/\n", "cron.service"),
            ("1:name=systemd:/system.slice/a.service\n0::/system.slice/b.service\n", "a.service"),
            ("0::/system.slice/nginx.service", "nginx.service"),
            // As systemd writes it, and without what it adds for the kernel.
            (r"0::/system.slice/serial\x2dgetty.service", r"serial\x2dgetty.service"),
            ("0::/system.slice/_cpu.service", "cpu.service"),
            ("0::/system.slice/__a.service", "_a.service"),
            ("0::/system.slice/docker-0a1b.scope", "docker-0a1b.scope"),
        ] {
            assert_eq!(is(text).as_deref(), Some(expected), "{text}");
        }
    }

    /// What a user can create below a cgroup that is delegated to them.
    #[test]
    fn a_user_cannot_pass_as_another_unit() {
        for (text, expected) in [
            ("0::/user.slice/user-1000.slice/user@1000.service/x/sshd.service", "user@1000.service"),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/sshd.service", "user@1000.service"),
            ("0::/user.slice/user-1000.slice/user@1000.service/system.slice/nginx.service", "user@1000.service"),
            ("0::/system.slice/docker-0a1b.scope/system.slice/nginx.service", "docker-0a1b.scope"),
            ("0::/system.slice/app.service/\u{1f980} \u{e9}/nginx.service", "app.service"),
            ("0::/system.slice/app.service/a:name=systemd:/system.slice/nginx.service", "app.service"),
            ("0::/system.slice/app.service (deleted)/nginx.service", ""),
        ] {
            let expected = Some(expected.to_owned()).filter(|name| !name.is_empty());
            assert_eq!(is(text), expected, "{text}");
        }
    }

    #[test]
    fn what_proves_no_unit_is_none() {
        let long = format!("0::/system.slice/a.service/{}", "x".repeat(LONGEST));
        let long_name = format!("0::/{}.service", "x".repeat(LONGEST_NAME));
        for text in [
            "",
            "\n\n",
            "0::/",
            "0::",
            "0:",
            "0::/..",
            "0::/../../system.slice/nginx.service",
            "0::/system.slice/../nginx.service",
            "0::system.slice/nginx.service",
            "0::/system.slice",
            "0::/docker/0a1b",
            "0::/docker/nginx.service",
            "0::/system.slice/dev-sda1.mount",
            "0::/.service",
            "0::/_.service",
            "0::/.slice/nginx.service",
            "0::/system.slice/a b.service",
            "0::/system.slice/a.service\r",
            "0::/system.slice/\u{1b}[31m.service",
            "0::/system.slice/nginx.service (deleted)",
            "5:cpu:/system.slice/nginx.service",
            "5:name=systemd2:/system.slice/nginx.service",
            // systemd's hierarchy decides, although the other one has a unit.
            "1:name=systemd:/\n0::/system.slice/nginx.service",
            &long,
            &long_name,
        ] {
            assert_eq!(is(text), None, "{text}");
        }
        assert_eq!(unit(b"0::/system.slice/\xff.service"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_unit_or_none(text in "(0::|1:name=systemd:|/|system.slice|a.service|\\.\\.|\\PC|\n){0,20}") {
            if let Some(name) = is(&text) {
                prop_assert!(name.ends_with(".service") || name.ends_with(".scope"));
            }
        }
    }
}
