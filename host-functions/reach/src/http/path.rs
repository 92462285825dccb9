//! What a policy may ask a server for: a path on its origin, and a text that the body must have.

use ansai_core::Refusal;

use super::wire::Request;

const MOST_PATH: usize = 2_048;
const MOST_TEXT: usize = 256;

/// Checks a request of a policy. The path is appended to an origin that ends with a host or a port, so it must begin with
/// `/`: it could continue the name of the host otherwise.
///
/// # Errors
/// `invalid` says what is wrong.
pub(super) fn check(request: &Request) -> Result<(), Refusal> {
    let wrong = |why: &str| Err(Refusal::Invalid(format!("`path` {why}")));
    let path = request.path.as_str();
    if path.len() > MOST_PATH {
        return wrong(&format!("has {} bytes, more than {MOST_PATH}", path.len()));
    }
    if !path.starts_with('/') {
        return wrong("does not begin with `/`");
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong("has a blank, a control character, or one that is not ASCII: percent-encode it");
    }
    // Characters that no URL has (RFC 3986). Servers and proxies do not agree on what they mean.
    if let Some(found) = path.chars().find(|c| matches!(c, '\\' | '#' | '"' | '<' | '>' | '^' | '`' | '{' | '|' | '}'))
    {
        return wrong(&format!("has a `{found}`: percent-encode it"));
    }
    let (before, query) = path.split_once('?').unwrap_or((path, ""));
    let Some(decoded) = decode(before) else { return wrong("has a `%` without two hexadecimal digits") };
    let Some(query) = decode(query) else { return wrong("has a `%` without two hexadecimal digits") };
    if decoded.iter().chain(&query).any(u8::is_ascii_control) {
        return wrong("has an encoded control character");
    }
    // Only one level of encoding: what remains encoded is a name with a percent sign for every server that follows the
    // standard.
    let mut segments = decoded.split(|byte| matches!(byte, b'/' | b'\\')).skip(1);
    // `/..;a` is `/..` for some servers.
    if segments.any(|segment| matches!(segment.split(|byte| *byte == b';').next(), Some(b"." | b".."))) {
        return wrong("has `.` or `..` as a part");
    }
    if before.starts_with("//") {
        return wrong("begins with `//`");
    }
    match request.contains.as_deref() {
        Some(text) if text.is_empty() || text.len() > MOST_TEXT => {
            Err(Refusal::Invalid(format!("`contains` must have 1 to {MOST_TEXT} bytes")))
        }
        _ => Ok(()),
    }
}

/// The bytes of a percent-encoded text; `None` if a `%` is not followed by two digits.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::wire::Method;
    use super::*;

    fn request(path: &str) -> Request {
        Request { target: "site".into(), path: path.into(), method: Method::Get, contains: None }
    }

    #[test]
    fn paths() {
        let long = format!("/{}", "a".repeat(MOST_PATH - 1));
        for good in ["/", "/health", "/a/b?x=1&y=%2F..", "/a%20b", "/...", "/.well-known/x", "/a@b:80", "/?//..", &long]
        {
            assert_eq!(check(&request(good)), Ok(()), "{good}");
        }
        let too_long = format!("/{}", "a".repeat(MOST_PATH));
        for bad in [
            "",
            "health",
            "@evil.example/",
            ".evil.example/",
            ":81/",
            "http://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "/..",
            "/a/../b",
            "/./a",
            "/a/.",
            "/%2e%2e/a",
            "/%2E./a",
            "/a%2f..%2fb",
            "/a%5c..%5cb",
            "/..;x=1/manager",
            "/a b",
            "/a\r\nHost: evil.example",
            "/a%0d%0aX: y",
            "/a?b=%00",
            "/a#b",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/é",
            "/{a}",
            &too_long,
        ] {
            assert!(matches!(check(&request(bad)), Err(Refusal::Invalid(_))), "{bad}");
        }
    }

    #[test]
    fn texts() {
        let with = |text: &str| check(&Request { contains: Some(text.into()), ..request("/") });
        assert!(with("ok").is_ok() && with(&"a".repeat(MOST_TEXT)).is_ok());
        assert!(with("").is_err() && with(&"a".repeat(MOST_TEXT + 1)).is_err());
    }
}
