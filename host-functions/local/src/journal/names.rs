//! Names below `/var/log/journal`: which directories and files are journald's.

/// Whether this is the directory of one machine's journal: its id, or its id, a dot and a namespace.
pub(super) fn is_machine_directory(name: &[u8]) -> bool {
    match name.split_at_checked(32) {
        Some((id, [])) => is_hex(id, 32),
        Some((id, [b'.', namespace @ ..])) => is_hex(id, 32) && !namespace.is_empty(),
        _ => false,
    }
}

/// What a journal file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// In use by journald: `system.journal`, `user-1000.journal`, and every other name that journald would not vacuum.
    Active,
    /// Rotated (`system@<id>-<sequence>-<time>.journal`) or damaged (`system@<time>-<random>.journal~`).
    Archived,
}

/// The kind of a journal file by its name; `None` for other files.
pub(super) fn kind(name: &[u8]) -> Option<Kind> {
    let widths: &[usize];
    let stem = if let Some(stem) = name.strip_suffix(b".journal") {
        widths = &[32, 16, 16];
        stem
    } else {
        widths = &[16, 16];
        name.strip_suffix(b".journal~")?
    };
    let archived = stem.iter().rposition(|byte| *byte == b'@').and_then(|at| stem.split_at_checked(at)).is_some_and(
        |(owner, numbers)| {
            let mut parts = numbers.get(1..).unwrap_or_default().split(|byte| *byte == b'-');
            !owner.is_empty()
                && widths.iter().all(|width| parts.next().is_some_and(|part| is_hex(part, *width)))
                && parts.next().is_none()
        },
    );
    Some(if archived { Kind::Archived } else { Kind::Active })
}

fn is_hex(text: &[u8], length: usize) -> bool {
    text.len() == length && text.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "845a9a182bbe4de5a8efdf59181149c3";

    #[test]
    fn machine_directories() {
        for name in [ID.to_owned(), format!("{ID}.web"), format!("{ID}.a@b")] {
            assert!(is_machine_directory(name.as_bytes()), "{name}");
        }
        for name in ["", "remote", "..", &ID[1..], &format!("{ID}."), &format!("{ID}x"), &ID.replace('8', "g")] {
            assert!(!is_machine_directory(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_journald_would_vacuum_is_archived() {
        for name in [
            format!("system@{ID}-0000000000000001-000660c0079ea9ba.journal"),
            format!("user-1000@{ID}-0000000000000001-000660c0079ea9ba.journal"),
            format!("a@b@{ID}-0000000000000001-000660c0079ea9ba.journal"),
            "system@000660c0079ea9ba-0123456789abcdef.journal~".to_owned(),
        ] {
            assert_eq!(kind(name.as_bytes()), Some(Kind::Archived), "{name}");
        }
    }

    #[test]
    fn all_others_are_active_or_no_journal() {
        for name in [
            "system.journal".to_owned(),
            "user-1000.journal".to_owned(),
            "system@.journal".to_owned(),
            "system.journal~".to_owned(),
            format!("@{ID}-0000000000000001-000660c0079ea9ba.journal"),
            format!("system@{ID}-0000000000000001-000660c0079ea9ba-0.journal"),
            format!("system@{ID}-0000000000000001.journal"),
            format!("system@{ID}-0000000000000001-000660c0079ea9bz.journal"),
        ] {
            assert_eq!(kind(name.as_bytes()), Some(Kind::Active), "{name}");
        }
        for name in ["", "system", "fss", "system@x.journal.gz", ".journal.tmp"] {
            assert_eq!(kind(name.as_bytes()), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn nothing_without_numbers_is_archived(name: Vec<u8>) {
            let long_enough = name.len() > 34;
            prop_assert!(kind(&name) != Some(Kind::Archived) || long_enough);
        }
    }
}
