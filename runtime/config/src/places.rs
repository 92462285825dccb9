//! Where the daemon of a configuration is, also if the rest of the configuration is not valid: a daemon goes on while a
//! person corrects the file, and can still be asked.

use std::path::{Path, PathBuf};

use crate::file;
use crate::node::{MOST_HOST_VALUES, Node};
use crate::source::MOST_HOST_BYTES;

/// Where a daemon keeps its state and listens. What the file does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// `state_dir` of `[daemon]`, an absolute path.
    pub state_dir: Option<PathBuf>,
    /// `socket` of `[control]`, an absolute path.
    pub socket: Option<PathBuf>,
}

impl Places {
    /// As far as a file says them before a mistake of syntax; `None` if it cannot be read.
    pub fn of(path: &Path) -> Option<Places> {
        match file::read(path, MOST_HOST_BYTES) {
            Ok((source, None, _)) => Some(Places::of_text(&source.text)),
            _ => None,
        }
    }

    fn of_text(text: &str) -> Places {
        let node = match Node::from_toml(text, MOST_HOST_VALUES) {
            Ok(node) => Some(node),
            Err(problem) => {
                let before = problem.span.and_then(|span| text.get(..span.start)).unwrap_or_default();
                let lines = before.rfind('\n').and_then(|end| before.get(..end)).unwrap_or_default();
                Node::from_toml(lines, MOST_HOST_VALUES).ok()
            }
        };
        let path = |table: &str, key: &str| {
            let entry = |node: &Node, key: &str| {
                node.entries()?.iter().find(|entry| entry.key == key).map(|entry| entry.node.clone())
            };
            let written = entry(&entry(node.as_ref()?, table)?, key)?;
            written.text().filter(|path| ansai_core::scope::is_plain_absolute(path)).map(PathBuf::from)
        };
        Places { state_dir: path("daemon", "state_dir"), socket: path("control", "socket") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "[daemon]\nstate_dir = \"/srv/ansai\"\n[control]\nsocket = \"/run/a.sock\"\n";

    /// Would break: a person cannot pause a daemon because of a mistake somewhere else in the file.
    #[test]
    fn a_mistake_elsewhere_does_not_matter() {
        let all = Places { state_dir: Some("/srv/ansai".into()), socket: Some("/run/a.sock".into()) };
        for mistake in
            ["[policy.p]\nmode = \"enfroce\"\n", "[policy.p]\nmode = enforce\n", "[policy.p\n", "[daemon]\n", "[\n"]
        {
            assert_eq!(Places::of_text(&format!("{SAID}{mistake}")), all, "{mistake}");
        }
    }

    #[test]
    fn what_is_not_said_is_not_guessed() {
        for text in [
            "",
            "[daemon\nstate_dir = \"/srv/ansai\"\n",
            "daemon = 1",
            "[daemon]\nstate_dir = 1\n",
            "[daemon]\nstate_dir = \"srv/../ansai\"\n",
            "\u{0}",
        ] {
            assert_eq!(Places::of_text(text), Places::default(), "{text:?}");
        }
        assert_eq!(Places::of(Path::new("/nowhere/ansai.toml")), None);
        assert_eq!(Places::of(Path::new("/dev/zero")), None);
    }
}
