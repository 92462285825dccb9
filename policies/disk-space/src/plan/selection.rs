//! Selects the files of a step.

use ansai_sdk::Span;
use ansai_sdk::paths::{exclude_protected, is_within};

use crate::imports::ansai::files::files_actions::Selection;
use crate::imports::ansai::files::files_probe::FileQuery;
use crate::settings::Settings;

/// Extensions of files that are compressed already.
const COMPRESSED: &[&str] = &["gz", "xz", "zst", "bz2", "lz4", "zip", "tgz", "br", "7z"];
/// Private directories and locks of running programs in directories for temporary files.
const PRIVATE: &[&str] = &[
    "**/systemd-private-*/**",
    "**/snap-private-tmp/**",
    "**/.X*-lock",
    "**/.X11-unix/**",
    "**/.ICE-unix/**",
    "**/ssh-*/**",
    "**/tmux-*/**",
    "**/*.lock",
    "**/*.pid",
];

/// Files of one kind below one root.
pub(super) struct Kind {
    /// A name that is unique among the kinds below the same root.
    pub(super) name: &'static str,
    what: &'static str,
    /// The same files are counted, listed and selected by a step.
    pub(super) query: FileQuery,
    /// Where to continue in a root that is too large for one scan.
    pub(super) from: Option<String>,
    /// How many there are; `None` if that is unknown.
    pub(super) files: Option<u64>,
}

impl Kind {
    /// Rotated logs that may be removed.
    pub(super) fn old_logs(root: &str, settings: &Settings, min_age_hours: u32) -> Kind {
        Kind::new("old-logs", "rotated logs", settings.log_globs.clone(), root, min_age_hours)
    }

    /// Rotated logs that are not compressed yet.
    pub(super) fn plain_logs(root: &str, settings: &Settings, min_age_hours: u32) -> Kind {
        let mut kind = Kind::old_logs(root, settings, min_age_hours);
        kind.query.globs.retain(|glob| !is_compressed(glob));
        kind.query.exclude.extend(COMPRESSED.iter().map(|extension| format!("**/*.{extension}")));
        kind
    }

    /// Logs that no process writes to.
    pub(super) fn idle_logs(root: &str, min_age_hours: u32) -> Kind {
        Kind::new("idle-logs", "logs without a writer", vec!["**/*.log".into()], root, min_age_hours)
    }

    /// Temporary files, without the directories with logs below the root.
    pub(super) fn temporary(root: &str, settings: &Settings, min_age_hours: u32) -> Kind {
        let mut kind = Kind::new("temporary", "temporary files", vec!["**/*".into()], root, min_age_hours);
        kind.query.exclude.extend(PRIVATE.iter().map(|pattern| (*pattern).to_owned()));
        let logs = settings.log_dirs.iter().filter(|log| is_within(log, root));
        let below = logs.filter_map(|log| log.strip_prefix(root.trim_end_matches('/'))?.strip_prefix('/'));
        kind.query.exclude.extend(below.map(|log| format!("{}/**", literal(log.trim_end_matches('/')))));
        kind
    }

    fn new(name: &'static str, what: &'static str, globs: Vec<String>, root: &str, min_age_hours: u32) -> Kind {
        let (exclude, root) = (exclude_protected(root), root.to_owned());
        let query = FileQuery { root, globs, exclude, min_age_hours, min_bytes: 0 };
        Kind { name, what, query, from: None, files: None }
    }

    /// A description: `temporary files older than 7 d`.
    pub(super) fn words(&self) -> String {
        format!("{} older than {}", self.what, Span::from_hours(self.query.min_age_hours))
    }

    /// The selection for a step: oldest first, until this many bytes are freed or files are found; 0 means no limit.
    pub(super) fn select(&self, enough_bytes: u64, max_files: u32) -> Selection {
        let FileQuery { root, globs, exclude, min_age_hours, min_bytes } = self.query.clone();
        let cursor = self.from.clone();
        Selection { root, globs, exclude, min_age_hours, min_bytes, max_files, enough_bytes, cursor }
    }
}

/// A pattern that matches only this path.
fn literal(path: &str) -> String {
    let special = |one: char| matches!(one, '*' | '?' | '[' | ']' | '{' | '}' | '\\');
    path.chars().flat_map(|one| special(one).then_some('\\').into_iter().chain([one])).collect()
}

fn is_compressed(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| COMPRESSED.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    #[test]
    fn a_compressed_file_is_not_compressed_again() {
        let settings = settings(|_| {});
        let plain = Kind::plain_logs("/var/log", &settings, 24);
        assert!(plain.query.globs.iter().all(|glob| !is_compressed(glob)));
        assert!(plain.query.exclude.iter().any(|glob| glob == "**/*.gz"));
        assert!(!Kind::old_logs("/var/log", &settings, 720).query.exclude.iter().any(|glob| glob == "**/*.gz"));
        assert!(is_compressed("/var/log/a.log.1.gz") && !is_compressed("/var/log/a.log.1"));
    }

    #[test]
    fn what_is_counted_is_what_a_step_selects() {
        let settings = settings(|_| {});
        for kind in [Kind::old_logs("/var/log", &settings, 720), Kind::temporary("/tmp", &settings, 168)] {
            let (query, step) = (&kind.query, kind.select(0, 0));
            assert!(!query.exclude.is_empty());
            assert_eq!((&query.root, &query.globs, &query.exclude), (&step.root, &step.globs, &step.exclude));
            assert_eq!((query.min_age_hours, query.min_bytes), (step.min_age_hours, step.min_bytes));
        }
    }

    #[test]
    fn logs_are_no_temporary_files() {
        let settings =
            settings(|settings| settings["log_dirs"] = serde_json::json!(["/tmp/a/log", "/tmp/[x]", "/logs"]));
        let excluded = |root: &str, pattern: &str| {
            Kind::temporary(root, &settings, 168).query.exclude.contains(&pattern.to_owned())
        };
        assert!(excluded("/tmp", "a/log/**") && excluded("/tmp", "\\[x\\]/**") && excluded("/", "logs/**"));
        assert!(excluded("/tmp/a", "log/**") && !excluded("/tmp", "logs/**"));
        assert!(!Kind::old_logs("/tmp", &settings, 1).query.exclude.contains(&"a/log/**".to_owned()));
    }

    #[test]
    fn no_setting_shortens_what_is_never_touched() {
        let settings = settings(|settings| settings["log_globs"] = serde_json::json!(["**/*"]));
        for kind in [
            Kind::old_logs("/srv", &settings, 1),
            Kind::plain_logs("/srv", &settings, 1),
            Kind::idle_logs("/srv", 1),
            Kind::temporary("/srv", &settings, 1),
        ] {
            for pattern in exclude_protected("/srv") {
                assert!(kind.query.exclude.contains(&pattern), "{pattern}");
            }
        }
    }
}
