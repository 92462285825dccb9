//! Names and paths below a directory, as bytes.

/// The longest path below a root, in bytes: the kernel takes no longer one in one call.
pub(crate) const LONGEST_PATH: usize = 4095;

/// Whether these bytes can be the name of one directory entry.
pub(crate) fn is_name(part: &[u8]) -> bool {
    !matches!(part, b"" | b"." | b"..") && part.len() <= 255 && !part.contains(&0) && !part.contains(&b'/')
}

/// Whether this is a path below a directory in its plain form: no `.`, no `..`, no empty part.
pub(crate) fn is_plain(path: &[u8]) -> bool {
    path.len() <= LONGEST_PATH && path.split(|byte| *byte == b'/').all(is_name)
}

/// Whether a path is at or below a directory. Neither ends with a slash.
pub(crate) fn is_within(path: &[u8], directory: &[u8]) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Parent directory (empty for the root itself) and name.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => {
            path.split_at_checked(at).map_or((b"", path), |(parent, rest)| (parent, rest.get(1..).unwrap_or(rest)))
        }
        None => (b"", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parent_and_name() {
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"c"), (&b""[..], &b"c"[..]));
    }

    #[test]
    fn only_the_plain_form_of_a_path() {
        assert!(is_plain(b"a/\xff\\") && is_plain(&[b'x'; 255]));
        for path in [&b""[..], b"/a", b"a/", b"a//b", b".", b"a/..", b"../a", b"a\0", &[b'x'; 256]] {
            assert!(!is_plain(path), "{path:?}");
        }
    }
}
