//! The file of certbot for one lineage, `renewal/NAME.conf`: keys and values, then tables in brackets.

use std::path::Path;

use ansai_core::Millis;
use ansai_core::scope::canonical_endpoint;

/// What would make a staged renewal act on what is served: the operator's own hooks after a renewal, and the plug-in that
/// installs; the command line overrides those of `cli.ini`. Where its files are comes from the command line instead.
const LEFT_OUT: [&str; 9] =
    ["deploy_hook", "renew_hook", "installer", "config_dir", "archive_dir", "cert", "privkey", "chain", "fullchain"];

fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    (!key.starts_with(['#', '['])).then_some(key)
}

/// The same renewal, in a directory of its own.
pub(super) fn staged(text: &str, config: &Path, name: &str) -> String {
    let kept = text.lines().filter(|line| key(line).is_none_or(|key| !LEFT_OUT.contains(&key)));
    let live = config.join("live").join(name);
    let mut out = format!("archive_dir = {}\n", config.join("archive").join(name).display());
    for kind in super::site::KINDS {
        out.push_str(&format!("{kind} = {}\n", live.join(format!("{kind}.pem")).display()));
    }
    for line in kept {
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The longest address of an ACME server, in bytes.
const MOST_ADDRESS: usize = 256;

/// The address, in the spelling of a grant, and the path of the ACME server: `server = https://acme.example.org/directory`.
/// `None` unless it is HTTPS, and all of it is plain.
pub(super) fn server(text: &str) -> Option<(String, String)> {
    let line = text.lines().find(|line| key(line) == Some("server"))?;
    let rest = line.split_once('=')?.1.trim().strip_prefix("https://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_plain =
        |text: &str, more: &str| text.bytes().all(|c| c.is_ascii_alphanumeric() || more.as_bytes().contains(&c));
    if rest.len() > MOST_ADDRESS || !is_plain(authority, "-._:[]") || !is_plain(path, "-._~/") {
        return None;
    }
    // The colons of an address of IPv6 are in brackets.
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let address = if has_port { authority.to_owned() } else { format!("{authority}:443") };
    // In the spelling of a grant: no grant could name another one.
    let address = canonical_endpoint(&address).ok()?;
    let path = if path.is_empty() { "/" } else { path };
    Some((address, path.to_owned()))
}

/// How long before its end of life the operator wants it renewed: `renew_before_expiry = 30 days`.
pub(super) fn renew_before_expiry(text: &str) -> Option<Millis> {
    let line = text.lines().find(|line| key(line) == Some("renew_before_expiry"))?;
    let value = line.split_once('=')?.1.trim();
    let (number, unit) = value.split_once(' ')?;
    let hours = match unit.trim() {
        "day" | "days" => 24,
        "hour" | "hours" => 1,
        "week" | "weeks" => 168,
        _ => return None,
    };
    number.trim().parse::<u64>().ok()?.checked_mul(hours).filter(|hours| *hours <= 100_000).map(Millis::from_hours)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_server_of_a_lineage() {
        let of = |server: &str| super::server(&format!("version = 2.1.0\n[renewalparams]\nserver = {server}\n"));
        let some = |address: &str, path: &str| Some((address.to_owned(), path.to_owned()));
        for (server, expected) in [
            ("https://acme-v02.api.letsencrypt.org/directory", some("acme-v02.api.letsencrypt.org:443", "/directory")),
            ("https://localhost:14000/dir", some("localhost:14000", "/dir")),
            ("https://[::1]:14000/dir", some("[::1]:14000", "/dir")),
            ("https://[2001:db8::1]/dir", some("[2001:db8::1]:443", "/dir")),
            ("https://CA.example", some("ca.example:443", "/")),
            ("https://CA.example.:0443/dir", some("ca.example:443", "/dir")),
            ("https://[2001:DB8:0::1]:14000/dir", some("[2001:db8::1]:14000", "/dir")),
            ("https://[::ffff:192.0.2.1]/dir", some("192.0.2.1:443", "/dir")),
            ("https://127.1/dir", None),
            ("https://ca..example/dir", None),
            ("https://-ca.example/dir", None),
            ("https://[ca.example]/dir", None),
            ("https://[::1]x/dir", None),
            ("http://ca.example/dir", None),
            ("https:///dir", None),
            ("https://:443/dir", None),
            ("https://me@ca.example/dir", None),
            ("https://ca.example:0/dir", None),
            ("https://ca.example:65536/dir", None),
            ("https://ca.example:/dir", None),
            ("https://2001:db8::1/dir", None),
            ("https://[::1/dir", None),
            ("https://ca.example/dir?x=1", None),
            ("https://ca.example/dir#x", None),
            ("https://ca.example/a b", None),
            ("https://ca.example\u{202e}/dir", None),
            ("https://ca.example/%2e%2e", None),
            ("", None),
        ] {
            assert_eq!(of(server), expected, "{server}");
        }
        assert_eq!(of(&format!("https://ca.example/{}", "a".repeat(300))), None);
        assert_eq!(super::server("# server = https://ca.example/\n"), None);
    }
}
