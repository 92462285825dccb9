//! Directories: their file systems, the granted parts, and data that no policy may touch.

/// Whether a path is a directory or below it.
///
/// ```
/// use ansai_sdk::paths::is_within;
///
/// assert!(is_within("/var/log", "/var") && is_within("/var", "/var") && is_within("/var", "/"));
/// assert!(!is_within("/variable", "/var"));
/// ```
pub fn is_within(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a directory is on the file system of a mount point, which is the longest mount point that contains it.
///
/// ```
/// use ansai_sdk::paths::is_on;
///
/// assert!(is_on("/var/log", "/var", &["/", "/var"]) && !is_on("/var/log", "/", &["/", "/var"]));
/// ```
pub fn is_on(directory: &str, mount: &str, mounts: &[&str]) -> bool {
    let is_nearer = |one: &&str| one.len() > mount.len() && is_within(directory, one);
    is_within(directory, mount) && !mounts.iter().any(is_nearer)
}

/// The parts of these directories that are granted, without duplicates.
///
/// ```
/// use ansai_sdk::paths::granted;
///
/// let (directories, roots) = (["/var/log".to_owned(), "/tmp".to_owned()], ["/var".to_owned(), "/tmp/x".to_owned()]);
/// assert_eq!(granted(&directories, &roots), ["/var/log", "/tmp/x"]);
/// ```
pub fn granted<'p>(directories: &'p [String], granted: &'p [String]) -> Vec<&'p str> {
    let pairs = directories.iter().flat_map(|one| granted.iter().map(move |granted| (one, granted)));
    let narrower = |(directory, granted): (&'p String, &'p String)| {
        if is_within(directory, granted) {
            Some(directory.as_str())
        } else {
            is_within(granted, directory).then_some(granted.as_str())
        }
    };
    outermost(pairs.filter_map(narrower))
}

/// Those of these directories that are below no other one, without duplicates.
fn outermost<'p>(directories: impl Iterator<Item = &'p str>) -> Vec<&'p str> {
    let mut kept: Vec<&str> = Vec::new();
    for directory in directories {
        if !kept.iter().any(|known| is_within(directory, known)) {
            kept.retain(|known| !is_within(known, directory));
            kept.push(directory);
        }
    }
    kept
}

/// Directories with data that no policy may remove, identified by the end of their path.
const PROTECTED_ANYWHERE: &[&[&str]] = &[
    &["mysql"],
    &["mariadb"],
    &["postgresql"],
    &["pgsql"],
    &["pg_wal"],
    &["pg_xlog"],
    &["mongodb"],
    &["redis"],
    &["docker", "volumes"],
    &["containers", "storage", "volumes"],
    &["spool", "mail"],
    &["spool", "postfix"],
    &["var", "mail"],
    &["vmail"],
    &["Maildir"],
];
/// Directories identified by their whole path.
const PROTECTED: &[&[&str]] = &[&["home"], &["root"]];
/// Files with such data, identified by name.
const PROTECTED_FILES: &[&str] = &[
    "**/*.ibd",
    "**/ibdata*",
    "**/ib_logfile*",
    "**/*.frm",
    "**/*.db",
    "**/*.sqlite*",
    "**/*-wal",
    "**/*.wal",
    "**/*.rdb",
    "**/*.aof",
    "**/*.qcow2",
    // Write-ahead logs of LevelDB and RocksDB.
    "**/[0-9][0-9][0-9][0-9][0-9][0-9].log",
    "**/*.journal",
    "**/*.journal~",
];

/// Whether a directory belongs to a database, container volumes, mail spools or homes: data that no setting may allow a
/// policy to remove.
///
/// ```
/// assert!(ansai_sdk::paths::is_protected("/var/lib/mysql/ibdata1") && !ansai_sdk::paths::is_protected("/var/log/mysqld"));
/// ```
pub fn is_protected(directory: &str) -> bool {
    let names = names(directory);
    PROTECTED.iter().any(|whole| names.starts_with(whole))
        || PROTECTED_ANYWHERE.iter().any(|end| names.windows(end.len()).any(|window| window == *end))
}

/// Patterns that exclude [such data](is_protected) below a root, for the `exclude` of a file query and of a selection. Use
/// the same in both, so that what is measured is what a step selects.
pub fn exclude_protected(root: &str) -> Vec<String> {
    let names = names(root);
    let mut patterns: Vec<String> = PROTECTED_FILES.iter().map(|file| (*file).to_owned()).collect();
    for end in PROTECTED_ANYWHERE {
        patterns.push(format!("**/{}/**", end.join("/")));
        // The root may contain the first part of the path.
        for split in 1..end.len() {
            let (first, rest) = end.split_at(split);
            if names.ends_with(first) {
                patterns.push(format!("{}/**", rest.join("/")));
            }
        }
    }
    for whole in PROTECTED {
        if let Some(rest) = whole.strip_prefix(names.as_slice()) {
            patterns.push(format!("{}/**", rest.join("/")));
        }
    }
    patterns
}

fn names(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn granted_parts() {
        let parts = |directories: &[&str], roots: &[&str]| {
            let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            granted(&texts(directories), &texts(roots)).join(" ")
        };
        assert_eq!(parts(&["/var/log"], &["/var/log"]), "/var/log");
        assert_eq!(parts(&["/tmp", "/var/tmp"], &["/"]), "/tmp /var/tmp");
        // Less granted than requested, and nothing granted.
        assert_eq!(parts(&["/var/log"], &["/var/log/app", "/var/log/web"]), "/var/log/app /var/log/web");
        assert_eq!(parts(&["/var/log"], &["/srv"]), "");
        // Without duplicates.
        assert_eq!(parts(&["/var/log/a", "/var/log"], &["/var"]), "/var/log");
    }

    #[test]
    fn roots_that_are_protected() {
        for root in
            ["/home", "/home/ann/log", "/root", "/var/lib/mysql", "/var/lib/docker/volumes/a", "/var/spool/mail/"]
        {
            assert!(is_protected(root), "{root}");
        }
        for root in ["/", "/var", "/var/log", "/var/spool", "/var/lib/docker", "/srv/home/log", "/var/log/mysqld"] {
            assert!(!is_protected(root), "{root}");
        }
    }

    #[test]
    fn patterns_for_the_place_of_the_root() {
        let has = |root: &str, pattern: &str| exclude_protected(root).iter().any(|one| one == pattern);
        assert!(has("/var/log", "**/postgresql/**"));
        assert!(has("/var/log", "**/*.sqlite*"));
        assert!(has("/", "home/**") && has("/", "root/**"));
        assert!(!has("/var/log", "home/**"));
        assert!(has("/var/spool", "mail/**"));
        assert!(has("/srv/docker", "volumes/**"));
        assert!(!has("/var/log", "mail/**"));
        assert!(has("/var", "mail/**"));
        assert!(has("/var/lib/containers", "storage/volumes/**"));
    }
}
