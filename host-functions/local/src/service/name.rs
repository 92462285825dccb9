//! Names of units.

use ansai_core::text::inert;
use ansai_core::{NamePattern, Refusal, Subject, never};

/// As systemd has it.
const MOST_BYTES: usize = 255;
/// The most patterns of one call.
const MOST_GLOBS: usize = 64;
const SUFFIX: &str = ".service";

/// The subject of a unit.
pub(crate) fn subject(id: &str) -> Subject {
    Subject::new(never::UNIT, id)
}

/// Whether systemd could have a unit of this name. A template without an instance is none.
pub(crate) fn is_unit(name: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    let Some((prefix, kind)) = name.rsplit_once('.') else { return false };
    let is_template = prefix.ends_with('@');
    name.len() <= MOST_BYTES
        && name.bytes().all(is_valid)
        && !prefix.is_empty()
        && !prefix.starts_with('@')
        && !is_template
        && !kind.is_empty()
        && kind.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether systemd could have a service of this name.
pub(crate) fn is_service(name: &str) -> bool {
    is_unit(name) && name.ends_with(SUFFIX)
}

/// Refuses what is not the name of a service.
pub(crate) fn service(name: &str) -> Result<&str, Refusal> {
    let shown = || inert(name, 80);
    if !is_unit(name) {
        return Err(Refusal::Invalid(format!("`{}` is not the name of a unit, such as nginx.service", shown())));
    }
    match name.ends_with(SUFFIX) {
        true => Ok(name),
        false => Err(Refusal::Unsupported(format!("{} is not a service", shown()))),
    }
}

/// The names that are listed.
pub(crate) struct Globs(Vec<NamePattern>);

impl Globs {
    pub(crate) fn read(globs: &[String]) -> Result<Globs, Refusal> {
        if globs.len() > MOST_GLOBS {
            return Err(Refusal::Invalid(format!("`globs` has more than {MOST_GLOBS} patterns")));
        }
        let pattern = |text: &String| match text.len() <= MOST_BYTES {
            true => NamePattern::new(text).map_err(|why| format!("`{}`: {why}", inert(text, 80))),
            false => Err(format!("longer than {MOST_BYTES} bytes")),
        };
        let patterns: Result<Vec<_>, String> = globs.iter().map(pattern).collect();
        patterns.map(Globs).map_err(|why| Refusal::Invalid(format!("`globs` has an invalid pattern: {why}")))
    }

    /// Without a pattern, every name.
    pub(crate) fn cover(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.matches(name))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_services_by_their_whole_name() {
        for good in ["nginx.service", "getty@tty1.service", "a.service", r"dev-disk\x2da.service", "a:b_c.d.service"] {
            assert_eq!(service(good).unwrap(), good);
        }
        let long = format!("{}.service", "a".repeat(248));
        for bad in [
            "",
            ".service",
            "nginx",
            "a b.service",
            "a/b.service",
            "../a.service",
            "a\n.service",
            "é.service",
            "getty@.service",
            "@a.service",
            "*.service",
            "a.service\0",
            "-.SERVICE",
            "a.",
            &long,
            "\u{1b}[2J.service",
        ] {
            let refused = service(bad).unwrap_err();
            assert!(matches!(refused, Refusal::Invalid(_)), "{bad:?}: {refused}");
            assert!(!refused.to_string().contains(['\u{1b}', '\n']), "{refused}");
        }
        for other in ["a.socket", "init.scope", "dev-sda.device"] {
            assert!(matches!(service(other), Err(Refusal::Unsupported(_))), "{other}");
        }
    }

    #[test]
    fn patterns_are_bounded() {
        let globs = |texts: &[&str]| Globs::read(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert!(globs(&[]).unwrap().cover("x.service"));
        assert!(globs(&["a*", "x.*"]).unwrap().cover("x.service") && !globs(&["a*"]).unwrap().cover("x.service"));
        assert!(globs(&["["]).is_err() && globs(&[&"a".repeat(256)]).is_err() && globs(&["a"; 65]).is_err());
    }
}
