//! What ansai did over a time: incidents from the state, what steps freed and interrupted from the audit log.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use ansai_core::control::{ActionCounts, ClosedIncident, HostReport, IncidentCounts, IncidentEnd, Noisy, ReportFilter};
use ansai_core::{Attempt, Event, InstanceName, Measure, Millis, Outcome, Status, Timestamp, Value};

use super::log::{Reached, newest_first};
use super::means::Sum;
use super::{QueryError, Source};

/// Keys of the noisiest incidents that are listed.
const MOST_NOISY: usize = 5;
/// Actions that are listed.
const MOST_ACTIONS: usize = 50;
/// What tells of effects in the audit log.
const EFFECTS: [&str; 3] = ["planned", "outcome", "undone"];

/// What the state has of incidents.
#[derive(Default)]
struct Counted {
    counts: IncidentCounts,
    detect: Sum,
    heal: Sum,
    /// By instance and key.
    noisy: BTreeMap<(String, String), u64>,
}

impl Counted {
    fn opened(&mut self, instance: &str, key: &str, opened: Timestamp, before: Option<Timestamp>) {
        self.counts.opened += 1;
        if let Some(before) = before {
            self.detect.add(opened - before);
        }
        *self.noisy.entry((instance.to_owned(), key.to_owned())).or_default() += 1;
    }

    fn closed(&mut self, one: &ClosedIncident) {
        self.counts.closed += 1;
        let count = match one.end {
            IncidentEnd::Healed => &mut self.counts.healed,
            IncidentEnd::HealedWithApproval => &mut self.counts.healed_with_approval,
            IncidentEnd::Recovered => &mut self.counts.recovered,
            IncidentEnd::Gone => &mut self.counts.gone,
            IncidentEnd::Displaced => &mut self.counts.displaced,
        };
        *count += 1;
        if matches!(one.end, IncidentEnd::Healed | IncidentEnd::HealedWithApproval) {
            self.heal.add(one.closed - one.opened);
        }
    }
}

/// What the audit log has of steps.
#[derive(Default)]
struct Effects {
    freed_bytes: u64,
    interrupted: Millis,
    unknown_interruptions: u64,
    undone: u64,
}

