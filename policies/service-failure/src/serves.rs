//! What services must answer, as the operator says.

use crate::imports::ansai::http::http_probe::{Method, Request};
use crate::settings::Settings;

ansai_sdk::entries! {
    /// One entry of the setting `serves`.
    #[derive(PartialEq, Eq)]
    pub(crate) struct Serve: "a list of tables with `unit` and `target`" {
        unit: String,
        target: String,
        path: String => "/".into(),
        contains: Option<String> => None,
        least_status: u16 => 200,
        most_status: u16 => 399,
    }
}

impl Serve {
    pub(crate) fn request(&self) -> Request {
        let (target, path, contains) = (self.target.clone(), self.path.clone(), self.contains.clone());
        Request { target, path, method: Method::Get, contains }
    }

    pub(crate) fn accepts(&self, status: u16) -> bool {
        (self.least_status..=self.most_status).contains(&status)
    }
}

impl Settings {
    /// What a service must answer.
    pub(crate) fn serves_of<'s>(&'s self, unit: &'s str) -> impl Iterator<Item = &'s Serve> {
        self.serves.0.iter().filter(move |serve| serve.unit == unit)
    }

    /// The targets of a service, for a person.
    pub(crate) fn targets_of(&self, unit: &str) -> String {
        self.serves_of(unit).map(|serve| serve.target.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The services that must answer, each once, in the order of the setting.
    pub(crate) fn serving(&self) -> Vec<&str> {
        let mut units: Vec<&str> = Vec::new();
        for serve in &self.serves.0 {
            if !units.contains(&serve.unit.as_str()) {
                units.push(&serve.unit);
            }
        }
        units
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::settings;

    #[test]
    fn entries_and_their_defaults() {
        let two = settings(|settings| {
            settings["serves"] = serde_json::json!([
                {"unit": "web.service", "target": "site"},
                {"unit": "api.service", "target": "api", "path": "/health", "contains": "ok", "least_status": 401, "most_status": 401},
                {"unit": "web.service", "target": "other"},
            ]);
        });
        assert_eq!(two.serving(), ["web.service", "api.service"]);
        assert_eq!(two.targets_of("web.service"), "site, other");
        let of = |unit| two.serves_of(unit).next().unwrap();
        let (web, api) = (of("web.service"), of("api.service"));
        assert_eq!((web.request().path.as_str(), web.request().contains), ("/", None));
        assert_eq!([199, 200, 399, 400].map(|status| web.accepts(status)), [false, true, true, false]);
        assert_eq!((api.request().path.as_str(), api.request().contains.as_deref()), ("/health", Some("ok")));
        assert_eq!([400, 401, 402].map(|status| api.accepts(status)), [false, true, false]);
        assert!(settings(|_| {}).serves.0.is_empty());
    }
}
