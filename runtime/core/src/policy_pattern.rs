//! Names that a rule of trust covers: `registry.example/acme/*`, `acme/*`, `*`.

use std::fmt;
use std::str::FromStr;

const MOST_BYTES: usize = 512;

/// A name of policies in registries, everything below a name, or everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyPattern {
    /// Without `*`, and with the `/` in front of it.
    prefix: String,
    is_exact: bool,
}

impl PolicyPattern {
    /// Whether it covers `registry.example/acme/web`, or a short name such as `acme/web`.
    pub fn covers(&self, name: &str) -> bool {
        if self.is_exact { name == self.prefix } else { name.starts_with(&self.prefix) && name != self.prefix }
    }
}

impl FromStr for PolicyPattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<PolicyPattern, &'static str> {
        let (prefix, is_exact) = match text.strip_suffix('*') {
            Some(prefix) => (prefix, false),
            None => (text, true),
        };
        let is_known = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':')
        };
        let parts = prefix.strip_suffix('/').unwrap_or(prefix);
        if text.is_empty() || text.len() > MOST_BYTES || !prefix.bytes().all(is_known) {
            return Err(
                "a name has lower-case letters, digits and `.`, `_`, `-`, `/`, `:`, and at most one `*` at its end",
            );
        }
        // `acme*` would cover the namespace `acme-evil`, too.
        if !is_exact && !prefix.is_empty() && !prefix.ends_with('/') {
            return Err("`*` is alone or follows a `/`");
        }
        if !prefix.is_empty() && parts.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err("a part between two `/` is empty or made of dots");
        }
        if is_exact && !text.contains('/') {
            return Err("it names no policy: write `acme/web`, `acme/*` or `*`");
        }
        Ok(PolicyPattern { prefix: prefix.to_owned(), is_exact })
    }
}

impl fmt::Display for PolicyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.prefix, if self.is_exact { "" } else { "*" })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_whole_parts_only() {
        let pattern = |text: &str| text.parse::<PolicyPattern>().unwrap();
        let all = ["registry.example/acme/web", "acme/web", "acme/a/b"];
        assert!(all.iter().all(|name| pattern("*").covers(name)));
        assert!(pattern("acme/*").covers("acme/web") && pattern("acme/*").covers("acme/a/b"));
        assert!(pattern("registry.example:5000/*").covers("registry.example:5000/web"));
        assert!(pattern("acme/web").covers("acme/web"));
        for (text, name) in [
            ("acme/*", "acme-evil/web"),
            ("acme/*", "acme/"),
            ("acme/*", "registry.example/acme/web"),
            ("acme/web", "acme/web2"),
            ("registry.example/acme/*", "registry.example.evil/acme/web"),
        ] {
            assert!(!pattern(text).covers(name), "{text} {name}");
        }
        for bad in
            ["", "acme", "acme*", "a*b/c", "*/web", "acme/**", "acme//x", "acme/../x", "/", "/*", "Acme/*", "a b/*"]
        {
            assert!(bad.parse::<PolicyPattern>().is_err(), "{bad}");
        }
    }
}
