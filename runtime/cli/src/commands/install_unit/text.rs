//! The text of the unit: the one of the package, with other paths.

use std::path::Path;

use ansai_core::codes;
use ansai_core::text::inert;

use crate::exit::Fault;

/// The name of the unit.
pub(super) const NAME: &str = "ansai.service";
/// The first line of a unit that this command wrote.
pub(super) const FIRST_LINE: &str = "# Written by `ansai install-unit`. Change it with `systemctl edit ansai`.\n";

/// `scripts/install` fills the same template.
const TEMPLATE: &str = include_str!("../../../../../scripts/packaging/ansai.service");
const PROGRAM: &str = "@PREFIX@/bin/ansai";
const CONFIG: &str = "@SYSCONFDIR@/ansai/ansai.toml";

/// The unit that runs a program with a configuration.
pub(super) fn of(program: &Path, config: &Path) -> Result<String, Fault> {
    let (program, config) = (plain(program)?, plain(config)?);
    Ok(format!("{FIRST_LINE}{}", TEMPLATE.replace(PROGRAM, program).replace(CONFIG, config)))
}

/// A path that means the same everywhere in a unit: spaces, quotes, `%` and `$` do not.
fn plain(path: &Path) -> Result<&str, Fault> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-@:,=".contains(c);
    path.to_str().filter(|text| text.chars().all(is_plain)).ok_or_else(|| {
        let path = inert(&path.to_string_lossy(), 500);
        Fault::usage(codes::BAD_PATH, format!("{path} cannot be written in a unit of systemd"))
            .hint("use a path of letters, digits and the characters / . _ + - @ : , =")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_paths_are_filled_in_everywhere() {
        let text = of(Path::new("/opt/ansai/bin/ansai"), Path::new("/opt/ansai/etc/ansai.toml")).unwrap();
        assert!(text.contains("\nExecStart=/opt/ansai/bin/ansai run --config /opt/ansai/etc/ansai.toml\n"), "{text}");
        assert!(text.contains("\nConditionPathExists=/opt/ansai/etc/ansai.toml\n"), "{text}");
        assert!(text.starts_with(FIRST_LINE) && !text.contains("@PREFIX") && !text.contains("@SYSCONFDIR"), "{text}");
    }

    /// Without it, systemd stops ansai when the kernel ends a worker.
    #[test]
    fn the_end_of_a_worker_without_memory_does_not_end_ansai() {
        assert!(TEMPLATE.contains("\nOOMPolicy=continue\n"));
    }

    #[test]
    fn a_path_that_a_unit_would_read_otherwise_is_refused() {
        let good = Path::new("/usr/bin/ansai");
        for bad in
            ["/opt/my ansai", "/opt/%n", "/opt/$HOME", "/opt/a\nExecStartPre=/bin/rm", "/opt/\"x", "/opt/é", "/a;b"]
        {
            let error = of(good, Path::new(bad)).unwrap_err();
            assert_eq!(error.code, codes::BAD_PATH, "{bad}");
            assert!(!error.message.contains('\n'), "{}", error.message);
            assert!(of(Path::new(bad), good).is_err(), "{bad}");
        }
    }
}
