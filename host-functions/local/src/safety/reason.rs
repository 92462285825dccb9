//! Why a file is left alone: typed, with a code that is the same in previews, outcomes and refusals.

use ansai_core::Refusal;
use ansai_kit::action::Fate;

/// Why a file may not be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// On another file system or mount than the root.
    OtherDevice,
    NotRegular,
    /// setuid or setgid.
    Setuid,
    Sticky,
    SeveralLinks,
    /// Immutable or append-only.
    Immutable,
    Young,
    /// Its times say nothing about its age.
    UnknownAge,
    /// tmpfiles.d(5) excludes it from aging.
    Excluded,
    /// It, or a directory above it, is locked with flock(2) or fcntl(2).
    Locked,
    /// Mounted somewhere, in any mount namespace.
    Mounted,
    /// A process has it open or mapped.
    Open,
    /// Whether a process has it open is unknown.
    MaybeOpen,
    /// At or below a directory that belongs to ansai.
    Protected,
    /// No longer the file of the preview: how it differs.
    Changed(&'static str),
}

impl Reason {
    /// One word, without details.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Reason::OtherDevice => "other-device",
            Reason::NotRegular => "not-regular",
            Reason::Setuid => "setuid",
            Reason::Sticky => "sticky",
            Reason::SeveralLinks => "several-links",
            Reason::Immutable => "immutable",
            Reason::Young => "young",
            Reason::UnknownAge => "unknown-age",
            Reason::Excluded => "excluded",
            Reason::Locked => "locked",
            Reason::Mounted => "mounted",
            Reason::Open => "open",
            Reason::MaybeOpen => "maybe-open",
            Reason::Protected => "protected",
            Reason::Changed(_) => "changed",
        }
    }

    /// For a step that is refused as a whole because of this file.
    pub(crate) fn refusal(self, path: &str) -> Refusal {
        let text = format!("{path}: {self}");
        match self {
            Reason::Protected => Refusal::Denied(text),
            Reason::Changed(_) => Refusal::Changed(text),
            Reason::Locked | Reason::Mounted | Reason::Open | Reason::MaybeOpen => Refusal::Busy(text),
            _ => Refusal::Unavailable(text),
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::Changed(how) => write!(f, "changed: {how}"),
            reason => f.write_str(reason.code()),
        }
    }
}

/// Why an operation on a file did not take place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// It must not.
    Because(Reason),
    /// The system refused it: what was tried, and the error.
    Failed(String),
}

impl Blocked {
    pub(crate) fn failed(trying: &str, error: impl std::fmt::Display) -> Blocked {
        Blocked::Failed(format!("{trying}: {error}"))
    }

    pub(crate) fn changed(how: &'static str) -> Blocked {
        Blocked::Because(Reason::Changed(how))
    }

    /// For a step that is refused as a whole because of this file.
    pub(crate) fn refusal(self, path: &str) -> Refusal {
        match self {
            Blocked::Because(reason) => reason.refusal(path),
            Blocked::Failed(why) => Refusal::Unavailable(format!("{path}: {why}")),
        }
    }
}

impl From<Reason> for Blocked {
    fn from(reason: Reason) -> Blocked {
        Blocked::Because(reason)
    }
}

impl From<Reason> for Fate {
    fn from(reason: Reason) -> Fate {
        Fate::Skipped(reason.to_string())
    }
}

impl From<Blocked> for Fate {
    fn from(blocked: Blocked) -> Fate {
        match blocked {
            Blocked::Because(reason) => reason.into(),
            Blocked::Failed(why) => Fate::Failed(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_refused_for_what_a_policy_can_do_about_it() {
        type Is = fn(&Refusal) -> bool;
        let (busy, denied, changed, unavailable): (Is, Is, Is, Is) = (
            |refusal| matches!(refusal, Refusal::Busy(_)),
            |refusal| matches!(refusal, Refusal::Denied(_)),
            |refusal| matches!(refusal, Refusal::Changed(_)),
            |refusal| matches!(refusal, Refusal::Unavailable(_)),
        );
        for (reason, text, is) in [
            (Reason::Open, "open", busy),
            (Reason::MaybeOpen, "maybe-open", busy),
            (Reason::Locked, "locked", busy),
            (Reason::Mounted, "mounted", busy),
            (Reason::Excluded, "excluded", unavailable),
            (Reason::UnknownAge, "unknown-age", unavailable),
            (Reason::Protected, "protected", denied),
            (Reason::Changed("gone"), "changed: gone", changed),
            (Reason::OtherDevice, "other-device", unavailable),
            (Reason::NotRegular, "not-regular", unavailable),
            (Reason::Setuid, "setuid", unavailable),
            (Reason::Sticky, "sticky", unavailable),
            (Reason::SeveralLinks, "several-links", unavailable),
            (Reason::Immutable, "immutable", unavailable),
            (Reason::Young, "young", unavailable),
        ] {
            assert!(is(&reason.refusal("/f")), "{text}");
            assert!(text.starts_with(reason.code()), "{text}");
            assert_eq!(Fate::from(reason), Fate::Skipped(text.into()));
            assert_eq!(Fate::from(Blocked::from(reason)), Fate::Skipped(text.into()));
        }
        assert!(unavailable(&Blocked::failed("opening it", "no").refusal("/f")));
        assert_eq!(Fate::from(Blocked::failed("opening it", "no")), Fate::Failed("opening it: no".into()));
    }
}
