//! Takes a guarantee away, to see that its invariant notices: the supervisor gets weaker rules than the checks know, or the
//! log says something else than what happened.

use ansai_core::event::{Record, Verdict};
use ansai_core::incident::Change;
use ansai_core::order::{Order, Pause, Silence};
use ansai_core::{Event, InstanceName, Millis, Mode, Timestamp};

use crate::checks::Facts;
use crate::life::PERSON;
use crate::mail;
use crate::setup::Rules;

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    Budgets,
    Cooldown,
    Attempts,
    Windows,
    Approval,
    Pauses,
    Silences,
    DurableIntents,
    Intents,
    Acts,
    Outcomes,
    Opened,
    Closed,
    Faults,
    Notices,
    Acknowledgements,
}

impl Sabotage {
    /// Each with the invariant that notices it.
    pub(crate) const ALL: [(Sabotage, &str); 16] = [
        (Sabotage::Budgets, "budgets are never exceeded"),
        (Sabotage::Cooldown, "cooldown and number of attempts"),
        (Sabotage::Attempts, "cooldown and number of attempts"),
        (Sabotage::Windows, "steps begin in a window"),
        (Sabotage::Approval, "only what a person approved begins, and once"),
        (Sabotage::Pauses, "no step begins during a pause"),
        (Sabotage::Silences, "no plan begins for a silenced incident"),
        (Sabotage::DurableIntents, "no act without a durable intent"),
        (Sabotage::Intents, "at most one execution per intent, and its outcome"),
        (Sabotage::Acts, "at most one execution per intent, and its outcome"),
        (Sabotage::Outcomes, "at most one execution per intent, and its outcome"),
        (Sabotage::Opened, "nothing is told twice"),
        (Sabotage::Closed, "every incident ends told or healed"),
        (Sabotage::Faults, "every incident ends told or healed"),
        (Sabotage::Notices, mail::INVARIANT),
        (Sabotage::Acknowledgements, mail::INVARIANT),
    ];

    /// The rules that the supervisor gets.
    pub(crate) fn rules(self, rules: &mut Rules) {
        match self {
            Sabotage::Budgets => rules.budget.0 = 1_000,
            Sabotage::Cooldown => rules.retry.cooldown = Millis::ZERO,
            Sabotage::Attempts => rules.retry.max_attempts = 100,
            Sabotage::Windows => rules.windows.windows.clear(),
            Sabotage::Approval => rules.mode = Mode::Enforce,
            _ => {}
        }
    }

    /// What the checks get to see.
    pub(crate) fn log(self, log: &mut Vec<Record>, facts: &mut Facts) {
        let is_intent = |event: &Event| matches!(event, Event::Intent(_));
        match self {
            Sabotage::Pauses => {
                if let Some(at) = first(log, is_intent) {
                    let order = order(log[at].at);
                    let event = Event::Paused(Pause { instance: None, order });
                    log.insert(at, Record { at: log[at].at, event });
                }
            }
            Sabotage::Silences => {
                let approved = |event: &Event| matches!(event, Event::Decided { verdict: Verdict::Approved, .. });
                let Some(at) = first(log, approved) else { return };
                let incident = log[..at].iter().rev().find_map(|record| match &record.event {
                    Event::Incident { instance, key, .. } if log[at].event.instance() == Some(instance.as_str()) => {
                        Some((instance.clone(), key.clone()))
                    }
                    _ => None,
                });
                let Some((instance, key)) = incident else { return };
                let event = Event::Silenced(Silence { instance: Some(instance), key, order: order(log[at].at) });
                log.insert(at, Record { at: log[at].at, event });
            }
            Sabotage::Intents => {
                if let Some(at) = first(log, is_intent) {
                    log.remove(at);
                }
            }
            Sabotage::Acts => facts.acts.extend(facts.acts.first().cloned()),
            Sabotage::Outcomes => {
                if let Some(at) = first(log, |event| matches!(event, Event::Outcome { .. })) {
                    log.remove(at);
                }
            }
            Sabotage::Opened => {
                let opened = |event: &Event| matches!(event, Event::Incident { change: Change::Opened, .. });
                if let Some(at) = first(log, opened) {
                    log.insert(at, log[at].clone());
                }
            }
            Sabotage::Closed => {
                let closed = |record: &Record| matches!(&record.event, Event::Incident { change: Change::Closed, .. });
                if let Some(at) = log.iter().rposition(closed) {
                    log.remove(at);
                }
            }
            Sabotage::Faults => facts.lasting.push((InstanceName::from_static("web"), "lost".to_owned())),
            _ => {}
        }
    }
}

fn first(log: &[Record], wanted: fn(&Event) -> bool) -> Option<usize> {
    log.iter().position(|record| wanted(&record.event))
}

fn order(since: Timestamp) -> Order {
    Order { since, until: since + Millis::from_hours(1_000), reason: "sabotage".into(), by: PERSON }
}
