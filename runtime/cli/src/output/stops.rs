//! What ansai stopped by itself, in words: a storm, and policies that fight.

use ansai_core::fight::{Fight, FightEnd};
use ansai_core::order::Person;
use ansai_core::storm::{Storm, StormCause, StormPhase};
use ansai_core::text::inert;

use super::count::count;

/// `healing stopped, except for emergencies: 31 incidents opened within 10 min (incident-storm)`.
pub(crate) fn storm(storm: &Storm) -> String {
    let why = match storm.why {
        StormCause::Incidents => format!("{} opened within {}", count(storm.count, "incident"), storm.within),
        StormCause::FailedSteps => format!("{} failed within {}", count(storm.count, "step"), storm.within),
        StormCause::FailedTrial => "a step failed while one plan at a time was tried".to_owned(),
    };
    let code = Storm::CODE.word();
    match storm.phase {
        StormPhase::Stopped => format!(
            "healing stopped, except for emergencies: {why} ({code}); it begins again after {} without more; \
             `ansai resume {}` ends this now",
            storm.quiet,
            Storm::NAME
        ),
        StormPhase::Trial => {
            format!(
                "healing one plan at a time after a storm ({code}); all plans after {} without failures",
                storm.quiet
            )
        }
    }
}

/// `healing is as before the storm: it was quiet`.
pub(crate) fn storm_ended(by: Option<&Person>) -> String {
    let why = by.map_or_else(|| "it was quiet".to_owned(), |by| format!("ended by {by}"));
    format!("healing is as before the storm: {why}")
}

/// `web-a and web-b undo what the other does to unit nginx.service (3 times each within 1 h): …`.
pub(crate) fn fight(fight: &Fight) -> String {
    let ((first, second), about) = (&fight.instances, inert(&fight.about.to_string(), 200));
    format!(
        "{first} and {second} undo what the other does to {about} ({} each within {}): plans of both for it are held \
         ({}); change the configuration of one, or run `ansai resume {first}`",
        count(fight.turns, "time"),
        fight.within,
        Fight::CODE.word()
    )
}

/// `web-a and web-b may change unit nginx.service again: ended by alice (uid 1000)`.
pub(crate) fn fight_ended(fight: &Fight, why: &FightEnd) -> String {
    let ((first, second), about) = (&fight.instances, inert(&fight.about.to_string(), 200));
    let why = match why {
        FightEnd::Resumed(by) => format!("ended by {by}"),
        FightEnd::Configuration(instance) => format!("the configuration of {instance} changed"),
    };
    format!("{first} and {second} may change {about} again: {why}")
}

/// In place of a plan that the storm holds.
pub(crate) fn held_by_storm(storm: &Storm) -> String {
    match storm.phase {
        StormPhase::Stopped => format!("on hold: too much breaks at once ({})", Storm::CODE.word()),
        StormPhase::Trial => format!("on hold: one plan at a time after a storm ({})", Storm::CODE.word()),
    }
}

/// In place of a plan that a fight holds.
pub(crate) fn held_by_fight(fight: &Fight) -> String {
    let ((first, second), about) = (&fight.instances, inert(&fight.about.to_string(), 120));
    format!("on hold: {first} and {second} undo what the other does to {about} ({})", Fight::CODE.word())
}

#[cfg(test)]
mod tests {
    use ansai_core::{InstanceName, Millis, Subject, Timestamp};

    use super::*;

    #[test]
    fn a_person_learns_what_stopped_why_and_how_to_go_on() {
        let ten_minutes = Millis::new(600_000);
        let at_31 = Storm {
            phase: StormPhase::Stopped,
            why: StormCause::Incidents,
            count: 31,
            within: ten_minutes,
            since: Timestamp::EPOCH,
            quiet: ten_minutes,
        };
        assert_eq!(
            storm(&at_31),
            "healing stopped, except for emergencies: 31 incidents opened within 10 min (incident-storm); it begins \
             again after 10 min without more; `ansai resume storm` ends this now"
        );
        let trial = Storm { phase: StormPhase::Trial, ..at_31 };
        assert!(storm(&trial).contains("one plan at a time") && held_by_storm(&trial).contains("one plan at a time"));
        let (one, two) = (InstanceName::from_static("one"), InstanceName::from_static("two"));
        let about = Subject::new("unit", "\u{1b}[31mweb");
        let both =
            Fight { instances: (one, two), about, turns: 3, within: Millis::from_hours(1), since: Timestamp::EPOCH };
        let text = fight(&both);
        assert!(
            text.starts_with("one and two undo what the other does to unit ")
                && text.contains("3 times each within 1 h")
        );
        assert!(text.contains("`ansai resume one`") && !text.contains('\u{1b}'), "{text}");
    }
}
