//! The origin of a target: its protocol, host and port.

use ansai_core::Refusal;
use ansai_core::text::inert;
use ansai_kit::target::{Reach, TargetAccess};
use ureq::http::uri::Authority;

use super::KIND;

/// Where the requests to a target go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) is_tls: bool,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// `https://HOST:PORT`, without a slash at its end.
    pub(super) text: String,
}

/// A target of the kind `http` and its origin.
///
/// # Errors
/// The instance may not use the target, or it is no web server.
pub(super) fn of<'r>(reach: &'r Reach, name: &str) -> Result<(&'r TargetAccess, Origin), Refusal> {
    let target = reach.target(name)?;
    let name = inert(name, 80);
    if target.target.kind != KIND {
        let kind = inert(&target.target.kind, 64);
        return Err(Refusal::Invalid(format!("target `{name}` has the kind {kind}, not {KIND}")));
    }
    let address = target.address.as_deref();
    let address = address.ok_or_else(|| Refusal::Invalid(format!("target `{name}` has no address")))?;
    let origin = read(address).map_err(|why| Refusal::Invalid(format!("the address of target `{name}` {why}")))?;
    Ok((target, origin))
}

pub(super) fn read(address: &str) -> Result<Origin, &'static str> {
    let (is_tls, rest) = match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err("is not an origin such as https://shop.example.org"),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#']) {
        return Err("has a path: it must be an origin such as https://shop.example.org");
    }
    let parsed: Authority = authority.parse().map_err(|_| "has no valid host")?;
    let host = parsed.host().trim_start_matches('[').trim_end_matches(']');
    let port = match parsed.port_u16() {
        Some(0) => return Err("has the port 0"),
        Some(port) => port,
        None if parsed.as_str().len() != parsed.host().len() => return Err("has an invalid port or a user"),
        None => {
            if is_tls {
                443
            } else {
                80
            }
        }
    };
    if host.is_empty() || parsed.as_str().contains('@') {
        return Err("has no host, or a user");
    }
    let text = format!("{}://{parsed}", if is_tls { "https" } else { "http" });
    Ok(Origin { is_tls, host: host.to_owned(), port, text })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn origins() {
        let shown = |text| read(text).map(|one| (one.is_tls, one.host, one.port, one.text));
        for (address, is_tls, host, port, text) in [
            ("http://h.example", false, "h.example", 80, "http://h.example"),
            ("https://h.example/", true, "h.example", 443, "https://h.example"),
            ("https://h.example:8443", true, "h.example", 8443, "https://h.example:8443"),
            ("http://[::1]:81/", false, "::1", 81, "http://[::1]:81"),
            ("http://127.0.0.1", false, "127.0.0.1", 80, "http://127.0.0.1"),
        ] {
            assert_eq!(shown(address).unwrap(), (is_tls, host.into(), port, text.into()), "{address}");
        }
        for bad in [
            "h.example:80",
            "unix:/run/app.sock",
            "ftp://h.example",
            "https://h.example/v1",
            "https://h.example//",
            "https://h.example?x",
            "https://me@h.example",
            "https://h.example:0",
            "https://h.example:",
            "https://h.example:99999",
            "https://",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
