//! The command that restores a limit although ansai is dead.

use ansai_kit::guard::{Guard, Reversal};

use super::limits::{drop_in, drop_in_directory};
use super::target::Target;

/// Restores it, unless somebody has changed it meanwhile. If the service does not exist any more, only the file is removed, if
/// it says what the step has set: systemd would apply it to a service that gets the same name. `$1` is the service, `$2` the
/// limit of the step, `$3` the earlier one, `$4` the file to remove with its directory, `$5`, if there is one. No percent
/// signs: systemd expands them.
const SCRIPT: &str = "clean() { [ -z \"$1\" ] || { rm -f -- \"$1\"; rmdir -- \"$2\" 2>/dev/null; }; exit 0; }; \
                      loaded=$(systemctl show --property=LoadState --value -- \"$1\") || exit 1; \
                      [ \"$loaded\" != not-found ] || { \
                      grep -qsx \"MemoryHigh=$2\" -- \"$4\" && clean \"$4\" \"$5\"; exit 0; }; \
                      now=$(systemctl show --property=MemoryHigh --value -- \"$1\") || exit 1; \
                      [ \"$now\" = \"$2\" ] || exit 0; \
                      systemctl set-property --runtime -- \"$1\" \"MemoryHigh=$3\" || exit 1; \
                      clean \"$4\" \"$5\"";

/// The guard of a step that sets this limit.
pub(super) fn guard(target: &Target, bytes: u64) -> Guard {
    let earlier = target.high.map_or("infinity".into(), |high| high.to_string());
    let (file, directory) = match target.had_drop_in {
        true => (String::new(), String::new()),
        false => (drop_in(&target.id), drop_in_directory(&target.id)),
    };
    let mut arguments = vec!["-c".into(), SCRIPT.into(), "ansai".into(), target.id.clone()];
    arguments.extend([bytes.to_string(), earlier, file, directory]);
    Guard::Timer(Reversal { program: "/bin/sh".into(), arguments })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// Answers `show`, and writes down what it is told to set.
    const SYSTEMCTL: &str = "#!/bin/sh\ncase \"$*\" in *LoadState*) echo $LOADED ;; *\"show \"*) echo $NOW ;; \
                             *) echo \"$*\" >> \"${0%/*}/told\" ;; esac\n";

    /// What systemd was told to set, and whether the file of a limit of `says` is still there.
    fn run(loaded: &str, now: &str, says: u64) -> (String, bool) {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        std::fs::write(path("systemctl"), SYSTEMCTL).unwrap();
        std::fs::set_permissions(path("systemctl"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir(path("hog.service.d")).unwrap();
        let file = path("hog.service.d/limit");
        std::fs::write(&file, format!("[Service]\nMemoryHigh={says}\n")).unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "ansai", "hog.service", "80", "infinity"]).arg(&file).arg(path("hog.service.d"));
        shell.env("PATH", format!("{}:/usr/bin:/bin", place.path().display()));
        assert!(shell.env("LOADED", loaded).env("NOW", now).status().unwrap().success());
        let exists = |path: &Path| path.exists();
        assert_eq!(exists(&file), exists(file.parent().unwrap()));
        (std::fs::read_to_string(path("told")).unwrap_or_default(), exists(&file))
    }

    /// Would break: a limit for the next service of this name, and one of somebody else that is removed.
    #[test]
    fn the_guard_leaves_no_limit_for_the_next_service_of_this_name() {
        let told = "set-property --runtime -- hog.service MemoryHigh=infinity\n";
        assert_eq!(run("loaded", "80", 80), (told.to_owned(), false));
        assert_eq!(run("loaded", "90", 90), (String::new(), true), "somebody else has set it");
        assert_eq!(run("not-found", "infinity", 80), (String::new(), false));
        assert_eq!(run("not-found", "infinity", 90), (String::new(), true), "somebody else has set it");
    }
}
