//! The share directory, which holds the built-in policies: `policies/NAME/NAME.wasm`, as `make install` puts them there.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

use std::path::{Path, PathBuf};

use ansai_config::{BUILTIN, did_you_mean, is_name};
use ansai_core::codes;
use rustix::fs::FileType;
use rustix::io::Errno;

use crate::arguments::Global;
use crate::environment;
use crate::exit::Fault;
use crate::guarded::{self, Refused};

/// More than are ever built in.
const MOST_POLICIES: usize = 1_000;

/// Where built-in policies are looked for; nothing is looked at before one is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    asked: Option<PathBuf>,
}

impl Share {
    /// That of `--share-dir`, else `../share/ansai` from the program's directory.
    pub(crate) fn of(global: &Global) -> Share {
        Share { asked: global.share_dir.clone() }
    }

    /// The paths, with those of built-in policies instead of `builtin:NAME`.
    pub(crate) fn resolve(&self, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Fault> {
        let resolve = |path: &PathBuf| match path.to_str().and_then(|text| text.strip_prefix(BUILTIN)) {
            Some(name) => self.policy(name),
            None => Ok(path.clone()),
        };
        paths.iter().map(resolve).collect()
    }

    /// The component of a built-in policy, which no other user can change.
    pub(crate) fn policy(&self, name: &str) -> Result<PathBuf, Fault> {
        let (shown, policies) = self.open()?;
        match is_name(name).then(|| component(&policies, name)) {
            Some(Ok(path)) => Ok(path),
            Some(Err(Refused::Writable(problem))) => Err(untrusted(problem)),
            Some(Err(Refused::Access(path, error))) if error != Errno::NOENT => Err(no_access(&path, error)),
            None | Some(Err(Refused::Access(..))) => {
                let known = names(&policies)?;
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let message = format!("{} holds no built-in policy `{name}`", shown.display());
                let hint = did_you_mean(name, &known).unwrap_or_else(|| "install one, or give its path".to_owned());
                Err(Fault::usage(codes::UNKNOWN_BUILTIN, message).hint(hint))
            }
        }
    }

    /// Whether a built-in policy has this name; false where that cannot be told.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.policy(name).is_ok()
    }

    /// The components of all built-in policies; at least one.
    pub(crate) fn policies(&self) -> Result<Vec<PathBuf>, Fault> {
        let (shown, policies) = self.open()?;
        let mut found = Vec::new();
        for name in names(&policies)? {
            match component(&policies, &name) {
                Ok(path) => found.push(path),
                Err(Refused::Writable(problem)) => return Err(untrusted(problem)),
                // Something else than a policy.
                Err(Refused::Access(path, error)) => tracing::debug!("{}: {error}", path.display()),
            }
        }
        if found.is_empty() {
            return Err(Fault::usage(
                codes::NO_SHARE_DIRECTORY,
                format!("{} holds no built-in policy", shown.display()),
            )
            .hint("give a directory with policies: `ansai run DIR`"));
        }
        Ok(found)
    }

    /// The directory `policies` as it is called, and its real path.
    fn open(&self) -> Result<(PathBuf, PathBuf), Fault> {
        let policies = self.path()?.join("policies");
        match guarded::open(&policies) {
            Ok(open) if open.kind == FileType::Directory => Ok((policies, open.path)),
            Ok(open) => Err(missing(&open.path, Errno::NOTDIR)),
            Err(Refused::Writable(problem)) => Err(untrusted(problem)),
            Err(Refused::Access(path, error)) => Err(missing(&path, error)),
        }
    }

    fn path(&self) -> Result<PathBuf, Fault> {
        let failed = |error: std::io::Error| {
            Fault::usage(codes::NO_SHARE_DIRECTORY, format!("the share directory cannot be found: {error}"))
                .hint("give it with --share-dir DIR")
        };
        match &self.asked {
            Some(asked) => environment::absolute(asked).map_err(failed),
            None => {
                let program = std::env::current_exe().map_err(failed)?;
                let prefix = program.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
                Ok(prefix.join("share/ansai"))
            }
        }
    }
}

/// The component of a policy, if it is there.
fn component(policies: &Path, name: &str) -> Result<PathBuf, Refused> {
    let path = policies.join(name).join(format!("{name}.wasm"));
    match guarded::open(&path)? {
        file if file.kind == FileType::RegularFile => Ok(file.path),
        _ => Err(Refused::Access(path, Errno::NOENT)),
    }
}

/// What has the name and the component of a policy, sorted.
fn names(policies: &Path) -> Result<Vec<String>, Fault> {
    let failed = |error: std::io::Error| no_access(policies, error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(policies).map_err(failed)?.take(MOST_POLICIES) {
        let Ok(name) = entry.map_err(failed)?.file_name().into_string() else { continue };
        if is_name(&name) && std::fs::exists(policies.join(&name).join(format!("{name}.wasm"))).unwrap_or(false) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn untrusted((problem, hint): guarded::Problem) -> Fault {
    let message = format!("{problem}, so another user could replace built-in policies");
    Fault::refused(codes::UNTRUSTED_SHARE_DIRECTORY, message).hint(hint)
}

fn missing(path: &Path, error: Errno) -> Fault {
    let message = format!("no built-in policies: {}: {}", path.display(), std::io::Error::from(error));
    Fault::usage(codes::NO_SHARE_DIRECTORY, message).hint(
        "install ansai with `make install`, name the directory with --share-dir DIR, or give policies: `ansai run DIR`",
    )
}

fn no_access(path: &Path, error: impl Into<std::io::Error>) -> Fault {
    Fault::usage(codes::FILE_ACCESS, format!("{}: {}", path.display(), error.into()))
}
