//! Helpers of the unit tests.

use ansai_sdk::FromSettings as _;
use serde_json::Value;

use crate::settings::Settings;

/// The defaults of the schema, with some replaced.
pub(crate) fn settings(change: impl FnOnce(&mut Value)) -> Settings {
    let mut settings = ansai_sdk::testing::default_settings(include_str!("../settings.schema.json"));
    change(&mut settings);
    Settings::from_settings(&settings.to_string()).unwrap()
}
