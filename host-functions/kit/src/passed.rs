//! What another process passed along with a request: contents of files that this process cannot read, and secrets.
//!
//! The process that calls servers has no file system. It gets the secret of a target and the certificates that a target
//! trusts with each request, and forgets them with the last request that uses them. In all other processes, this is
//! empty.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use ansai_core::Refusal;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Bytes that are wiped when they are dropped.
pub type Wiped = Zeroizing<Vec<u8>>;

/// Under which name something was passed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Name {
    /// The content of a file, by the path that the operator wrote.
    File(PathBuf),
    /// The free space of a file system, by the path of its mount.
    FreeSpace(PathBuf),
    /// A secret, by a number that only this process can compute.
    Secret(u64),
}

#[derive(Default)]
struct Table {
    entries: HashMap<Name, (Arc<Secret>, usize)>,
    /// With keys of this process.
    hasher: RandomState,
}

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps what was passed. It is wiped when the last of the requests with the same content ends.
#[derive(Debug)]
pub struct Kept(Name);

impl Drop for Kept {
    fn drop(&mut self) {
        let mut table = table();
        if let Some((_, users)) = table.entries.get_mut(&self.0) {
            *users = users.saturating_sub(1);
            if *users == 0 {
                table.entries.remove(&self.0);
            }
        }
    }
}

/// Passes the content of a file. A newer content replaces an older one.
pub fn file(path: PathBuf, content: Secret) -> Kept {
    keep(Name::File(path), content)
}

/// Passes the free bytes of a file system, or why they are unknown. A newer number replaces an older one.
pub fn free_space(mount: PathBuf, bytes: &Result<u64, Refusal>) -> Kept {
    let content = serde_json::to_vec(bytes).unwrap_or_default();
    keep(Name::FreeSpace(mount), Secret::of(&content))
}

fn keep(name: Name, content: Secret) -> Kept {
    let mut table = table();
    let users = table.entries.get(&name).map_or(0, |(_, users)| *users);
    table.entries.insert(name.clone(), (Arc::new(content), users.saturating_add(1)));
    Kept(name)
}

/// Passes a secret, and names it. The same secret has the same name again, so that a connection that was made with it is
/// found again after it was wiped.
pub fn secret(content: Secret) -> (u64, Kept) {
    let mut table = table();
    let mut number = table.hasher.hash_one(content.expose());
    loop {
        match table.entries.get_mut(&Name::Secret(number)) {
            Some((known, users)) if known.expose() == content.expose() => {
                *users = users.saturating_add(1);
                break;
            }
            // Another one has the number.
            Some(_) => number = number.wrapping_add(1),
            None => {
                table.entries.insert(Name::Secret(number), (Arc::new(content), 1));
                break;
            }
        }
    }
    (number, Kept(Name::Secret(number)))
}

/// The content of a file, if it was passed.
pub fn content_of(path: &Path) -> Option<Vec<u8>> {
    found(&Name::File(path.to_owned()))
}

/// The free bytes of a file system, or why they are unknown, if that was passed.
pub fn free_space_of(mount: &Path) -> Option<Result<u64, Refusal>> {
    serde_json::from_slice(&found(&Name::FreeSpace(mount.to_owned()))?).ok()
}

fn found(name: &Name) -> Option<Vec<u8>> {
    table().entries.get(name).map(|(content, _)| content.expose().to_vec())
}

/// A secret, if the request that passed it has not ended.
pub(crate) fn secret_of(number: u64) -> Option<Arc<Secret>> {
    table().entries.get(&Name::Secret(number)).map(|(secret, _)| secret.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::secret::SecretSource;

    #[test]
    fn what_was_passed_is_gone_with_the_last_request() {
        let path = PathBuf::from("/etc/authorities-of-a-test.pem");
        let first = file(path.clone(), Secret::of(b"old"));
        let second = file(path.clone(), Secret::of(b"new"));
        drop(first);
        assert_eq!(content_of(&path).unwrap(), b"new");
        drop(second);
        assert_eq!(content_of(&path), None);
    }

    #[test]
    fn free_space_is_known_while_it_is_kept() {
        let mount = PathBuf::from("/mount-of-a-test");
        let kept = free_space(mount.clone(), &Ok(7));
        let unknown = Err(Refusal::Unavailable("it does not answer".into()));
        let newer = free_space(mount.clone(), &unknown);
        assert_eq!(free_space_of(&mount), Some(unknown));
        assert_eq!(content_of(&mount), None);
        drop((kept, newer));
        assert_eq!(free_space_of(&mount), None);
    }

    #[test]
    fn equal_secrets_are_one_and_unequal_ones_are_not() {
        let (first, kept) = secret(Secret::of(b"correct-horse"));
        let (same, again) = secret(Secret::of(b"correct-horse"));
        let (other, kept_other) = secret(Secret::of(b"wrong-horse"));
        assert_eq!((first == same, first == other), (true, false));
        drop(kept);
        assert_eq!(SecretSource::Passed(first).read().unwrap().expose(), b"correct-horse");
        drop(again);
        assert!(SecretSource::Passed(first).read().is_err());
        assert_eq!(SecretSource::Passed(other).read().unwrap().expose(), b"wrong-horse");
        drop(kept_other);
        let (again, _kept) = secret(Secret::of(b"correct-horse"));
        assert_eq!(again, first, "a kept connection is found again");
    }
}
