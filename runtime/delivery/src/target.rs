//! Targets of messages.

use std::path::PathBuf;

use ansai_core::text::inert;
use sha2::{Digest as _, Sha256};

/// A target configured by the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Absolute path of a file to which a line is appended.
    File(PathBuf),
    /// Absolute path of a program, and its arguments. It reads the message from standard input.
    Command(Vec<String>),
    /// A URL to which the message is posted.
    Url(UrlTarget),
}

/// A web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTarget {
    /// The URL: `https` or `http`.
    pub url: String,
    /// The URL without the part after `?`, which may be a secret.
    pub shown: String,
    /// File with a bearer token.
    pub token_file: Option<PathBuf>,
    /// File with the certificates to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
}

impl Target {
    /// Kind of the target: `file`, `command` or `url`.
    pub fn kind(&self) -> &'static str {
        match self {
            Target::File(_) => "file",
            Target::Command(_) => "command",
            Target::Url(_) => "url",
        }
    }

    /// Name for people, without arguments and queries, which may hold secrets.
    pub fn name(&self) -> String {
        let what = match self {
            Target::File(path) => path.display().to_string(),
            Target::Command(words) => words.first().cloned().unwrap_or_default(),
            Target::Url(url) => url.shown.clone(),
        };
        inert(&format!("{} {what}", self.kind()), 300)
    }

    /// An id that is unique to each destination and contains no secret. It is safe as a file name. A new token or
    /// certificate does not change it.
    pub(crate) fn id(&self) -> String {
        use std::os::unix::ffi::OsStrExt as _;
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(self.kind().as_bytes());
        match self {
            Target::File(path) => part(path.as_os_str().as_bytes()),
            Target::Command(words) => words.iter().for_each(|word| part(word.as_bytes())),
            Target::Url(url) => part(url.url.as_bytes()),
        }
        let digest: [u8; 32] = hash.finalize().into();
        format!("{}-{}", self.kind(), hex::encode(digest.get(..12).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_destination_has_a_unique_id_without_secrets() {
        let command = |words: &[&str]| Target::Command(words.iter().map(|word| (*word).to_owned()).collect());
        let url = |url: &str, token: Option<PathBuf>| {
            Target::Url(UrlTarget { url: url.into(), shown: "https://a/".into(), token_file: token, ca_file: None })
        };
        let targets = [
            Target::File("/a".into()),
            Target::File("/b".into()),
            command(&["/a"]),
            command(&["/a", "b"]),
            command(&["/a", "b", ""]),
            command(&["/ab"]),
            url("https://a/?key=secret", None),
            url("https://a/?key=other", None),
        ];
        let ids: std::collections::BTreeSet<String> = targets.iter().map(Target::id).collect();
        assert_eq!(ids.len(), targets.len());
        assert!(ids.iter().all(|id| id.len() < 40 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')));
        assert_eq!(url("https://a/", None).id(), url("https://a/", Some("/token".into())).id());
    }
}
