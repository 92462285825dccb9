//! Which files a step is about.

use crate::never;
use crate::port::{FileQuery, Selection};
use crate::settings::Settings;

/// What compressing would not make smaller.
const COMPRESSED: &[&str] = &["gz", "xz", "zst", "bz2", "lz4", "zip", "tgz", "br", "7z"];
/// Private directories and locks of programs that run, among temporary files.
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
pub(crate) struct Kind {
    /// What tells it apart from others below the same root.
    pub(crate) name: &'static str,
    globs: Vec<String>,
    exclude: Vec<String>,
    pub(crate) min_age_hours: u32,
    /// Where to begin in a root that is too large for one look.
    pub(crate) from: Option<String>,
}

impl Kind {
    /// Rotated logs that are past their time.
    pub(crate) fn old_logs(root: &str, settings: &Settings, min_age_hours: u32) -> Kind {
        Kind::new("old-logs", settings.log_globs.clone(), never::exclude(root), min_age_hours)
    }

    /// Rotated logs that are not compressed yet.
    pub(crate) fn plain_logs(root: &str, settings: &Settings, min_age_hours: u32) -> Kind {
        let mut kind = Kind::old_logs(root, settings, min_age_hours);
        kind.globs.retain(|glob| !is_compressed(glob));
        kind.without_compressed()
    }

    /// Logs that would be written to, but are not.
    pub(crate) fn idle_logs(root: &str, min_age_hours: u32) -> Kind {
        Kind::new("idle-logs", vec!["**/*.log".into()], never::exclude(root), min_age_hours)
    }

    pub(crate) fn temporary(root: &str, min_age_hours: u32) -> Kind {
        let mut exclude = never::exclude(root);
        exclude.extend(PRIVATE.iter().map(|pattern| (*pattern).to_owned()));
        Kind::new("temporary", vec!["**/*".into()], exclude, min_age_hours)
    }

    fn new(name: &'static str, globs: Vec<String>, exclude: Vec<String>, min_age_hours: u32) -> Kind {
        Kind { name, globs, exclude, min_age_hours, from: None }
    }

    fn without_compressed(mut self) -> Kind {
        self.exclude.extend(COMPRESSED.iter().map(|extension| format!("**/*.{extension}")));
        self
    }

    /// To look first. What is left out is counted here all the same.
    pub(crate) fn query(&self, root: &str) -> FileQuery {
        FileQuery { root: root.to_owned(), globs: self.globs.clone(), min_age_hours: self.min_age_hours }
    }

    /// To propose: oldest first, until so many bytes come back or so many files are found; 0 for no such end.
    pub(crate) fn select(&self, root: &str, enough_bytes: u64, max_files: u32) -> Selection {
        Selection {
            root: root.to_owned(),
            globs: self.globs.clone(),
            exclude: self.exclude.clone(),
            min_age_hours: self.min_age_hours,
            max_files,
            enough_bytes,
            cursor: self.from.clone(),
        }
    }
}

pub(crate) fn is_compressed(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| COMPRESSED.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::with;

    #[test]
    fn what_is_compressed_is_not_compressed_again() {
        let settings = Settings::parse(&with(|_| {})).unwrap();
        let plain = Kind::plain_logs("/var/log", &settings, 24);
        assert!(plain.globs.iter().all(|glob| !is_compressed(glob)));
        assert!(plain.exclude.iter().any(|glob| glob == "**/*.gz"));
        assert!(!Kind::old_logs("/var/log", &settings, 720).exclude.iter().any(|glob| glob == "**/*.gz"));
        assert!(is_compressed("/var/log/a.log.1.gz") && !is_compressed("/var/log/a.log.1"));
    }

    #[test]
    fn no_setting_shortens_what_is_never_touched() {
        let settings = Settings::parse(&with(|s| s["log_globs"] = serde_json::json!(["**/*"]))).unwrap();
        for kind in [
            Kind::old_logs("/srv", &settings, 1),
            Kind::plain_logs("/srv", &settings, 1),
            Kind::idle_logs("/srv", 1),
            Kind::temporary("/srv", 1),
        ] {
            for pattern in crate::never::exclude("/srv") {
                assert!(kind.exclude.contains(&pattern), "{pattern}");
            }
        }
    }
}
