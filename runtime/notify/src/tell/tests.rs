#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "../../tests/fixtures/events.rs"]
mod events;
#[path = "../../tests/fixtures/facts.rs"]
mod facts;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use ansai_core::event::{ApprovalEnd, Verdict};
use ansai_core::incident::{Change, Permission, Reason};
use ansai_core::notify::{Digest, Grouping, Routing};
use ansai_core::{Decision, Millis, OnFailure};

use self::events::{DISK, all_to, escalated, incident};
use self::facts::FixedFacts;
use super::*;
use crate::outbox::Capacity;

/// 2026-11-29 00:00 UTC.
const BEGIN: u64 = 1_795_910_400_000;
const MINUTE: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;

/// One channel, and a clock.
struct Scene {
    _directory: tempfile::TempDir,
    teller: Teller,
    facts: Arc<FixedFacts>,
    sequence: u64,
    now: u64,
}

impl Scene {
    fn new(routing: Routing) -> Scene {
        let directory = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(&directory.path().join("notify.db"), Capacity::default(), || false).unwrap();
        outbox.set_place(0).unwrap();
        // Windows are open at odd minutes.
        let hours = |_: &[_], now: Timestamp| (now.as_millis() / MINUTE).is_multiple_of(2).then_some(now);
        let facts = Arc::new(FixedFacts { audit_head: Some("7:ab".into()), ..FixedFacts::default() });
        let router = Router::new(routing, BTreeMap::new(), Arc::new(hours));
        let teller = Teller::new(Arc::new(outbox), router, vec!["mail".into()], "web1", facts.clone());
        Scene { _directory: directory, teller, facts, sequence: 0, now: BEGIN }
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn hear(&mut self, event: Event) {
        self.sequence += 1;
        let heard = Heard { sequence: self.sequence, at: self.at(), event };
        assert!(is_told(&heard.event), "{heard:?}");
        self.teller.hear(std::slice::from_ref(&heard), self.at()).unwrap();
        // The log may be read again after a crash.
        self.teller.hear(&[heard], self.at()).unwrap();
    }

    /// What is sent after so many milliseconds: kinds of each message.
    fn sent_after(&mut self, milliseconds: u64) -> Vec<Message> {
        self.now += milliseconds;
        self.teller.flush(self.at(), false).unwrap();
        let mut sent = Vec::new();
        while let Some(picked) = self.teller.outbox().begin("mail", self.at()).unwrap() {
            let answer = Receipt { answer: "ok".into() };
            self.teller.conclude(&picked.message.id, &Ok(answer), self.at()).unwrap();
            sent.push(picked.message);
        }
        sent
    }

    /// How long its thread would wait.
    fn wait(&self) -> Duration {
        self.teller.wait(self.at()).unwrap()
    }

    fn kinds_after(&mut self, milliseconds: u64) -> Vec<String> {
        let words = |message: &Message| message.notices.iter().map(|one| one.kind.name()).collect::<Vec<_>>().join(" ");
        self.sent_after(milliseconds).iter().map(words).collect()
    }
}

fn all(grouping: Grouping) -> Routing {
    all_to(vec!["mail".into()], grouping)
}

fn verified(id: &str, status: ansai_core::Status) -> Event {
    Event::Verified {
        plan: format!("plan-{id}"),
        incident: id.into(),
        instance: DISK.clone(),
        status,
        distance: None,
        progress: None,
        evaluations: 1,
    }
}

fn decided(scene: &mut Scene, id: &str, held: Permission) {
    let plan = format!("plan-{id}");
    let decision = Decision::Apply(OnFailure::Stop);
    let (incident, instance, steps, recommendations) = (Some(id.to_owned()), DISK.clone(), vec![], vec![]);
    scene.hear(Event::Planned {
        plan: plan.clone(),
        incident,
        instance,
        decision,
        steps,
        recommendations,
        distance: None,
    });
    scene.hear(Event::Decided { plan, instance: DISK.clone(), verdict: Verdict::Held(held), attempt: None });
}

#[test]
fn what_is_healed_is_silent_and_what_is_not_is_told_with_its_end() {
    let mut scene = Scene::new(Routing {
        digest: Some(Digest { minute: 0, channels: vec!["mail".into()] }),
        ..all(Grouping::default())
    });
    assert_eq!(scene.kinds_after(0), Vec::<String>::new());
    scene.hear(incident("a", Change::Opened));
    scene.hear(verified("a", ansai_core::Status::Healthy));
    scene.hear(incident("a", Change::Closed));
    assert_eq!(scene.kinds_after(MINUTE), Vec::<String>::new());
    scene.hear(incident("b", Change::Opened));
    scene.hear(verified("b", ansai_core::Status::Unhealthy(Severity::Critical)));
    assert_eq!(scene.kinds_after(MINUTE), ["repair-failed"]);
    scene.hear(escalated("b", Reason::Attempts { used: 3 }));
    assert_eq!(scene.kinds_after(MINUTE), Vec::<String>::new(), "less than group_interval ago");
    scene.hear(incident("b", Change::Closed));
    assert_eq!(scene.kinds_after(5 * MINUTE), ["escalated recovered"]);
    // The next midnight of this host.
    let digest = scene.sent_after(86_400_000);
    assert_eq!(digest.len(), 1, "{digest:?}");
    assert!(
        digest[0].digest && digest[0].notices.len() == 1 && digest[0].notices[0].kind == Kind::Healed,
        "{digest:?}"
    );
    assert_eq!(scene.kinds_after(86_400_000), Vec::<String>::new(), "an empty digest is not sent");
}

#[test]
fn plans_that_wait_say_what_is_asked() {
    let mut scene = Scene::new(all(Grouping::default()));
    let until = scene.at() + Millis::from_hours(24);
    for id in ["a", "b"] {
        scene.hear(incident(id, Change::Opened));
    }
    decided(&mut scene, "a", Permission::AwaitsApproval { plan: "plan-a".into(), until });
    decided(&mut scene, "b", Permission::Announced { plan: "plan-b".into(), until });
    let sent = scene.sent_after(MINUTE);
    let words = |message: &Message| {
        let asked = message.notices[0].asked.clone().unwrap();
        let lines: Vec<String> = asked.commands.into_iter().map(|one| one.line).collect();
        (message.notices[0].kind, lines, asked.until)
    };
    let words: Vec<_> = sent.iter().map(words).collect();
    assert_eq!(words[0].0, Kind::Held);
    assert_eq!(words[0].1, ["ansai plan plan-a", "ansai approve plan-a", "ansai reject plan-a --reason TEXT"]);
    assert_eq!((words[1].0, words[1].2), (Kind::Announced, Some(until)));
    assert_eq!(words[1].1, ["ansai plan plan-b", "ansai reject plan-b --reason TEXT"]);
    assert_eq!(sent[0].notices[0].audit_head.as_deref(), Some("7:ab"));
}

#[test]
fn a_state_that_is_unknown_for_too_long_is_told_once() {
    let mut scene = Scene::new(all(Grouping { wait: Millis::ZERO, ..Grouping::default() }));
    for id in ["a", "b"] {
        scene.hear(incident(id, Change::Opened));
        scene.hear(incident(id, Change::BecameUnknown));
    }
    assert_eq!(scene.kinds_after(14 * MINUTE), Vec::<String>::new());
    scene.hear(incident("b", Change::Changed));
    assert_eq!(scene.kinds_after(2 * MINUTE), ["unknown"]);
    assert_eq!(scene.kinds_after(60 * MINUTE), Vec::<String>::new());
}

#[test]
fn a_silence_mutes_and_quiet_times_hold_until_they_end() {
    let mut scene = Scene::new(all(Grouping::default()));
    scene.hear(incident("a", Change::Opened));
    scene.facts.silenced.store(true, Ordering::Relaxed);
    scene.hear(escalated("a", Reason::Attempts { used: 3 }));
    assert_eq!(scene.kinds_after(10 * MINUTE), Vec::<String>::new());
    scene.facts.silenced.store(false, Ordering::Relaxed);
    scene.hear(escalated("a", Reason::Flapping { times: 3, within: Millis::from_hours(1) }));
    assert_eq!(scene.kinds_after(MINUTE), ["flapping"]);
    // Quiet at odd minutes.
    let mut scene = Scene::new(Routing { quiet: vec!["00:00-24:00 UTC".parse().unwrap()], ..all(Grouping::default()) });
    scene.hear(incident("a", Change::Opened));
    scene.hear(escalated("a", Reason::Attempts { used: 3 }));
    assert_eq!(scene.kinds_after(MINUTE), Vec::<String>::new());
    assert!(scene.wait() > Duration::ZERO, "it looks again and again until the quiet time ends");
    assert_eq!(scene.kinds_after(MINUTE), ["escalated"]);
}

/// Would break: an incident that opened while it was silenced, and of which nothing is ever told.
#[test]
fn what_goes_on_after_a_silence_is_told() {
    let mut scene = Scene::new(all(Grouping { wait: Millis::ZERO, ..Grouping::default() }));
    scene.facts.silenced.store(true, Ordering::Relaxed);
    for id in ["a", "b"] {
        scene.hear(incident(id, Change::Opened));
    }
    scene.hear(incident("b", Change::BecameUnknown));
    assert_eq!(scene.kinds_after(20 * MINUTE), Vec::<String>::new());
    assert!(scene.wait() > Duration::ZERO, "it looks again and again until the silence ends");
    scene.facts.silenced.store(false, Ordering::Relaxed);
    assert_eq!(scene.kinds_after(MINUTE), ["unknown"]);
    scene.hear(escalated("a", Reason::Attempts { used: 3 }));
    assert_eq!(scene.kinds_after(MINUTE), ["escalated"]);
}

/// Would break: a channel that is down for weeks, and nobody who is told.
#[test]
fn a_channel_that_does_not_work_is_told_once_through_another_one() {
    let mut scene = Scene::new(Routing { fallback: vec!["log".into()], ..all(Grouping::default()) });
    scene.hear(incident("a", Change::Opened));
    scene.hear(escalated("a", Reason::Attempts { used: 3 }));
    scene.now += MINUTE;
    scene.teller.flush(scene.at(), false).unwrap();
    let mut told = Vec::new();
    for _ in 0..10 {
        // More than the longest rest.
        scene.now += 2 * 3_600_000;
        let picked = scene.teller.outbox().begin("mail", scene.at()).unwrap().unwrap();
        let refused: Result<Receipt, Fault> = Err(Fault::Later { after: None, why: "connection refused".into() });
        scene.teller.conclude(&picked.message.id, &refused, scene.at()).unwrap();
        while let Some(picked) = scene.teller.outbox().begin("log", scene.at()).unwrap() {
            let sent = Ok(Receipt { answer: "ok".into() });
            scene.teller.conclude(&picked.message.id, &sent, scene.at()).unwrap();
            told.push(picked.message);
        }
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].notices.len(), told[0].notices[0].kind), (1, Kind::Undelivered));
    assert!(told[0].notices[0].summary.contains("6 attempts failed"), "{told:?}");
}

