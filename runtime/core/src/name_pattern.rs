//! Shell patterns of names.

/// A pattern of names: `*` stands for any characters, `?` for one, `[ab]` for one of these, `{a,b}` for either. Upper and
/// lower case differ. A backslash stands for itself, because names of units contain it: `dev-disk-by\x2duuid`.
#[derive(Debug, Clone)]
pub struct NamePattern {
    text: String,
    matcher: globset::GlobMatcher,
}

impl NamePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Why it is not one, as the end of a sentence.
    pub fn new(text: &str) -> Result<NamePattern, String> {
        let glob = globset::GlobBuilder::new(text).backslash_escape(false).build();
        let glob = glob.map_err(|error| error.kind().to_string())?;
        Ok(NamePattern { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches a whole name. A pattern always matches itself.
    pub fn matches(&self, name: &str) -> bool {
        name == self.text || self.matcher.is_match(name)
    }

    /// Whether a text has characters that do not stand for themselves.
    pub fn is_special(text: &str) -> bool {
        text.contains(['*', '?', '[', ']', '{', '}'])
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for NamePattern {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names_in_their_case() {
        for (pattern, name, matches) in [
            ("ssh.service", "ssh.service", true),
            ("ssh.service", "Ssh.service", false),
            ("ssh.service", "xssh.service", false),
            ("ssh.service", "ssh.service.d", false),
            ("ssh.service", "ssh-service", false),
            ("drbd*", "drbd@data.service", true),
            ("drbd*", "drbd", true),
            ("drbd?.service", "drbd1.service", true),
            ("drbd?.service", "drbd.service", false),
            ("/srv/*", "/srv/a/b", true),
            ("/srv/*", "/srv", false),
            ("dev-disk-by\\x2duuid.mount", "dev-disk-by\\x2duuid.mount", true),
            ("dev-disk-by\\x2d*", "dev-disk-by\\x2duuid.mount", true),
            ("dev-disk-by\\x2d*", "dev-disk-byx2duuid.mount", false),
            ("a[1]", "a[1]", true),
            ("a[1]", "a1", true),
        ] {
            assert_eq!(NamePattern::new(pattern).unwrap().matches(name), matches, "{pattern} {name}");
        }
        assert!(NamePattern::new("a[").is_err() && NamePattern::new("{a").is_err());
    }
}
