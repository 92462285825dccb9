//! Headings of areas.

use ansai_core::codes::Area;

/// The heading of an area in the reference.
pub fn heading(area: Area) -> &'static str {
    match area {
        Area::Files => "Files",
        Area::Configuration => "Manifest, configuration and grants",
        Area::Schemas => "Schemas of settings",
        Area::Settings => "Settings",
        Area::Components => "Components",
        Area::Building => "Building and new policies",
        Area::Registry => "Registries",
        Area::Scenarios => "Scenarios",
        Area::Evaluations => "Evaluations",
        Area::Host => "Commands and state",
    }
}
