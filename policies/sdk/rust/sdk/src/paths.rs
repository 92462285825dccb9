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

/// The parts of these directories that are granted and on the file system of a mount point, without duplicates. A mount
/// point below a directory is a separate part, because actions do not cross file systems.
pub fn granted_on<'p>(
    mount: &'p str,
    directories: &'p [String],
    granted: &'p [String],
    mounts: &[&str],
) -> Vec<&'p str> {
    let mut parts: Vec<&str> = Vec::new();
    for (directory, granted) in directories.iter().flat_map(|one| granted.iter().map(move |granted| (one, granted))) {
        let narrower = if is_within(directory, granted) {
            directory
        } else if is_within(granted, directory) {
            granted
        } else {
            continue;
        };
        let part = if is_within(mount, narrower) { mount } else { narrower };
        if is_on(part, mount, mounts) && !parts.iter().any(|known| is_within(part, known)) {
            parts.retain(|known| !is_within(known, part));
            parts.push(part);
        }
    }
    parts
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
    fn granted_parts_by_longest_mount() {
        let mounts = ["/", "/var", "/var/log/audit"];
        let on = |mount: &str, directories: &[&str], granted: &[&str]| {
            let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            granted_on(mount, &texts(directories), &texts(granted), &mounts).join(" ")
        };
        assert_eq!(on("/var", &["/var/log"], &["/var/log"]), "/var/log");
        assert_eq!(on("/", &["/var/log"], &["/var/log"]), "");
        assert_eq!(on("/", &["/tmp", "/var/tmp"], &["/"]), "/tmp");
        // A file system mounted below a directory.
        assert_eq!(on("/var/log/audit", &["/var/log"], &["/var/log"]), "/var/log/audit");
        // Less granted than requested, and nothing granted.
        assert_eq!(on("/var", &["/var/log"], &["/var/log/app", "/var/log/web"]), "/var/log/app /var/log/web");
        assert_eq!(on("/var", &["/var/log"], &["/srv"]), "");
        // Without duplicates.
        assert_eq!(on("/var", &["/var/log/a", "/var/log"], &["/var"]), "/var/log");
        assert_eq!(on("/var", &["/variable"], &["/variable"]), "");
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