/// Would break: a channel that was removed or renamed, whose messages nobody ever gets.
#[test]
fn what_waits_for_a_channel_that_is_gone_goes_to_another_one() {
    let mut routing = all(Grouping::default());
    routing.routes[0].channels = vec!["gone".into()];
    let mut scene = Scene::new(routing);
    for id in ["a", "b"] {
        scene.hear(incident(id, Change::Opened));
        scene.hear(escalated(id, Reason::Attempts { used: 3 }));
        if id == "a" {
            assert_eq!(scene.kinds_after(MINUTE), Vec::<String>::new());
        }
    }
    assert_eq!(scene.teller.leave_unconfigured(scene.at()).unwrap(), 1);
    assert_eq!(scene.kinds_after(MINUTE), ["undelivered escalated"]);
    let status = scene.teller.outbox().status(&[]).unwrap();
    assert_eq!(status.grouping, 0, "{status:?}");
    assert_eq!(scene.teller.leave_unconfigured(scene.at()).unwrap(), 0);
}

#[test]
fn what_is_not_granted_and_what_is_not_loaded_is_told_once_a_day() {
    let mut scene = Scene::new(all(Grouping { wait: Millis::ZERO, interval: Millis::ZERO, ..Grouping::default() }));
    scene.hear(incident("a", Change::Opened));
    let error = "denied: ansai:fs/fs-act.remove is not granted; to allow it, add it".to_owned();
    let (instance, incident) = (DISK.clone(), Some("a".to_owned()));
    scene.hear(Event::PlanFailed { instance, incident, plan: None, error, kind: None });
    assert_eq!(scene.kinds_after(1), ["capability-missing"]);
    let mut told = Vec::new();
    for kind in ["not-granted", "component", "component"] {
        let (name, error) = ("disk".to_owned(), "x".to_owned());
        scene.hear(Event::NotLoaded { name, kind: kind.to_owned(), error });
        told.extend(scene.kinds_after(1));
    }
    assert_eq!(told, ["capability-missing", "suspended"]);
    scene.now += DAY_MS;
    let (name, kind, error) = ("disk".to_owned(), "component".to_owned(), "x".to_owned());
    scene.hear(Event::NotLoaded { name, kind, error });
    assert_eq!(scene.kinds_after(1), ["suspended"], "it broke again");
}

