//! A container in one of its runs.

use ansai_core::Refusal;
use serde::{Deserialize, Serialize};

/// The id of a container stays when it is started again; together with the instant of its start it does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Identity {
    pub(super) id: String,
    /// As the engine writes it.
    pub(super) started: String,
}

impl Identity {
    /// `ID/STARTED`.
    pub(super) fn parse(text: &str) -> Result<Identity, Refusal> {
        let found = text.split_once('/').filter(|(id, started)| is_id(id) && is_instant(started));
        found
            .map(|(id, started)| Identity { id: id.to_owned(), started: started.to_owned() })
            .ok_or_else(|| Refusal::Invalid("`container` is not the identity of a container".into()))
    }

    pub(super) fn text(&self) -> String {
        format!("{}/{}", self.id, self.started)
    }
}

/// Whether it is the id of a container or an image. It becomes a part of a path, and is not encoded.
pub(super) fn is_id(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    (12..=128).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Whether it is a name of a container or a volume.
pub(super) fn is_name(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

pub(super) fn is_instant(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b'T' | b'Z' | b'+'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_identity_cannot_leave_its_place_in_a_path() {
        let id = "0123456789abcdef".repeat(4);
        let good = format!("{id}/2026-11-29T17:00:00.123456789Z");
        assert_eq!(Identity::parse(&good).unwrap().text(), good);
        let bad = [
            "",
            "/",
            "abc/2026",
            "../../images/prune/2026",
            "0123456789ab/stop/2026",
            "0123456789ab?x=1/2026",
            "0123456789ab",
            "0123456789ab/",
            "0123456789ab/20 26",
            "0123456789ab/2026\r\nHost: x",
            "0123456789AB/2026",
        ];
        for bad in bad {
            assert!(matches!(Identity::parse(bad), Err(Refusal::Invalid(_))), "{bad}");
        }
        assert!(is_id(&format!("sha256:{id}")) && !is_id("sha256:") && !is_id(&"a".repeat(129)));
        assert!(
            is_name("web-1.a_b")
                && ["", ".", "..", "-x", "a/b", "a b", "a%2f", "é", "a\n"].iter().all(|one| !is_name(one))
        );
    }
}
