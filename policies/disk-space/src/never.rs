//! What is never touched, whatever the settings say: data that somebody keeps.

/// Directories by the end of their path, wherever they are.
const ANYWHERE: &[&[&str]] = &[
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
/// Directories by their whole path.
const EXACTLY: &[&[&str]] = &[&["home"], &["root"]];
/// Files by name.
const FILES: &[&str] = &[
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

/// Whether a root is, or is in, a directory that is never touched.
pub(crate) fn is_forbidden(root: &str) -> bool {
    let parts = parts(root);
    EXACTLY.iter().any(|exact| parts.starts_with(exact))
        || ANYWHERE.iter().any(|end| parts.windows(end.len()).any(|window| window == *end))
}

/// Patterns to leave out below a root.
pub(crate) fn exclude(root: &str) -> Vec<String> {
    let parts = parts(root);
    let mut patterns: Vec<String> = FILES.iter().map(|file| (*file).to_owned()).collect();
    for end in ANYWHERE {
        patterns.push(format!("**/{}/**", end.join("/")));
        // The root may be the first half of it.
        for split in 1..end.len() {
            let (first, rest) = end.split_at(split);
            if parts.ends_with(first) {
                patterns.push(format!("{}/**", rest.join("/")));
            }
        }
    }
    for exact in EXACTLY {
        if let Some(rest) = exact.strip_prefix(parts.as_slice()) {
            patterns.push(format!("{}/**", rest.join("/")));
        }
    }
    patterns
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_that_are_never_touched() {
        for root in
            ["/home", "/home/ann/log", "/root", "/var/lib/mysql", "/var/lib/docker/volumes/a", "/var/spool/mail/"]
        {
            assert!(is_forbidden(root), "{root}");
        }
        for root in ["/", "/var", "/var/log", "/var/spool", "/var/lib/docker", "/srv/home/log", "/var/log/mysqld"] {
            assert!(!is_forbidden(root), "{root}");
        }
    }

    #[test]
    fn patterns_for_the_place_of_the_root() {
        let has = |root: &str, pattern: &str| exclude(root).iter().any(|one| one == pattern);
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
