//! Paths as text.

/// Whether an absolute path without `.` or `..` is a root or below it, compared by components.
pub fn is_within(path: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    match path.strip_prefix(root) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

/// Whether a path is absolute, without empty, `.` or `..` components and NUL, and has at most 4096 bytes.
pub fn is_plain_absolute(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    path.len() <= 4096
        && !path.contains('\0')
        && (rest.is_empty() || rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}
