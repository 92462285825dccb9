//! Addresses of database servers, as operators write them.

use std::path::{Path, PathBuf};

use ansai_core::Refusal;
use ansai_kit::target::TargetAccess;

const PORT: u16 = 5_432;
/// How addresses of PostgreSQL are written.
pub(crate) const FORM: &Form =
    // Every cluster has this database.
    &Form { schemes: &["postgresql", "postgres"], port: PORT, database: "postgres", socket };
/// The label that names the database of a target on a socket.
const LABEL: &str = "database";

/// How addresses of an engine differ from those of others.
pub(crate) struct Form {
    /// What may stand before `://`; messages name the first.
    pub(crate) schemes: &'static [&'static str],
    pub(crate) port: u16,
    /// The database if neither address nor label names one.
    pub(crate) database: &'static str,
    /// The socket of a path after `unix:`.
    pub(crate) socket: fn(&Path) -> PathBuf,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Socket(PathBuf),
    Network { host: String, port: u16 },
}

/// How a server is reached, and which of its databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) place: Place,
    pub(crate) database: String,
    pub(crate) tls: bool,
    /// The certificates that are trusted instead of those of the system.
    pub(crate) authorities: Option<PathBuf>,
}

impl Address {
    /// Of a target: `postgresql://HOST:PORT/DATABASE?tls=require&ca=/FILE`, `HOST:PORT`, or `unix:/DIRECTORY`. Another host
    /// is reached with TLS unless the address says `tls=off`.
    ///
    /// # Errors
    /// `invalid` without the address: it is not the business of a policy.
    pub(super) fn of(target: &TargetAccess) -> Result<Address, Refusal> {
        Address::read(target, FORM)
    }

    /// Of a target of any engine.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(crate) fn read(target: &TargetAccess, form: &Form) -> Result<Address, Refusal> {
        let name = &target.target.name;
        let wrong = |why: &str| Refusal::Invalid(format!("the address of target `{name}` {why}"));
        let text = target.address.as_deref().ok_or_else(|| wrong("is missing"))?;
        let label = target.target.labels.iter().find(|label| label.name == LABEL);
        let database = label.map_or(form.database, |label| label.value.as_str()).to_owned();
        if let Some(path) = text.strip_prefix("unix:") {
            let place = Place::Socket((form.socket)(Path::new(path)));
            return Ok(Address { place, database, tls: false, authorities: None });
        }
        let (authority, rest) = match text.split_once("://") {
            None => (text, ""),
            Some((scheme, rest)) if form.schemes.contains(&scheme) => {
                rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()))
            }
            Some(_) => {
                let first = form.schemes.first().copied().unwrap_or_default();
                return Err(wrong(&format!("does not begin with {first}://")));
            }
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, port) =
            host_and_port(authority, form.port).ok_or_else(|| wrong("has no host, or an invalid port"))?;
        let mut address = Address {
            tls: !is_here(&host),
            place: Place::Network { host, port },
            database: match path.trim_start_matches('/') {
                "" => database,
                path if path.contains(['/', '%']) => return Err(wrong("has no plain name of a database; use a label")),
                path => path.to_owned(),
            },
            authorities: None,
        };
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("tls", "require")) => address.tls = true,
                Some(("tls", "off")) => address.tls = false,
                Some(("ca", path)) if path.starts_with('/') => address.authorities = Some(path.into()),
                _ => return Err(wrong("has a parameter other than tls=require, tls=off and ca=/FILE")),
            }
        }
        Ok(address)
    }
}

/// The file of certificates that a target names instead of those of the system, whatever its engine.
pub(crate) fn authorities_of(target: &TargetAccess) -> Option<PathBuf> {
    let (_, query) = target.address.as_deref()?.split_once('?')?;
    let path = query.split('&').filter_map(|parameter| parameter.strip_prefix("ca=")).next_back()?;
    path.starts_with('/').then(|| path.into())
}

/// PostgreSQL names the socket in a directory after its port.
fn socket(path: &Path) -> PathBuf {
    let is_socket = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".s.PGSQL."));
    if is_socket { path.to_owned() } else { path.join(format!(".s.PGSQL.{PORT}")) }
}

fn host_and_port(authority: &str, default: u16) -> Option<(String, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':').unwrap_or(port))
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let port = if port.is_empty() { default } else { port.parse().ok()? };
    (!host.is_empty() && !host.contains('@')).then(|| (host.to_owned(), port))
}

/// Whether what is sent stays on this machine.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_kit::evaluation_state::Label;

    use super::*;

    fn of(address: &str) -> Result<Address, Refusal> {
        let labels = vec![Label { name: LABEL.into(), value: "app".into() }];
        Address::of(&TargetAccess { address: Some(address.into()), ..TargetAccess::new("db", "postgresql", labels) })
    }

    #[test]
    fn another_host_is_reached_with_tls() {
        for (address, host, port, database, tls) in [
            ("db.example.org:5433", "db.example.org", 5433, "app", true),
            ("postgresql://db.example.org", "db.example.org", 5432, "app", true),
            ("postgresql://db.example.org/orders?tls=off", "db.example.org", 5432, "orders", false),
            ("postgres://[2001:db8::1]:6432/orders", "2001:db8::1", 6432, "orders", true),
            ("127.0.0.1:5432", "127.0.0.1", 5432, "app", false),
            ("localhost:5432", "localhost", 5432, "app", false),
            ("[::1]:5432", "::1", 5432, "app", false),
            ("postgresql://127.0.0.1/x?tls=require&ca=/etc/ca.pem", "127.0.0.1", 5432, "x", true),
            ("127.0.0.1.example.org:1", "127.0.0.1.example.org", 1, "app", true),
        ] {
            let found = of(address).unwrap();
            assert_eq!(found.place, Place::Network { host: host.into(), port }, "{address}");
            assert_eq!((found.database.as_str(), found.tls), (database, tls), "{address}");
        }
        assert_eq!(of("postgresql://h/x?ca=/a.pem").unwrap().authorities, Some("/a.pem".into()));
    }

    #[test]
    fn a_socket_is_in_a_directory() {
        for (address, path) in [
            ("unix:/run/postgresql", "/run/postgresql/.s.PGSQL.5432"),
            ("unix:/run/postgresql/.s.PGSQL.6432", "/run/postgresql/.s.PGSQL.6432"),
        ] {
            assert_eq!(of(address).unwrap().place, Place::Socket(path.into()));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_shown() {
        for bad in [
            "https://h/",
            "postgresql://",
            "postgresql://h:x/",
            "postgresql://h/a/b",
            "h:5432?x",
            "[::1",
            "postgresql://h/x?sslmode=off",
            "postgresql://h?ca=x",
        ] {
            let why = of(bad).unwrap_err();
            assert!(matches!(&why, Refusal::Invalid(text) if !text.contains(bad)), "{bad}: {why}");
        }
        assert!(Address::of(&TargetAccess::new("db", "postgresql", vec![])).is_err());
    }
}