/// Would break: people who are asked again and again about a plan that has ended.
#[test]
fn a_plan_that_has_ended_is_not_told_again() {
    let grouping = Grouping { repeat: Some(Millis::from_hours(4)), wait: Millis::ZERO, ..Grouping::default() };
    let mut scene = Scene::new(all(grouping));
    scene.hear(incident("a", Change::Opened));
    let until = scene.at() + Millis::from_hours(2);
    decided(&mut scene, "a", Permission::AwaitsApproval { plan: "plan-a".into(), until });
    assert_eq!(scene.kinds_after(1), ["held"]);
    let (plan, incident_id, instance) = ("plan-a".to_owned(), "a".to_owned(), DISK.clone());
    scene.hear(Event::ApprovalEnded { plan, incident: incident_id, instance, why: ApprovalEnd::Expired });
    assert_eq!(scene.kinds_after(5 * 3_600_000), Vec::<String>::new());
    scene.hear(incident("a", Change::Closed));
    assert_eq!(scene.kinds_after(1), ["recovered"]);
}

#[test]
fn a_storm_is_one_message_with_counts() {
    let mut scene = Scene::new(all(Grouping::default()));
    for number in 0..120 {
        let id = format!("i{number}");
        scene.hear(incident(&id, Change::Opened));
        scene.hear(escalated(&id, Reason::Attempts { used: 3 }));
    }
    let sent = scene.sent_after(MINUTE);
    assert_eq!(sent.len(), 1, "{}", sent.len());
    assert_eq!((sent[0].total(), sent[0].counts[0].kind, sent[0].group.as_str()), (120, Kind::Escalated, "storm"));
    assert!(sent[0].notices.len() <= crate::message::MOST_NOTICES);
}

