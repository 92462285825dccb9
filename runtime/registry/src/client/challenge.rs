//! `WWW-Authenticate`: what a registry wants to know of who asks.

/// The most bytes of a challenge that are read.
const MOST_BYTES: usize = 4 << 10;

/// What a registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token that this address gives.
    Bearer {
        /// Where tokens are given.
        realm: String,
        /// What the token is for.
        service: Option<String>,
    },
}

impl Challenge {
    /// The first challenge of these headers that is known.
    pub(super) fn of<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
        headers.filter(|text| text.len() <= MOST_BYTES).find_map(Challenge::parse)
    }

    fn parse(text: &str) -> Option<Challenge> {
        let (scheme, parameters) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters_of(parameters);
        let value = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        Some(Challenge::Bearer { realm: value("realm")?, service: value("service") })
    }
}

/// `name="value", name=value`. What is not well formed ends the list.
fn parameters_of(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some((value, after)) => (value, after),
                None => break,
            },
            None => after.split_once(',').map_or((after, ""), |(value, rest)| (value, rest)),
        };
        found.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        rest = rest.trim_start().trim_start_matches(',').trim_start();
    }
    found
}

/// The address that gives a token for a scope. Everything that a registry says is encoded.
pub(super) fn token_url(realm: &str, service: Option<&str>, scope: &str) -> String {
    let mut url = realm.to_owned();
    let mut separator = if realm.contains('?') { '&' } else { '?' };
    for (name, value) in [("service", service.unwrap_or_default()), ("scope", scope)] {
        if !value.is_empty() {
            url.push(separator);
            url.push_str(name);
            url.push('=');
            url.extend(value.bytes().map(encoded));
            separator = '&';
        }
    }
    url
}

fn encoded(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
        };
        for (text, expected) in [
            ("Basic realm=\"x\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            ("Bearer realm=\"https://a/t\",service=\"r\",scope=\"s,t\"", bearer("https://a/t", Some("r"))),
            ("bearer Realm=https://a/t , service=r", bearer("https://a/t", Some("r"))),
            ("Bearer service=\"r\"", None),
            ("Bearer realm=\"https://a", None),
            ("Bearer", None),
            ("Negotiate", None),
            ("", None),
            ("====", None),
        ] {
            assert_eq!(Challenge::of([text].into_iter()), expected, "{text}");
        }
        assert_eq!(Challenge::of(["Negotiate", "Basic"].into_iter()), Some(Challenge::Basic));
        let long = format!("Basic {}", "a".repeat(MOST_BYTES));
        assert_eq!(Challenge::of([long.as_str()].into_iter()), None);
    }

    #[test]
    fn what_a_registry_says_is_encoded() {
        let url = token_url("https://a/t?x=1", Some("r&scope=registry:catalog:*"), "repository:a/b:pull");
        assert_eq!(url, "https://a/t?x=1&service=r%26scope%3Dregistry:catalog:%2A&scope=repository:a/b:pull");
        assert_eq!(token_url("https://a/t", None, ""), "https://a/t");
    }
}
