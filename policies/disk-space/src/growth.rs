//! How large directories were when their file system was last healthy, so that it can be said which ones grew.

use serde_json::{Map, Value, json};

use crate::mounts::is_within;
use crate::port::*;
use crate::scopes::Scopes;

const DAY: u64 = 24 * 3_600_000;
/// Directories that are remembered for each root.
const MOST: usize = 60;
/// Entries of a full page.
const PAGE: usize = 500;
/// Pages that are looked at for one root and depth.
const MOST_PAGES: usize = 10;
/// Roots that are looked at.
pub(crate) const MOST_ROOTS: usize = 8;

#[derive(Debug)]
pub(crate) struct Remembered {
    /// When.
    at: u64,
    /// Bytes by path.
    directories: Map<String, Value>,
}

impl Remembered {
    pub(crate) fn bytes(&self, path: &str) -> Option<u64> {
        self.directories.get(path)?.as_u64()
    }
}

fn key(root: &str) -> String {
    format!("directories:{root}")
}

pub(crate) fn remembered(host: &dyn Host, root: &str) -> Option<Remembered> {
    match serde_json::from_str(&host.remembered(&key(root))?) {
        Ok(Value::Object(mut known)) => Some(Remembered {
            at: known.get("at")?.as_u64()?,
            directories: match known.remove("directories")? {
                Value::Object(directories) => directories,
                _ => return None,
            },
        }),
        _ => None,
    }
}

/// A directory with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) files: u64,
}

/// Directories one and two levels below a root; `None` where it cannot be looked at.
pub(crate) fn directories(host: &dyn Host, root: &str) -> Option<Vec<Directory>> {
    let mut all: Vec<Directory> = Vec::new();
    for depth in [1, 2] {
        let mut cursor = None;
        for page in 0..MOST_PAGES {
            let usages = match host.largest(root, depth, cursor.as_deref()) {
                Ok(usages) => usages,
                Err(_) if depth == 2 || page > 0 => break,
                Err(_) => return None,
            };
            // A page that is not full ends where time was over: the rest would take as long again.
            let more = usages.entries.len() >= PAGE;
            let found = usages.entries.into_iter();
            all.extend(found.map(|usage| Directory { path: usage.path, bytes: usage.bytes, files: usage.files }));
            cursor = usages.cursor.filter(|_| more);
            if cursor.is_none() {
                break;
            }
        }
    }
    Some(all)
}

/// Looks once a day, and at one root in one evaluation: it reads whole trees.
pub(crate) fn remember(host: &dyn Host, scopes: &Scopes, is_healthy: impl Fn(&str) -> bool) {
    if !host.is_keeping() {
        return;
    }
    let now = host.now();
    let due = scopes
        .roots(FILES_PROBE)
        .into_iter()
        .take(MOST_ROOTS)
        .filter(|root| key(root).len() <= 256 && is_healthy(root))
        .map(|root| (remembered(host, &root).map_or(0, |known| known.at), root))
        .filter(|(at, _)| now.saturating_sub(*at) >= DAY)
        .min();
    if let Some((_, root)) = due {
        // Where it cannot be looked at, the next try is tomorrow.
        let found = directories(host, &root).unwrap_or_default();
        let known = largest(found, MOST, |one| one.bytes);
        // Inserted one by one: collecting would bring a whole sort into the component.
        let mut directories = Map::new();
        for one in known {
            directories.insert(one.path, one.bytes.into());
        }
        host.remember(&key(&root), &json!({"at": now, "directories": directories}).to_string());
    }
}

/// The largest few, in order; of equal ones the first. For few: it looks through all for each.
pub(crate) fn largest<T, K: PartialOrd>(mut all: Vec<T>, most: usize, size: impl Fn(&T) -> K) -> Vec<T> {
    let mut found = Vec::new();
    while found.len() < most {
        let mut best: Option<(usize, K)> = None;
        for (index, one) in all.iter().enumerate() {
            let size = size(one);
            if best.as_ref().is_none_or(|(_, largest)| size > *largest) {
                best = Some((index, size));
            }
        }
        let Some((index, _)) = best else { break };
        found.push(all.remove(index));
    }
    found
}

/// Whether a root is on one of these mounts: the longest that it is within.
pub(crate) fn is_on(root: &str, mount: &str, filesystems: &[Filesystem]) -> bool {
    is_within(root, mount)
        && !filesystems.iter().any(|one| one.mount.len() > mount.len() && is_within(root, &one.mount))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::StandIn;

    #[test]
    fn the_largest_in_order() {
        assert_eq!(
            largest(vec![(1, 'a'), (3, 'b'), (3, 'c'), (2, 'd')], 3, |one| one.0),
            [(3, 'b'), (3, 'c'), (2, 'd')]
        );
        assert!(largest(Vec::<u8>::new(), 3, |one| *one).is_empty());
    }

    #[test]
    fn once_a_day_one_root() {
        let scopes = Scopes::parse(r#"{"ansai:files/files-probe": {"roots": ["/a", "/b", "/sick"]}}"#);
        let host = StandIn::default();
        host.directories.borrow_mut().push(("/a".into(), "/a/x".into(), 5));
        let healthy = |root: &str| root != "/sick";
        remember(&host, &scopes, healthy);
        assert_eq!(remembered(&host, "/a").unwrap().bytes("/a/x"), Some(5));
        assert!(remembered(&host, "/b").is_none());
        remember(&host, &scopes, healthy);
        remember(&host, &scopes, healthy);
        // Refused, but not asked again before tomorrow.
        assert_eq!(remembered(&host, "/b").unwrap().directories.len(), 0);
        assert!(remembered(&host, "/sick").is_none());
        let asked = host.calls.borrow().iter().filter(|call| call.starts_with("largest")).count();
        assert_eq!(asked, 3);
    }
}
