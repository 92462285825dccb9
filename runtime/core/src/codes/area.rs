//! What codes are about.

use serde::Serialize;

/// What a code is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Files that people write, as files.
    Files,
    /// `policy.toml`, `ansai.toml` and grants.
    Configuration,
    /// Schemas of settings.
    Schemas,
    /// Settings.
    Settings,
    /// Components when they are loaded.
    Components,
    /// From sources to a component.
    Building,
    /// Scenarios.
    Scenarios,
    /// Evaluations without an answer.
    Evaluations,
    /// The command line, the state directory, the audit log, recordings and undo.
    Host,
}

impl Area {
    /// Every area, in the order of the reference.
    pub const ALL: [Area; 9] = [
        Area::Files,
        Area::Configuration,
        Area::Schemas,
        Area::Settings,
        Area::Components,
        Area::Building,
        Area::Scenarios,
        Area::Evaluations,
        Area::Host,
    ];

    /// `files`: as in JSON, and the directory of its pages.
    pub fn word(self) -> &'static str {
        match self {
            Area::Files => "files",
            Area::Configuration => "configuration",
            Area::Schemas => "schemas",
            Area::Settings => "settings",
            Area::Components => "components",
            Area::Building => "building",
            Area::Scenarios => "scenarios",
            Area::Evaluations => "evaluations",
            Area::Host => "host",
        }
    }
}
