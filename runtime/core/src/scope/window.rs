//! The window of time that the bounds of a scope apply to.

use super::{Field, Hours, Scope, ScopeValue, TypedField};
use crate::Millis;

/// The window of the upper bounds of an interface: they bound one step, and all steps within so many hours together.
/// Only the operator sets it.
pub const PER_HOURS: TypedField<Hours> =
    TypedField::operator("per_hours", 24, "the bounds of a step also apply to all steps within so many hours together");

/// The longest window, in hours: a leap year.
const MOST_HOURS: u64 = 366 * 24;

impl Scope {
    /// How long what a step used counts against its bounds: at least an hour, at most a year.
    pub fn window(&self) -> Millis {
        Millis::from_hours(self.hours(&PER_HOURS).clamp(1, MOST_HOURS))
    }

    /// The number of a bound; if it is absent, the one that permits least.
    pub fn bound(&self, field: &Field) -> u64 {
        self.get(field).and_then(ScopeValue::as_number).unwrap_or_else(|| field.strictest())
    }

    /// The scope with so much less of an upper bound.
    #[must_use]
    pub fn reduced(self, field: &Field, used: u64) -> Scope {
        let rest = field.value_of(self.bound(field).saturating_sub(used));
        self.with(field, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Count;

    #[test]
    fn a_window_has_limits_and_a_default() {
        let hours = |hours| Scope::default().with_number(&PER_HOURS, hours).window();
        assert_eq!(Scope::default().window(), Millis::from_hours(24));
        assert_eq!([hours(0), hours(1), hours(7)], [1, 1, 7].map(Millis::from_hours));
        assert_eq!(hours(u64::MAX), Millis::from_hours(MOST_HOURS));
    }

    #[test]
    fn what_is_used_is_no_longer_permitted() {
        const MAX_FILES: TypedField<Count> = TypedField::at_most("max_files", 10, "");
        let scope = Scope::default().with_number(&MAX_FILES, 5);
        assert_eq!(scope.clone().reduced(&MAX_FILES.field(), 2).count(&MAX_FILES), 3);
        assert_eq!(scope.reduced(&MAX_FILES.field(), 6).count(&MAX_FILES), 0);
        assert_eq!(Scope::default().bound(&MAX_FILES.field()), 0, "what is not granted permits nothing");
    }
}
