//! The file of the authorities whose certificates a host trusts.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::passed;

/// Where distributions keep them.
const FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The first of these files that exists, in PEM; `None` if the host has none. `place` says where a path of the host is:
/// [`Host::path`](crate::host::Host::path), or [`PathBuf::from`] for this machine.
pub fn file(place: impl Fn(&'static str) -> PathBuf) -> Option<PathBuf> {
    FILES.iter().copied().map(place).find(|path| passed::content_of(path).is_some() || path.exists())
}

/// What a file of certificates holds, up to this size in bytes: what was passed to this process, else the file itself.
///
/// # Errors
/// It cannot be read.
#[expect(clippy::disallowed_methods, reason = "the certificates that the system or the operator trusts")]
pub fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    if let Some(content) = passed::content_of(file) {
        return Ok(content);
    }
    let mut content = Vec::new();
    std::fs::File::open(file)?.take(most).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

    use super::*;
    use crate::host::Host;

    #[test]
    fn the_first_that_exists() {
        let place = tempfile::tempdir().unwrap();
        let host = Host::at(place.path());
        assert_eq!(file(|path| host.path(path)), None);
        for path in ["/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"] {
            let path = host.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            assert_eq!(file(|path| host.path(path)), Some(path));
        }
    }
}
