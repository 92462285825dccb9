//! Passwords, and certificates with their keys.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ansai_harness::Invocation;
use ansai_kit::secret::SecretSource;
use tempfile::TempDir;

/// A password in a file that only its owner may read.
pub(crate) fn secret(directory: &TempDir, text: &str) -> SecretSource {
    let file = directory.path().join("password");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    SecretSource::File(file)
}

/// A certificate for `name`, signed by itself, and its key.
pub(crate) fn certificate(directory: &Path, name: &str) -> [PathBuf; 2] {
    let [key, certificate] = ["server.key", "server.crt"].map(|file| directory.join(file));
    Invocation::of("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=test", "-addext", &format!("subjectAltName={name}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .run()
        .code(0);
    [certificate, key]
}
