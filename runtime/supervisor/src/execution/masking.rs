//! What masks the secrets of an instance's targets in texts of its steps.

use ansai_core::codes;
use ansai_kit::redact::{Redactor, Why};
use ansai_kit::target::Reach;

/// A secret of a target that nothing can mask: a text that may have it is neither kept nor told. Without the path of the
/// secret, because policies see it.
#[derive(Debug, thiserror::Error)]
#[error("the secret of target `{target}` cannot be masked: {why} ({})", codes::UNMASKED_SECRET.word())]
pub(super) struct UnmaskedSecret {
    target: String,
    why: String,
}

/// Masks the secrets of these targets too. They are read each time, because a step may run longer than a secret is valid.
///
/// # Errors
/// A secret cannot be read, or is too short or too long to be looked for. It may be in a text nevertheless: it was readable
/// before, or the server itself has it.
pub(super) fn redactor(reach: &Reach) -> Result<Redactor, UnmaskedSecret> {
    let (mut names, mut secrets) = (Vec::new(), Vec::new());
    for target in reach.targets() {
        let Some(source) = &target.secret else { continue };
        let secret = source.read().map_err(|error| {
            tracing::warn!(target = target.target.name, "a secret that is to be masked: {error}");
            let target = target.target.name.clone();
            UnmaskedSecret { target, why: format!("it cannot be read: {}", error.code().word()) }
        })?;
        names.push(&target.target.name);
        secrets.push(secret);
    }
    let redactor = Redactor::with_secrets(secrets.iter().map(|secret| secret.expose()));
    for skipped in redactor.skipped() {
        let why = match skipped.why {
            Why::TooShort => "it is too short",
            Why::TooLong => "it is too long",
            // As masks are.
            Why::OnlyStars => continue,
        };
        let target = names.get(skipped.index).map_or_else(String::new, |name| (*name).clone());
        return Err(UnmaskedSecret { target, why: why.to_owned() });
    }
    Ok(redactor)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::sync::Arc;

    use ansai_core::InstanceName;
    use ansai_kit::secret::SecretSource;
    use ansai_kit::target::TargetAccess;

    use super::*;
    use crate::execution::progress::treated;

    fn reach(path: &Path) -> Reach {
        let secret = Some(SecretSource::File(path.to_owned()));
        let target = TargetAccess { secret, ..TargetAccess::new("main-db", "postgresql", vec![]) };
        let all = Arc::new(BTreeMap::from([("main-db".to_owned(), target)]));
        Reach::new(InstanceName::from_static("one"), all, ["main-db".to_owned()])
    }

    /// Would break: a secret that cannot be read, and that is therefore left in the text.
    #[test]
    fn without_every_secret_there_is_no_redactor() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let refused = |why: &str| {
            let refused = redactor(&reach(&path)).unwrap_err().to_string();
            let expected = format!("the secret of target `main-db` cannot be masked: {why} (unmasked-secret)");
            assert_eq!(refused, expected);
            let note = treated("login with hunter22-hunter22", &reach(&path));
            assert_eq!(note, format!("its progress is not shown: {expected}"));
        };
        refused("it cannot be read: file-access");
        let write = |text: &str| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        write("abc");
        refused("it is too short");
        write(&"a".repeat(ansai_kit::redact::MOST_SECRET + 1));
        refused("it is too long");
        write("hunter22-hunter22");
        assert_eq!(treated("login with hunter22-hunter22", &reach(&path)), "login with ***");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o604)).unwrap();
        refused("it cannot be read: secret-exposed");
    }
}
