//! What services must answer, as the operator says.

use ansai_sdk::{Json, Setting};

use crate::imports::ansai::http::http_probe::{Method, Request};

/// One entry of the setting `serves`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Serve {
    pub(crate) unit: String,
    pub(crate) target: String,
    path: String,
    contains: Option<String>,
    pub(crate) least_status: u16,
    pub(crate) most_status: u16,
}

/// All entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Serves(pub(crate) Vec<Serve>);

impl Serve {
    pub(crate) fn request(&self) -> Request {
        let (target, path, contains) = (self.target.clone(), self.path.clone(), self.contains.clone());
        Request { target, path, method: Method::Get, contains }
    }

    pub(crate) fn accepts(&self, status: u16) -> bool {
        (self.least_status..=self.most_status).contains(&status)
    }
}

impl Serves {
    /// The entries of a service.
    pub(crate) fn of<'s>(&'s self, unit: &'s str) -> impl Iterator<Item = &'s Serve> {
        self.0.iter().filter(move |serve| serve.unit == unit)
    }

    /// The services, each once, in the order of the setting.
    pub(crate) fn units(&self) -> Vec<&str> {
        let mut units: Vec<&str> = Vec::new();
        for serve in &self.0 {
            if !units.contains(&serve.unit.as_str()) {
                units.push(&serve.unit);
            }
        }
        units
    }
}

impl Setting for Serves {
    const EXPECTED: &'static str = "a list of tables with `unit` and `target`";

    fn read(value: &Json) -> Option<Serves> {
        match value {
            Json::List(entries) => entries.iter().map(entry).collect::<Option<_>>().map(Serves),
            _ => None,
        }
    }
}

/// `None` if a key is missing or has another type. Keys that the schema permits to be missing have its defaults here.
fn entry(value: &Json) -> Option<Serve> {
    let text = |name: &str| value.get(name).map(|found| found.text().map(str::to_owned));
    let status = |name: &str, default: u16| match value.get(name) {
        Some(found) => u16::try_from(found.count()?).ok(),
        None => Some(default),
    };
    Some(Serve {
        unit: text("unit")??,
        target: text("target")??,
        path: text("path").unwrap_or(Some("/".to_owned()))?,
        contains: match text("contains") {
            Some(found) => Some(found?),
            None => None,
        },
        least_status: status("least_status", 200)?,
        most_status: status("most_status", 399)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    fn read(text: &str) -> Option<Serves> {
        Serves::read(&Json::parse(text).unwrap())
    }

    #[test]
    fn entries_and_their_defaults() {
        let two = read(
            r#"[{"unit": "web.service", "target": "site"},
            {"unit": "api.service", "target": "api", "path": "/health", "contains": "ok", "least_status": 401, "most_status": 401}]"#,
        )
        .unwrap();
        assert_eq!(two.units(), ["web.service", "api.service"]);
        let (web, api) = (two.of("web.service").next().unwrap(), two.of("api.service").next().unwrap());
        assert_eq!((web.request().path.as_str(), web.request().contains), ("/", None));
        assert_eq!([199, 200, 399, 400].map(|status| web.accepts(status)), [false, true, true, false]);
        assert_eq!((api.request().path.as_str(), api.request().contains.as_deref()), ("/health", Some("ok")));
        assert_eq!([400, 401, 402].map(|status| api.accepts(status)), [false, true, false]);
        assert_eq!(settings(|_| {}).serves, Serves::default());
    }

    #[test]
    fn what_is_no_entry() {
        for bad in [
            "{}",
            r#"[{"unit": "a.service"}]"#,
            r#"[{"unit": "a.service", "target": 1}]"#,
            r#"[{"unit": "a.service", "target": "t", "path": 1}]"#,
            r#"[{"unit": "a.service", "target": "t", "most_status": 70000}]"#,
            r#"["a.service"]"#,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
