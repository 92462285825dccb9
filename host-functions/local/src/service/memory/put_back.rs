//! The command that restores a limit although ansai is dead.

use ansai_kit::guard::{Guard, Reversal};

use super::limits::drop_in;
use super::target::Target;

/// Restores it, unless somebody has changed it meanwhile. `$1` is the service, `$2` the limit of the step, `$3` the earlier
/// one, `$4` the file to remove, if there is one.
const SCRIPT: &str = "now=$(systemctl show --property=MemoryHigh --value -- \"$1\") || exit 1; \
                      [ \"$now\" = \"$2\" ] || exit 0; \
                      systemctl set-property --runtime -- \"$1\" \"MemoryHigh=$3\" || exit 1; \
                      [ -z \"$4\" ] || { rm -f -- \"$4\"; rmdir -- \"${4%/*}\" 2>/dev/null; }; exit 0";

/// The guard of a step that sets this limit.
pub(super) fn guard(target: &Target, bytes: u64) -> Guard {
    let earlier = target.high.map_or("infinity".into(), |high| high.to_string());
    let file = if target.had_drop_in { String::new() } else { drop_in(&target.id) };
    let arguments =
        ["-c".into(), SCRIPT.into(), "ansai".into(), target.id.clone(), bytes.to_string(), earlier, file].to_vec();
    Guard::Timer(Reversal { program: "/bin/sh".into(), arguments })
}
