//! `[policy.NAME.incidents]`: when a finding is an incident, when it is over, and how often it may come back.

use ansai_core::incident::FlapLimit;
use ansai_core::{Millis, RetryPolicy};

use crate::fields::Fields;
use crate::node::Node;
use crate::problem::Problems;

/// Bounds of `for` and `clear_for` in milliseconds: up to 1 day.
const TIME: (u64, u64) = (0, 86_400_000);
/// Bounds of `flap_window` in milliseconds: 1 minute to 7 days.
const WINDOW: (u64, u64) = (60_000, 7 * 86_400_000);

/// Reads the table into the policy of attempts.
pub(crate) fn read(node: &Node, retry: &mut RetryPolicy, problems: &mut Problems) {
    let keys = &["for", "clear_for", "max_flaps", "flap_window"];
    let Some(fields) = Fields::of(node, "`incidents`", keys, problems) else { return };
    let default = FlapLimit::default();
    retry.hold_for = fields.duration("for", TIME, problems).unwrap_or(Millis::ZERO);
    retry.clear_for = fields.duration("clear_for", TIME, problems).unwrap_or(Millis::ZERO);
    let most = fields.number("max_flaps", (1, 100), problems).and_then(|most| u32::try_from(most).ok());
    retry.flaps = FlapLimit {
        most: most.unwrap_or(default.most),
        within: fields.duration("flap_window", WINDOW, problems).unwrap_or(default.within),
    };
}