impl Source<'_> {
    pub(super) fn report(&self, filter: &ReportFilter) -> Result<HostReport, QueryError> {
        let (since, instance) = (filter.since, filter.instance.as_ref().map(InstanceName::as_str));
        let is_wanted = |name: &str| instance.is_none_or(|wanted| wanted == name);
        let counted = self.count(since, is_wanted)?;
        let actions = self.actions(since, is_wanted)?;
        let (effects, read_since) = self.effects(since, is_wanted)?;
        let known_since = self.state.closed_known_since()?.max(read_since.unwrap_or(Timestamp::EPOCH));
        let noisy = |((instance, key), incidents): ((String, String), u64)| {
            Some(Noisy { instance: instance.parse().ok()?, key, incidents })
        };
        let mut all: Vec<Noisy> = counted.noisy.into_iter().filter(|(_, count)| *count > 1).filter_map(noisy).collect();
        all.sort_by_key(|one| Reverse(one.incidents));
        all.truncate(MOST_NOISY);
        Ok(HostReport {
            ansai: env!("CARGO_PKG_VERSION").to_owned(),
            at: self.outlook.now,
            is_running: self.outlook.is_running(),
            since,
            known_since: (known_since > since).then_some(known_since),
            instance: filter.instance.clone(),
            incidents: counted.counts,
            detect: counted.detect.mean(),
            heal: counted.heal.mean(),
            freed_bytes: effects.freed_bytes,
            interrupted: effects.interrupted,
            unknown_interruptions: effects.unknown_interruptions,
            undone: effects.undone,
            false_alarms: self.state.feedback_counts(filter.instance.as_ref(), since)?.false_alarms,
            noisy: all,
            actions,
        })
    }

    fn count(&self, since: Timestamp, is_wanted: impl Fn(&str) -> bool) -> Result<Counted, QueryError> {
        let mut counted = Counted::default();
        let outlook = &self.outlook;
        let wanted = |row: crate::state::Row<'_>| !row.is_pending && is_wanted(row.instance);
        let open = self.state.overview(&outlook.orders, outlook.now, outlook.is_in_doubt, 0, wanted)?;
        counted.counts.open = u64::try_from(open.count).unwrap_or(u64::MAX);
        self.state.opened_since(since, |instance, key, opened, before| {
            if is_wanted(instance) {
                counted.opened(instance, key, opened, before);
            }
        })?;
        self.state.each_closed(since, |one| {
            if !is_wanted(one.instance.as_str()) {
                return;
            }
            if one.opened >= since {
                counted.opened(one.instance.as_str(), &one.key, one.opened, one.healthy_before);
            }
            if one.closed >= since {
                counted.closed(&one);
            }
        })?;
        Ok(counted)
    }

    fn actions(&self, since: Timestamp, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<ActionCounts>, QueryError> {
        let mut all: BTreeMap<String, ActionCounts> = BTreeMap::new();
        self.state.each_attempt(since, |instance, attempt| {
            if is_wanted(instance) {
                count_steps(&mut all, attempt);
            }
        })?;
        let mut all: Vec<ActionCounts> = all.into_values().collect();
        all.sort_by_key(|one| Reverse(one.begun));
        all.truncate(MOST_ACTIONS);
        Ok(all)
    }

    /// And since when they are known, if that is later.
    fn effects(
        &self,
        since: Timestamp,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<(Effects, Option<Timestamp>), QueryError> {
        let mut effects = Effects::default();
        let Some(audit) = self.audit else { return Ok((effects, None)) };
        // From the end, an outcome comes before its plan.
        let mut done: HashMap<String, Vec<u32>> = HashMap::new();
        let reached = newest_first(
            audit,
            since,
            |event| EFFECTS.contains(&event),
            |_, record| {
                if !record.event.instance().is_some_and(&is_wanted) {
                    return ControlFlow::Continue(());
                }
                match record.event {
                    Event::Outcome { plan, step, outcome, measures, .. } => {
                        effects.freed_bytes = effects.freed_bytes.saturating_add(freed(&measures));
                        // A long step has an outcome when it goes on, and another one at its end.
                        let steps = done.entry(plan).or_default();
                        if is_done(outcome) && !steps.contains(&step) {
                            steps.push(step);
                        }
                    }
                    Event::Undone { outcome: Outcome::Done | Outcome::Reverted, .. } => effects.undone += 1,
                    Event::Planned { plan, steps, .. } => {
                        for step in done.remove(&plan).unwrap_or_default() {
                            let planned = usize::try_from(step).ok().and_then(|step| steps.get(step));
                            match planned.map(|planned| planned.preview.interrupts) {
                                Some(Some(time)) => {
                                    effects.interrupted =
                                        Millis::new(effects.interrupted.get().saturating_add(time.get()))
                                }
                                _ => effects.unknown_interruptions += 1,
                            }
                        }
                    }
                    _ => {}
                }
                ControlFlow::Continue(())
            },
        )?;
        let known = match reached {
            Reached::Since => None,
            Reached::Beginning(at) | Reached::Limit(at) => at,
        };
        Ok((effects, known))
    }
}

fn count_steps(all: &mut BTreeMap<String, ActionCounts>, attempt: Attempt) {
    for step in attempt.steps {
        if matches!(step.outcome, Outcome::Skipped | Outcome::Refused | Outcome::Simulated) {
            continue;
        }
        let new = || ActionCounts { action: step.action.clone(), begun: 0, done: 0, failed: 0, healed: 0 };
        let counts = all.entry(step.action.clone()).or_insert_with(new);
        counts.begun += 1;
        counts.failed += u64::from(step.outcome == Outcome::Failed);
        if is_done(step.outcome) {
            counts.done += 1;
            counts.healed += u64::from(attempt.verified == Status::Healthy);
        }
    }
}

fn is_done(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Done | Outcome::Provisional)
}

fn freed(measures: &[Measure]) -> u64 {
    let freed = measures.iter().find(|measure| measure.name == "freed-bytes");
    freed.map_or(0, |measure| if let Value::Count(bytes) = measure.value { bytes } else { 0 })
}