#[test]
fn what_is_not_over_is_told_again_and_no_longer_when_it_is() {
    let grouping = Grouping { repeat: Some(Millis::from_hours(4)), wait: Millis::ZERO, ..Grouping::default() };
    let mut scene = Scene::new(all(grouping));
    scene.hear(incident("a", Change::Opened));
    scene.hear(escalated("a", Reason::Attempts { used: 3 }));
    assert_eq!(scene.kinds_after(1), ["escalated"]);
    assert_eq!(scene.kinds_after(3 * 3_600_000), Vec::<String>::new());
    let again = scene.sent_after(3_600_000);
    assert!(again.len() == 1 && again[0].reminder, "{again:?}");
    scene.hear(incident("a", Change::Closed));
    assert_eq!(scene.kinds_after(1), ["recovered"]);
    assert_eq!(scene.kinds_after(9 * 3_600_000), Vec::<String>::new());
}

#[test]
fn too_many_messages_drop_the_oldest_digest_first() {
    let directory = tempfile::tempdir().unwrap();
    let capacity = Capacity { messages: 3, ..Capacity::default() };
    let outbox = Outbox::open(&directory.path().join("notify.db"), capacity, || false).unwrap();
    let put = |number: u64, digest: bool| {
        let at = Timestamp::from_millis(number);
        let notice = Notice::new(&number.to_string(), Kind::Held, Severity::Warning, "web1", at, "x");
        let mut message = Message::new(&format!("m{number}"), "mail", "g", "web1", at, vec![notice]);
        message.digest = digest;
        outbox.write(|transaction| messages::put(transaction, &message, capacity)).unwrap();
    };
    put(1, false);
    put(2, true);
    put(3, true);
    put(4, false);
    put(5, false);
    let mut left = Vec::new();
    while let Some(picked) = outbox.begin("mail", Timestamp::EPOCH).unwrap() {
        let sent = Ok(Receipt { answer: String::new() });
        outbox
            .write(|transaction| messages::conclude(transaction, &picked.message.id, &sent, Timestamp::EPOCH))
            .unwrap();
        left.push(picked.message.id);
    }
    assert_eq!(left, ["m1", "m4", "m5"]);
    assert_eq!(outbox.status(&[]).unwrap().channels.len(), 0, "nothing waits, and it is not configured");
    assert_eq!(outbox.status(&["mail".into()]).unwrap().channels[0].dropped, 2);
}

