//! Channels of notifications: whether each can be used. Sends nothing.

use ansai_core::codes;
use ansai_daemon::{Configuration, Warning, notify};

use super::Checked;
use crate::exit::Fault;
use crate::output::notifications;

/// Each channel, with what keeps it from being used.
pub(super) fn check(configuration: &Configuration) -> Vec<Checked> {
    let mut problems = notify::problems(configuration);
    let destinations = notify::destinations(configuration);
    let channel = |name: &String| {
        let to = destinations.iter().find(|(known, _)| known == name).map(|(_, to)| format!(", {to}"));
        let mut checked = Checked::new(format!("[notify.channel.{name}]{}", to.unwrap_or_default()));
        for problem in problems.extract_if(.., |problem| problem.channel == *name) {
            // Whether systemd passes a credential, only a start by systemd can tell. Of several faults, the first is shown
            // with its place.
            if problem.code == codes::NO_CREDENTIAL || checked.fault.is_some() {
                checked.warnings.push(Warning::new(problem.code, problem.message));
            } else {
                let message = format!("[notify.channel.{name}] cannot be used");
                checked.fault = Some(Fault::invalid(message, problem.problems));
            }
        }
        checked
    };
    let channels = configuration.config.notify.channels.keys().map(channel);
    let report =
        notify::next_report(configuration).map(|next| format!("[notify.report] {}", notifications::report(&next)));
    channels.chain(report.map(Checked::new)).collect()
}
