//! Areas of error codes.

use serde::Serialize;

/// The subject of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Files as such: missing, unreadable, too large.
    Files,
    /// `policy.toml`, `ansai.toml` and grants.
    Configuration,
    /// Schemas of settings.
    Schemas,
    /// Settings.
    Settings,
    /// Components while they are loaded.
    Components,
    /// Builds.
    Building,
    /// Policies in registries, and the store.
    Registry,
    /// Scenarios.
    Scenarios,
    /// Evaluations that fail.
    Evaluations,
    /// The command line, the state directory, the audit log, recordings and undo.
    Host,
}

impl Area {
    /// Every area, in the order of the reference.
    pub const ALL: [Area; 10] = [
        Area::Files,
        Area::Configuration,
        Area::Schemas,
        Area::Settings,
        Area::Components,
        Area::Building,
        Area::Registry,
        Area::Scenarios,
        Area::Evaluations,
        Area::Host,
    ];

    /// The word in JSON, and the directory of the area's pages: `files`.
    pub fn word(self) -> &'static str {
        match self {
            Area::Files => "files",
            Area::Configuration => "configuration",
            Area::Schemas => "schemas",
            Area::Settings => "settings",
            Area::Components => "components",
            Area::Building => "building",
            Area::Registry => "registry",
            Area::Scenarios => "scenarios",
            Area::Evaluations => "evaluations",
            Area::Host => "host",
        }
    }
}
