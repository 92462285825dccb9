//! Settings, see `settings.schema.json`.

use ansai_sdk::text::matches;
use ansai_sdk::{Entries, Failure, Levels, Span, text};

use crate::imports::ansai::certificate::served_certificate_probe::{Endpoint, Opening};

/// Findings are found by their keys: the name of an endpoint or the path of a file after a prefix, at most 200 bytes.
const MOST_KEY: usize = 190;

ansai_sdk::settings! {
    pub(crate) struct Settings {
        endpoints: Entries<Server>,
        ignore_lineages: Vec<String>,
        notice: Span = "remaining.notice",
        warning: Span = "remaining.warning",
        critical: Span = "remaining.critical",
        emergency: Span = "remaining.emergency",
        notice_percent: f64 = "remaining_percent.notice",
        warning_percent: f64 = "remaining_percent.warning",
        critical_percent: f64 = "remaining_percent.critical",
        emergency_percent: f64 = "remaining_percent.emergency",
        /// In 7 days.
        renewals: u32,
        settle: Span,
    }
}

ansai_sdk::entries! {
    /// One entry of `endpoints`.
    #[derive(Default, PartialEq)]
    pub(crate) struct Server: "a list of tables with `address`" {
        address: String,
        /// Empty: the host of `address`.
        name: String => String::new(),
        opening: String => String::new(),
        file: Option<String> => None,
        key_file: Option<String> = "key" => None,
        lineage: Option<String> => None,
        target: Option<String> => None,
        private_issuer: bool => false,
    }
}

impl Server {
    /// The name that the certificate must be for.
    pub(crate) fn wanted_name(&self) -> &str {
        if self.name.is_empty() { text::host_of(&self.address) } else { &self.name }
    }

    /// The key of its finding, which also names it for people: the address, and the name if that is another one.
    pub(crate) fn key(&self) -> String {
        match self.wanted_name() {
            name if name == text::host_of(&self.address) => self.address.clone(),
            name => format!("{} {name}", self.address),
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        let opening = match self.opening.as_str() {
            "smtp" => Opening::Smtp,
            "imap" => Opening::Imap,
            "pop3" => Opening::Pop3,
            "ldap" => Opening::Ldap,
            "postgresql" => Opening::Postgresql,
            "mysql" => Opening::Mysql,
            _ => Opening::Tls,
        };
        Endpoint { address: self.address.clone(), server_name: self.name.clone(), opening }
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.remaining(|span, _| span.0 as f64).check()?;
        self.remaining(|_, percent| percent).check()?;
        let keys = |server: &Server| [server.key(), server.file.clone().unwrap_or_default()];
        self.endpoints.check_keys("endpoints", MOST_KEY, keys)
    }

    /// The thresholds, each made of a remaining time and a percentage of the lifetime.
    pub(crate) fn remaining(&self, of: impl Fn(Span, f64) -> f64) -> Levels {
        Levels::falling()
            .notice(of(self.notice, self.notice_percent))
            .warning(of(self.warning, self.warning_percent))
            .critical(of(self.critical, self.critical_percent))
            .emergency(of(self.emergency, self.emergency_percent))
    }

    pub(crate) fn ignores_lineage(&self, name: &str) -> bool {
        self.ignore_lineages.iter().any(|pattern| matches(pattern, name))
    }

    /// The endpoint with this key.
    pub(crate) fn server(&self, key: &str) -> Option<&Server> {
        self.endpoints.0.iter().find(|server| server.key() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{settings, watching};
    use serde_json::json;

    #[test]
    fn the_schema_and_the_policy_agree() {
        let settings = settings(|_| {});
        assert_eq!((settings.renewals, settings.settle, settings.endpoints.0.len()), (2, Span(30_000), 0));
        assert_eq!(settings.check(), Ok(()));
        let of = |opening: &str| Server { opening: opening.into(), ..Server::default() }.endpoint().opening;
        let schema: serde_json::Value = serde_json::from_str(include_str!("../settings.schema.json")).unwrap();
        let openings = &schema["properties"]["endpoints"]["items"]["properties"]["opening"]["enum"];
        for opening in openings.as_array().unwrap().iter().map(|one| one.as_str().unwrap()) {
            assert_eq!(format!("{:?}", of(opening)).to_lowercase(), format!("opening::{opening}"));
        }
    }

    #[test]
    fn an_endpoint_has_a_name_and_a_key() {
        for (address, name, wanted, key) in [
            ("www.example.org:443", "", "www.example.org", "www.example.org:443"),
            ("www.example.org:443", "www.example.org", "www.example.org", "www.example.org:443"),
            ("192.0.2.1:443", "www.example.org", "www.example.org", "192.0.2.1:443 www.example.org"),
            ("[2001:db8::1]:443", "", "2001:db8::1", "[2001:db8::1]:443"),
        ] {
            let server = &watching(address, name).endpoints.0[0];
            assert_eq!((server.wanted_name(), server.key()), (wanted, key.to_owned()));
        }
    }

    #[test]
    fn settings_that_contradict_each_other_are_named() {
        let why = |settings: Settings| format!("{:?}", settings.check());
        let error = why(settings(|settings| settings["remaining"]["warning"] = (40 * crate::testing::DAY).into()));
        assert!(error.contains("`warning` must be below `notice`"), "{error}");
        let error = why(settings(|settings| settings["remaining_percent"]["emergency"] = 9.into()));
        assert!(error.contains("`emergency` must be below `critical`"), "{error}");
        let twice = json!([{"address": "a:1"}, {"address": "a:1", "name": "a"}]);
        let error = why(settings(|settings| settings["endpoints"] = twice));
        assert!(error.contains("`a:1` twice"), "{error}");
        let broken = settings_error(json!([{"name": "a"}]));
        assert!(broken.contains("a list of tables with `address`"), "{broken}");
    }

    fn settings_error(endpoints: serde_json::Value) -> String {
        use ansai_sdk::FromSettings as _;
        let mut all = ansai_sdk::testing::default_settings(include_str!("../settings.schema.json"));
        all["endpoints"] = endpoints;
        format!("{:?}", Settings::from_settings(&all.to_string()).unwrap_err())
    }

    #[test]
    fn every_setting_is_described() {
        let (schema, readme) = (include_str!("../settings.schema.json"), include_str!("../README.md"));
        assert_eq!(ansai_sdk::testing::undescribed_settings(schema, readme), [""; 0]);
    }
}
