//! What people order, and what ansai holds by itself.

use ansai_core::fight::FightEnd;
use ansai_core::order::{Pause, Silence};
use ansai_core::promotion::{Feedback, Judgement, Missing, Promotion};
use ansai_core::storm::{StormCause, StormPhase};
use ansai_core::{Event, InstanceName, Mode, Timestamp};

use super::values::{fight, order, storm};

/// With every part that has kinds of its own.
pub(super) fn samples() -> Vec<Event> {
    let name = InstanceName::from_static("one");
    vec![
        Event::Paused(Pause { instance: Some(name.clone()), order: order() }),
        Event::Paused(Pause { instance: None, order: order() }),
        Event::PauseEnded { instance: None, by: None },
        Event::PauseEnded { instance: Some(name.clone()), by: Some(order().by) },
        Event::Silenced(Silence { instance: Some(name.clone()), key: "k".into(), order: order() }),
        Event::SilenceEnded { instance: None, key: "k".into(), by: None },
        Event::Storm(storm(StormCause::Incidents, StormPhase::Stopped)),
        Event::Storm(storm(StormCause::FailedSteps, StormPhase::Stopped)),
        Event::Storm(storm(StormCause::FailedTrial, StormPhase::Trial)),
        Event::StormEnded { by: None },
        Event::StormEnded { by: Some(order().by) },
        Event::Fight(fight()),
        Event::FightEnded { fight: fight(), why: FightEnd::Resumed(order().by) },
        Event::FightEnded { fight: fight(), why: FightEnd::Configuration(name.clone()) },
        feedback(Judgement::FalseAlarm),
        feedback(Judgement::Helpful),
        promoted(vec![]),
        promoted(vec![Missing::Level, Missing::Days { have: 1, need: 7 }]),
    ]
}

fn feedback(judgement: Judgement) -> Event {
    let (incident, instance, note) = ("one/k/1".into(), InstanceName::from_static("one"), Some("planned work".into()));
    let judged = Timestamp::from_millis(1);
    Event::Feedback(Feedback { incident, instance, key: "k".into(), judgement, note, by: order().by, judged })
}

fn promoted(missing: Vec<Missing>) -> Event {
    let (instance, action) = (InstanceName::from_static("one"), "ansai:files/files-actions".into());
    let (from, to, configuration_sha256) = (Mode::Observe, Mode::Approve, "ab".into());
    let promotion = Promotion { instance, action, from, to, missing, configuration_sha256 };
    Event::Promoted { promotion, by: order().by }
}
