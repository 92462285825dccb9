//! The share directory, which holds the built-in policies: `policies/NAME/NAME.wasm`, where `make install` puts them.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

mod error;

use std::path::{Path, PathBuf};

use ansai_config::{BUILTIN, PolicySource, is_name};
use ansai_storage::{StorageError, TrustError, Trusted};
use rustix::fs::FileType;
use rustix::io::Errno;

pub use self::error::ShareError;
use crate::in_time::in_time;

/// The most entries of a directory that are looked at.
const MOST_ENTRIES: usize = 1_000;

/// Where built-in policies are. Nothing is read before one is needed.
#[derive(Debug, Clone, Default)]
pub struct Share {
    asked: Option<PathBuf>,
}

impl Share {
    /// That directory; `None` for `../share/ansai`, seen from the directory of the running program.
    pub fn new(asked: Option<PathBuf>) -> Share {
        Share { asked }
    }

    /// The same paths, with the path of a built-in policy for each `builtin:NAME`.
    ///
    /// # Errors
    /// One of them is not available.
    pub fn resolve(&self, paths: &[PathBuf]) -> Result<Vec<PathBuf>, ShareError> {
        let resolve = |path: &PathBuf| match path.to_str().and_then(|text| text.strip_prefix(BUILTIN)) {
            Some(name) => self.policy(name),
            None => Ok(path.clone()),
        };
        paths.iter().map(resolve).collect()
    }

    /// Where a source of a configuration leads. That of a registry is known to [`crate::Pulled`].
    ///
    /// # Errors
    /// It names a built-in policy that is not available.
    pub fn source(&self, source: PolicySource) -> Result<PathBuf, ShareError> {
        match source {
            PolicySource::Path(path) => Ok(path),
            PolicySource::Builtin(name) => self.policy(&name),
            PolicySource::Registry(name) => {
                Err(ShareError::Unknown { name, path: PathBuf::from("the share directory"), known: Vec::new() })
            }
        }
    }

    /// The component of a built-in policy, which no other user can change.
    ///
    /// # Errors
    /// There is none of this name, or another user can change it.
    pub fn policy(&self, name: &str) -> Result<PathBuf, ShareError> {
        let name = name.to_owned();
        self.in_time(move |share| share.policy_now(&name))
    }

    fn policy_now(&self, name: &str) -> Result<PathBuf, ShareError> {
        let (shown, policies) = self.open()?;
        match is_name(name).then(|| component(&policies, name)) {
            Some(Ok(path)) => Ok(path),
            Some(Err(TrustError::Untrusted(problem))) => Err(ShareError::Untrusted(problem)),
            Some(Err(TrustError::Access(error))) if !error.is_not_found() => {
                Err(ShareError::Access { path: error.path, error: error.cause })
            }
            None | Some(Err(TrustError::Access(_))) => {
                Err(ShareError::Unknown { name: name.to_owned(), path: shown, known: names(&policies)? })
            }
        }
    }

    /// How a configuration names a component, or a directory of sources, of a policy with this name: `builtin:NAME`, or
    /// the absolute path.
    pub fn source_text(&self, path: &Path, name: &str) -> String {
        match self.policy(name) {
            Ok(builtin) if std::fs::canonicalize(path).is_ok_and(|real| real == builtin) => format!("{BUILTIN}{name}"),
            _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string(),
        }
    }

    /// Whether a built-in policy of this name can be used.
    pub fn has(&self, name: &str) -> bool {
        self.policy(name).is_ok()
    }

    /// The components of all built-in policies; at least one.
    ///
    /// # Errors
    /// There is none, or another user can change one of them.
    pub fn policies(&self) -> Result<Vec<PathBuf>, ShareError> {
        self.in_time(Share::policies_now)
    }

    /// It can be on a mount whose server is dead.
    fn in_time<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Share) -> Result<T, ShareError> + Send + 'static,
    ) -> Result<T, ShareError> {
        let own = self.clone();
        let failed = |error| ShareError::Missing { path: self.asked.clone().unwrap_or("../share/ansai".into()), error };
        in_time(move || look(&own)).unwrap_or_else(|error| Err(failed(error)))
    }

    fn policies_now(&self) -> Result<Vec<PathBuf>, ShareError> {
        let (shown, policies) = self.open()?;
        let mut found = Vec::new();
        for name in names(&policies)? {
            match component(&policies, &name) {
                Ok(path) => found.push(path),
                Err(TrustError::Untrusted(problem)) => return Err(ShareError::Untrusted(problem)),
                Err(TrustError::Access(error)) => tracing::debug!("skipping a built-in policy: {error}"),
            }
        }
        if found.is_empty() { Err(ShareError::Empty(shown)) } else { Ok(found) }
    }

    /// The directory of the policies by the name that the user knows, and its real path.
    fn open(&self) -> Result<(PathBuf, PathBuf), ShareError> {
        let policies = self.directory()?.join("policies");
        match Trusted::open(&policies) {
            Ok(open) if open.kind == FileType::Directory => Ok((policies, open.path)),
            Ok(open) => Err(ShareError::Missing { path: open.path, error: Errno::NOTDIR.into() }),
            Err(TrustError::Untrusted(problem)) => Err(ShareError::Untrusted(problem)),
            Err(TrustError::Access(error)) => Err(ShareError::Missing { path: error.path, error: error.cause }),
        }
    }

    fn directory(&self) -> Result<PathBuf, ShareError> {
        let relative = self.asked.as_deref().unwrap_or(Path::new("../share/ansai"));
        let missing = |error| ShareError::Missing { path: relative.to_owned(), error };
        if self.asked.is_some() {
            return std::path::absolute(relative).map_err(missing);
        }
        let program = std::env::current_exe().map_err(missing)?;
        let prefix = program.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        Ok(prefix.join("share/ansai"))
    }
}

/// The component of a policy.
fn component(policies: &Path, name: &str) -> Result<PathBuf, TrustError> {
    let path = policies.join(name).join(format!("{name}.wasm"));
    match Trusted::open(&path)? {
        file if file.kind == FileType::RegularFile => Ok(file.path),
        _ => Err(TrustError::Access(StorageError::at("open", path)(Errno::NOENT))),
    }
}

/// Names of directories that hold a component of the same name, sorted.
fn names(policies: &Path) -> Result<Vec<String>, ShareError> {
    let failed = |error| ShareError::Access { path: policies.to_owned(), error };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(policies).map_err(failed)?.take(MOST_ENTRIES) {
        let Ok(name) = entry.map_err(failed)?.file_name().into_string() else { continue };
        if is_name(&name) && std::fs::exists(policies.join(&name).join(format!("{name}.wasm"))).unwrap_or(false) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
