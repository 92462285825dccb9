//! How the result of a step tells its undo: the same for the policy, for a person, and after a restart.

use std::fmt::Display;

use ansai_core::Outcome;

/// Adds the end of its undo to a step. A step that failed stays failed, so that a policy does not take it for one that
/// worked and was undone because of another.
pub(crate) fn undone(outcome: &mut Outcome, detail: &mut String, undo: Outcome, text: impl Display) {
    let words = match undo {
        Outcome::Done => "undone",
        Outcome::Refused => "not undone",
        _ => "not completely undone",
    };
    *detail = format!("{detail}; {words}: {text}");
    if undo == Outcome::Done && *outcome != Outcome::Failed {
        *outcome = Outcome::Reverted;
    }
}

/// Adds to a step what it did after the undo of its plan.
pub(crate) fn after_undo(detail: &mut String, outcome: Outcome, text: impl Display) {
    let words = match outcome {
        Outcome::Done => "after undo".to_owned(),
        other => format!("{other} after undo"),
    };
    *detail = match detail.is_empty() {
        true => format!("{words}: {text}"),
        false => format!("{detail}; {words}: {text}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_undo_of_what_worked_makes_a_step_reverted() {
        let told = |mut outcome, undo| {
            let mut detail = "removed 2 files".to_owned();
            undone(&mut outcome, &mut detail, undo, "the rest");
            (outcome, detail)
        };
        let (done, failed) = (Outcome::Done, Outcome::Failed);
        assert_eq!(told(done, done), (Outcome::Reverted, "removed 2 files; undone: the rest".to_owned()));
        assert_eq!(told(failed, done), (failed, "removed 2 files; undone: the rest".to_owned()));
        assert_eq!(told(done, Outcome::Refused), (done, "removed 2 files; not undone: the rest".to_owned()));
        assert_eq!(told(done, failed), (done, "removed 2 files; not completely undone: the rest".to_owned()));
    }

    #[test]
    fn what_comes_after_undo_is_told_with_its_end() {
        let mut detail = String::new();
        after_undo(&mut detail, Outcome::Done, "reloaded");
        after_undo(&mut detail, Outcome::Refused, "denied");
        assert_eq!(detail, "after undo: reloaded; refused after undo: denied");
    }
}
