//! Whether another user can write a component or the directory that holds it.
#![expect(clippy::disallowed_methods, reason = "an adapter to the file system")]

use std::path::Path;

use ansai_storage::Owned;
pub use ansai_storage::Problem;

/// The problem of a component, or `None` if no other user can write it or the directory that holds it.
pub fn problem(component: &Path) -> Option<Problem> {
    let unreadable = |path: &Path, error| (format!("{}: {error}", path.display()), "check the path".to_owned());
    let real = match std::fs::canonicalize(component) {
        Ok(real) => real,
        Err(error) => return Some(unreadable(component, error)),
    };
    [Some(real.as_path()), real.parent()].into_iter().flatten().find_map(|path| match std::fs::metadata(path) {
        Ok(found) => Owned::from(&found).problem(path),
        Err(error) => Some(unreadable(path, error)),
    })
}
