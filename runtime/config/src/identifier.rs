//! Validates names of policies and instances, and versions.

use ansai_core::{InstanceName, codes};

use crate::problem::Problem;

const NAME_RULE: &str = InstanceName::RULE;

/// Whether a policy can have this name. The rule is that of instances: without a configuration an instance has the name
/// of its policy.
pub fn is_name(text: &str) -> bool {
    InstanceName::is_valid(text)
}

/// Matches a version of Semantic Versioning 2.0: `1.2.3`, `1.0.0-rc.1+build.5`.
pub fn is_version(text: &str) -> bool {
    if text.len() > 128 {
        return false;
    }
    let (rest, build) = match text.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (text, None),
    };
    let (core, pre) = match rest.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (rest, None),
    };
    let numbers: Vec<&str> = core.split('.').collect();
    numbers.len() == 3
        && numbers.iter().all(|n| is_number(n) && n.parse::<u64>().is_ok())
        && pre.is_none_or(|pre| pre.split('.').all(|part| is_part(part) && (!is_digits(part) || is_number(part))))
        && build.is_none_or(|build| build.split('.').all(is_part))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Matches a number without leading zeros.
fn is_number(text: &str) -> bool {
    is_digits(text) && (text == "0" || !text.starts_with('0'))
}

fn is_part(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Returns the nearest valid name.
fn suggest_name(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => c,
            _ => '-',
        })
        .collect();
    let name = plain.trim_start_matches(|c: char| !c.is_ascii_lowercase()).trim_end_matches('-');
    is_name(name).then(|| name.to_owned())
}

/// The problem of an invalid name, with the nearest valid one as hint.
pub(crate) fn bad_name(what: &str, text: &str, span: crate::source::Span) -> Problem {
    let shown = ansai_core::text::inert(text, 80);
    let hint = match suggest_name(text) {
        Some(name) => format!("{NAME_RULE}, such as `{name}`"),
        None => NAME_RULE.to_owned(),
    };
    Problem::error(codes::BAD_NAME, span, format!("`{shown}` is not a valid name for {what}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "disk-space", "web1"] {
            assert!(is_name(good), "{good}");
        }
        let long = "a".repeat(64);
        for bad in ["", "-a", "1a", "Disk", "a_b", "a/b", "é", long.as_str()] {
            assert!(!is_name(bad), "{bad}");
        }
        assert_eq!(suggest_name("Disk_Space!").as_deref(), Some("disk-space"));
        assert_eq!(suggest_name("42"), None);
    }

    #[test]
    fn versions() {
        for good in ["0.1.0", "1.0.0-rc.1", "1.2.3+build.05", "1.0.0-a-b+c-d"] {
            assert!(is_version(good), "{good}");
        }
        for bad in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "01.2.3",
            "v1.2.3",
            "1.2.x",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3+",
            "99999999999999999999.0.0",
        ] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
