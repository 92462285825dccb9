//! The host configuration as a file, and whether it may decide.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ansai_config::{HostConfig, Trust};
use ansai_core::{Interface, Mode, codes};

use crate::exit::{Fault, Warning};

/// A valid configuration with its file.
pub(crate) struct Configuration {
    pub(crate) path: PathBuf,
    pub(crate) config: HostConfig,
    pub(crate) trust: Trust,
    pub(crate) identity: Option<Identity>,
}

/// What tells one content of a file from another, and who could have written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    file: [i64; 5],
    owners: [u64; 7],
}

impl Identity {
    /// As the file is now.
    pub(crate) fn of(path: &Path) -> std::io::Result<Identity> {
        let file = std::fs::metadata(path)?;
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let parent = std::fs::metadata(parent)?;
        Ok(Identity {
            file: [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec(), file.size().cast_signed()],
            owners: [
                file.dev(),
                file.ino(),
                u64::from(file.mode()),
                u64::from(file.uid()),
                parent.ino(),
                u64::from(parent.mode()),
                u64::from(parent.uid()),
            ],
        })
    }
}

impl Configuration {
    /// Reads it; problems with their places.
    pub(crate) fn open(path: &Path, interfaces: &[Interface]) -> Result<Configuration, Fault> {
        // Taken before the content, so that a change in between is seen as one.
        let identity = Identity::of(path).ok();
        let (config, trust) = HostConfig::load(path, interfaces)
            .map_err(|problems| Fault::invalid(format!("{} cannot be used", path.display()), problems))?;
        Ok(Configuration { path: path.to_owned(), config, trust, identity })
    }

    /// The same where one was asked for.
    pub(crate) fn maybe(path: Option<&Path>, interfaces: &[Interface]) -> Result<Option<Configuration>, Fault> {
        path.map(|path| Configuration::open(path, interfaces)).transpose()
    }

    /// Refuses where somebody else may have written it and it would have something done; else the warning, if any.
    pub(crate) fn check_trust(&self, ceiling: Mode) -> Result<Option<Warning>, Fault> {
        let Some(problem) = self.trust.problem() else { return Ok(None) };
        let enforcing = self.config.policies.iter().find(|(_, instance)| instance.mode.min(ceiling) == Mode::Enforce);
        let (problem, hint) = match problem.split_once("; hint: ") {
            Some((problem, hint)) => (problem.to_owned(), Some(hint.to_owned())),
            None => (problem, None),
        };
        // Whoever can write it could have a command run, or a file written, in any mode.
        if self.config.export.is_some() {
            return Err(Fault::refused(
                codes::UNTRUSTED_CONFIGURATION,
                format!("{problem}: [audit.export] may not be used"),
            )
            .maybe_hint(hint));
        }
        match enforcing {
            Some((name, _)) => Err(Fault::refused(
                codes::UNTRUSTED_CONFIGURATION,
                format!("{problem}: [policy.{name}] may not enforce"),
            )
            .maybe_hint(hint.map(|hint| format!("{hint}, or run with --mode observe")))),
            None => Ok(Some(Warning::new(codes::UNTRUSTED_CONFIGURATION, problem))),
        }
    }
}
