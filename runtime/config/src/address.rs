//! Addresses of targets: a URL, a host with a port, or a socket of this machine; never with a user or a password.

use ansai_core::{Code, codes};

use crate::export::host;

const EXAMPLES: &str =
    "write, for example, \"db.example.org:5432\", \"https://api.example.org/\" or \"unix:/run/app.sock\"";

/// Code, message and hint of an address that cannot be used.
pub(crate) type Refused = (Code, &'static str, &'static str);

/// Checks an address.
pub(crate) fn check(text: &str) -> Result<(), Refused> {
    let wrong = |words| Err((codes::BAD_ADDRESS, words, EXAMPLES));
    if let Some(path) = text.strip_prefix("unix:") {
        // As DOCKER_HOST has it: `unix:///run/docker.sock`.
        let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let is_plain = ansai_core::scope::is_plain_absolute(path) && !path.chars().any(char::is_control);
        return if is_plain { Ok(()) } else { wrong("is not an absolute path without `.` or `..` after `unix:`") };
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong("holds a blank or what is not ASCII");
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(credentials("contains a user or a password"));
    }
    if path.split(['?', '&', ';']).skip(1).any(names_a_secret) {
        return Err(credentials("contains a user or a password after `?`"));
    }
    if path.contains('#') {
        return wrong("holds a `#`, which no server sees");
    }
    match scheme {
        None if !path.is_empty() => wrong("is neither a URL nor a host with a port"),
        None if !has_port(authority) => wrong("has no port"),
        Some(scheme) if !is_scheme(scheme) => wrong("does not start with the name of a protocol"),
        _ if host(authority).is_none() => wrong("has no host, or an invalid port"),
        _ => Ok(()),
    }
}

fn credentials(words: &'static str) -> Refused {
    let hint = "delete them from the address; write the user as `user = \"NAME\"` and the password into a file, with \
        `secret = { file = \"/etc/ansai/NAME.secret\" }`";
    (codes::CREDENTIALS_IN_ADDRESS, words, hint)
}

/// Whether `key=value` of a query says who connects, or with which secret.
fn names_a_secret(parameter: &str) -> bool {
    let key = parameter.split('=').next().unwrap_or_default().to_ascii_lowercase();
    let known = ["user", "username", "login", "pwd", "auth"];
    known.contains(&key.as_str())
        || ["pass", "secret", "token", "apikey", "api_key"].iter().any(|word| key.contains(word))
}

fn is_scheme(text: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(known)
}

fn has_port(authority: &str) -> bool {
    let after_host = authority.rsplit(']').next().unwrap_or_default();
    after_host.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in [
            "db.example.org:5432",
            "127.0.0.1:1",
            "[::1]:5432",
            "unix:/run/postgresql",
            "unix:/run/my app.sock",
            "unix:///run/docker.sock",
            "https://api.example.org/v1?limit=5",
            "postgresql://db.example.org/orders",
            "mongodb+srv://h:27017/",
            "http://[::1]:80/@x",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "db",
            "db:",
            "db:0",
            "db:99999",
            ":5432",
            "[::1]",
            "[::1",
            "db:5432/x",
            "1://h/",
            "Http://h/",
            "://h/",
            "https:///x",
            "https://h/#x",
            "h x:1",
            "host=db user=x password=y",
            "dé:1",
            "unix:run/x",
            "unix:",
            "unix://run/x",
            "unix:////run/x",
            "unix:/a/../b",
            "unix:/a\u{1b}b",
            "a\u{1b}[2J:1",
            "h\u{202e}:1",
            "https://h:/",
        ] {
            assert_eq!(check(bad).unwrap_err().0, codes::BAD_ADDRESS, "{bad}");
        }
        for secret in [
            "postgresql://me:pw@h/x",
            "https://me@h",
            "me:pw@h:5432",
            "@h:1",
            "https://h/?a=1&Password=x",
            "https://h?user=x",
            "https://h/x?a=1;access_token=y",
            "https://h?sslpassword=x",
            "http://127.0.0.1@h.example/",
        ] {
            assert_eq!(check(secret).unwrap_err().0, codes::CREDENTIALS_IN_ADDRESS, "{secret}");
        }
    }
}
