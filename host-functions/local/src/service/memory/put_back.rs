//! The command that restores a limit although ansai is dead.

use ansai_kit::guard::{Guard, Reversal};

use super::limits::{drop_in, drop_in_directory};
use super::target::Target;

/// Restores it, unless somebody has changed it meanwhile. `$1` is the service, `$2` the limit of the step, `$3` the earlier
/// one, `$4` the file to remove with its directory, `$5`, if there is one. No percent signs: systemd expands them.
const SCRIPT: &str = "now=$(systemctl show --property=MemoryHigh --value -- \"$1\") || exit 1; \
                      [ \"$now\" = \"$2\" ] || exit 0; \
                      systemctl set-property --runtime -- \"$1\" \"MemoryHigh=$3\" || exit 1; \
                      [ -z \"$4\" ] || { rm -f -- \"$4\"; rmdir -- \"$5\" 2>/dev/null; }; exit 0";

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