/// Would break: a look at the outbox that changes it, or that needs the lock of a daemon.
#[test]
fn who_only_looks_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notify.db");
    assert!(Outbox::open_to_read(&file).is_err() && !file.exists());
    drop(Outbox::open(&file, Capacity::default(), || false).unwrap());
    let outbox = Outbox::open_to_read(&file).unwrap().unwrap();
    assert_eq!(outbox.status(&["mail".into()]).unwrap().channels.len(), 1);
    assert!(outbox.set_place(1).is_err());
}

/// Would break: a configuration that a person is writing is told, one that stays broken is not, or every minute.
#[test]
fn that_no_policy_may_act_is_told_after_a_minute_and_once() {
    let mut scene = Scene::new(all(Grouping { wait: Millis::ZERO, interval: Millis::ZERO, ..Grouping::default() }));
    let (mut since, begin) = (None, Instant::now());
    let mut look = |scene: &Scene, why: Option<&str>, seconds: u64| {
        *scene.facts.halted.lock().unwrap() = why.map(str::to_owned);
        scene.teller.tell_halted(&mut since, begin + Duration::from_secs(seconds), scene.at()).unwrap();
    };
    for (why, seconds) in [(Some("broken"), 0), (None, 30), (Some("broken"), 50), (Some("broken"), 100)] {
        look(&scene, why, seconds);
    }
    assert!(scene.sent_after(MINUTE).is_empty(), "no minute has passed since the second beginning");
    // Also if the time of day is set back meanwhile.
    scene.now -= 2 * MINUTE;
    look(&scene, Some("ansai.toml is not\u{1b} valid"), 110);
    scene.now += 2 * MINUTE;
    let told = scene.sent_after(MINUTE);
    let notice = &told[0].notices[0];
    assert_eq!((notice.kind, notice.severity), (Kind::Suspended, Severity::Critical));
    assert!(notice.summary.starts_with("no policy may act: ansai.toml is not"), "{}", notice.summary);
    assert!(!notice.summary.contains('\u{1b}'));
    look(&scene, Some("another reason"), 4_000);
    assert!(scene.sent_after(MINUTE).is_empty(), "it is told once");
    scene.now += MINUTE;
    for (why, seconds) in [(None, 4_010), (Some("broken"), 4_020), (Some("broken"), 4_090)] {
        look(&scene, why, seconds);
    }
    assert_eq!(scene.kinds_after(MINUTE), ["suspended"], "and once more when it begins again");
}
