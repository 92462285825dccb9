//! The limits of a policy, as people read them.

use ansai_core::quantity;

use crate::manifest::Manifest;

impl Manifest {
    /// The limits of an instance for which the operator sets none, with their names. Sizes and times have their units.
    pub fn limits_shown(&self) -> [(&'static str, String); 10] {
        let limits = self.limits_in_force();
        [
            ("memory", limits.memory_bytes.to_string()),
            ("fuel", limits.fuel.to_string()),
            ("deadline", quantity::show_milliseconds(limits.deadline_ms)),
            ("call deadline", quantity::show_milliseconds(limits.call_deadline_ms)),
            ("calls", limits.calls.to_string()),
            ("arguments", limits.argument_bytes.to_string()),
            ("replies", limits.reply_bytes.to_string()),
            ("proposals", limits.proposals.to_string()),
            ("observations", limits.observations.to_string()),
            ("series", limits.series.to_string()),
        ]
    }
}
