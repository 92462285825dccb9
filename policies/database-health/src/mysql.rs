//! What only MySQL and MariaDB have. Not there yet: their connections, sessions and replicas are observed as those of every
//! server.

use ansai_sdk::{Decision, Failure};

use crate::plan::Situation;
use crate::report::Report;
use crate::server::View;
use crate::settings::Settings;

/// Observes one server. Says what is not checked, if something is not.
pub(crate) fn observe(_view: &View<'_>, _settings: &Settings, _report: &mut Report<'_>) -> Option<String> {
    Some("tables are not checked".into())
}

/// What to do about a finding of this engine; `None` if it is none of them.
pub(crate) fn plan(_situation: &Situation<'_>) -> Option<Result<Decision, Failure>> {
    None
}
