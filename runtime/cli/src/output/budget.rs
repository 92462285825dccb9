//! Plans that are on hold because of a budget.

use ansai_core::control::TotalUse;
use ansai_core::{BudgetOf, OverBudget, Unit, quantity};

use super::count::count;
use super::time;

/// `budget: 1 file in 24 h, 1 used at 10:02:11, 500 needed, next at 2026-11-29 10:02`.
pub(crate) fn over_budget(over: &OverBudget) -> String {
    let amount = |number: u64| match over.unit {
        Unit::Bytes => quantity::show_bytes(number),
        Unit::Milliseconds => format!("{} of interruption", quantity::show_milliseconds(number)),
        _ => count(number, &over.noun),
    };
    let number = |number: u64| match over.unit {
        Unit::Bytes => quantity::show_bytes(number),
        Unit::Milliseconds => quantity::show_milliseconds(number),
        _ => number.to_string(),
    };
    let used = match over.used_at {
        Some(at) => format!(", {} used at {}", number(over.used), time::clock(at)),
        None => String::new(),
    };
    let next = match over.next {
        Some(at) => format!(", next at {}", time::minute(at)),
        None => format!(", which {} does not permit", over.bound),
    };
    let hours = over.window.get() / 3_600_000;
    let whose = match over.of {
        BudgetOf::Grant => "",
        BudgetOf::Instance => " of the instance",
        BudgetOf::Host => " of the host",
    };
    format!("budget{whose}: {} in {hours} h{used}, {} needed{next}", amount(over.limit), number(over.needed))
}

/// `the host: max_restarts = 3 of 50 in 24 h`.
pub(crate) fn total(one: &TotalUse) -> String {
    let number = |number: u64| match one.unit {
        Unit::Bytes => quantity::show_bytes(number),
        Unit::Milliseconds => quantity::show_milliseconds(number),
        _ => number.to_string(),
    };
    let whose = one.instance.as_ref().map_or_else(|| "the host".to_owned(), ToString::to_string);
    let hours = one.window.get() / 3_600_000;
    format!("{whose}: {} = {} of {} in {hours} h", one.bound, number(one.used), number(one.limit))
}

#[cfg(test)]
mod tests {
    use ansai_core::{Millis, Subject, Timestamp};

    use super::*;

    #[test]
    fn the_reason_says_what_is_used_and_when_there_is_room() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let files = OverBudget {
            bound: "max_files".into(),
            action: "ansai:files/files-actions.remove".into(),
            about: Subject::new("filesystem", "/"),
            unit: Unit::None,
            noun: "file".into(),
            limit: 1,
            window: Millis::from_hours(24),
            used: 1,
            used_at: Some(at),
            needed: 500,
            next: Some(at + Millis::from_hours(24)),
            of: BudgetOf::Grant,
        };
        let (clock, next) = (time::clock(at), time::minute(at + Millis::from_hours(24)));
        let text = format!("budget: 1 file in 24 h, 1 used at {clock}, 500 needed, next at {next}");
        assert_eq!(over_budget(&files), text);
        let host = OverBudget {
            bound: "max_interruption".into(),
            unit: Unit::Milliseconds,
            limit: 3_600_000,
            used: 3_000_000,
            needed: 900_000,
            of: BudgetOf::Host,
            ..files.clone()
        };
        let text = format!(
            "budget of the host: 1 h of interruption in 24 h, 50 min used at {clock}, 15 min needed, next at {next}"
        );
        assert_eq!(over_budget(&host), text);
        let none = OverBudget {
            bound: "max_bytes".into(),
            unit: Unit::Bytes,
            limit: 0,
            used: 0,
            used_at: None,
            needed: 2048,
            next: None,
            ..files
        };
        let text = "budget: 0 B in 24 h, 2.00 KiB needed, which max_bytes does not permit";
        assert_eq!(over_budget(&none), text);
    }
}
