//! A process that calls servers and was taken over: it speaks the protocol and does its worst. Nothing but its own answers
//! is wrong afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "../carrier/mod.rs"]
mod carrier;
#[path = "../../test-child/manner.rs"]
mod manner;
mod names;
mod scene;
mod wall;

use std::time::{Duration, Instant};

use ansai_core::Refusal;
use ansai_harness::until;
use ansai_kit::carrier::{Carrier as _, Lost, RequestText};
use ansai_kit::host::Deadline;
use serde_json::json;

use self::manner::Manner;
use self::scene::{LONG, SECRET, SHORT, Scene};

fn ended() -> Refusal {
    Refusal::Unavailable("the process that calls servers ended during the call".into())
}

fn invalid() -> Refusal {
    Refusal::Unavailable("the process that calls servers sent an invalid answer".into())
}

/// Waits until the process is another one, or gone.
fn wait_until(is_so: impl Fn() -> bool) {
    until("the process changes", Duration::from_secs(30), || is_so().then_some(()));
}

/// It is replaced, and the call has no answer.
#[test]
fn a_reply_that_breaks_the_protocol_ends_the_process() {
    for manner in [Manner::WrongNumber, Manner::NoJson, Manner::Huge, Manner::Commands, Manner::Dies] {
        let scene = Scene::new(manner);
        assert_eq!(scene.look(LONG), Err(ended()), "{manner:?}");
        let first = scene.process.id();
        assert_eq!(first, None, "{manner:?}: it is not used any more");
        // The first end costs no pause: a new one is asked, and does the same.
        assert_eq!(scene.look(LONG), Err(ended()), "{manner:?}");
        // The pause is short at first, so a look of a busy machine may begin after it; each end doubles it.
        until("a pause", Duration::from_secs(30), || match scene.look(LONG) {
            Err(Refusal::Unavailable(why)) if why.contains("starts again in") => Some(()),
            other => {
                assert_eq!(other, Err(ended()), "{manner:?}");
                None
            }
        });
    }
}

#[test]
fn a_second_reply_ends_the_process_and_harms_no_other() {
    let scene = Scene::new(Manner::Twice);
    // The first reply counts.
    assert_eq!(scene.look(LONG), Err(Refusal::Busy("once".into())));
    wait_until(|| scene.process.id().is_none());
    assert_eq!(scene.look(LONG), Err(Refusal::Busy("once".into())), "a new process");
}

#[test]
fn an_answer_of_another_type_is_refused_and_the_process_goes_on() {
    for manner in [Manner::OtherType, Manner::OtherShape] {
        let scene = Scene::new(manner);
        assert_eq!(scene.look(LONG), Err(invalid()), "{manner:?}");
        let first = scene.process.id();
        assert_eq!(scene.look(LONG), Err(invalid()), "{manner:?}");
        assert!(first.is_some() && first == scene.process.id(), "{manner:?}");
    }
}

#[test]
fn secrets_that_it_tells_are_masked() {
    let scene = Scene::new(Manner::TellsSecret);
    let told = scene.look(LONG).unwrap_err().to_string();
    assert!(told.contains("***") && !told.contains(SECRET), "{told}");
    assert!(!told.contains(&scene::encoded(SECRET)), "{told}");
    assert!(!told.contains('\u{1b}') && told.len() < 4_000, "{}", told.len());
}

#[test]
fn a_call_without_an_answer_costs_its_own_time_only() {
    let scene = Scene::new(Manner::AnswersNotTheFirst);
    std::thread::scope(|threads| {
        let first = threads.spawn(|| scene.look(LONG));
        wait_until(|| scene.process.id().is_some());
        let began = Instant::now();
        for _ in 0..5 {
            assert_eq!(scene.look(LONG), Err(Refusal::Busy("an answer".into())));
        }
        assert!(!first.is_finished() && began.elapsed() < LONG / 2);
        // It ends with the process.
        scene.kill();
        assert_eq!(first.join().unwrap(), Err(ended()));
    });
    let silent = Scene::new(Manner::Silent);
    let late = silent.look(SHORT);
    assert!(matches!(late, Err(Refusal::TimedOut(_))), "{late:?}");
}

/// What is done about a step could go on in it.
#[test]
fn a_process_that_is_ended_with_its_step_is_started_again_at_once() {
    let scene = Scene::new(Manner::Silent);
    let carry = |ends| scene.process.carry(RequestText::new("{}".into()), &Deadline::after(SHORT), ends);
    for _ in 0..4 {
        let lost = carry(true);
        assert!(matches!(lost, Err(Lost::Unanswered(Refusal::TimedOut(_)))), "{lost:?}");
        assert_eq!(scene.process.id(), None);
    }
    let lost = carry(false);
    assert!(matches!(lost, Err(Lost::Unanswered(Refusal::TimedOut(_)))), "{lost:?}");
    assert!(scene.process.id().is_some(), "a look ends nothing");
}

/// Otherwise calls that hang would fill it, one by one.
#[test]
fn a_process_in_which_many_calls_hang_is_replaced() {
    let scene = Scene::new(Manner::Silent);
    let first = {
        let _late = scene.look(SHORT);
        scene.process.id()
    };
    for _ in 0..16 {
        let late = scene.look(SHORT);
        assert!(matches!(late, Err(Refusal::TimedOut(_))), "{late:?}");
    }
    wait_until(|| scene.process.id() != first);
}

#[test]
fn a_preview_of_a_thing_of_another_target_or_of_this_machine_is_refused() {
    for about in [
        json!({"kind": "target", "name": "other"}),
        json!({"kind": "unit", "name": "sshd.service"}),
        json!({"kind": "database-session", "name": "db2/7"}),
        json!({"kind": "host", "name": ""}),
    ] {
        let scene = Scene::new(Manner::Previews);
        let previewed = scene.preview(&about);
        assert_eq!(previewed.map(|_| ()), Err(invalid()), "{about}");
    }
    let own = json!({"kind": "database-session", "name": "db/7"});
    for manner in [Manner::PreviewsOther, Manner::PreviewsOtherUnit] {
        let scene = Scene::new(manner);
        assert_eq!(scene.preview(&own).map(|_| ()), Err(invalid()), "{manner:?}: it would lock another thing");
    }
    let scene = Scene::new(Manner::Previews);
    let previewed = scene.preview(&own).unwrap();
    // What it touches and what grants must permit is computed here, from the targets of the step.
    let touches: Vec<&str> = previewed.touches.iter().map(|touch| touch.subject.kind.as_str()).collect();
    assert_eq!(touches, ["database-session", "target"]);
    assert_eq!(previewed.canonical.len(), 2);
}

/// A step whose reply does not come is resolved, as after a crash of ansai; the process cannot make it anything else.
#[test]
fn a_step_without_an_answer_is_unknown() {
    for manner in [Manner::Dies, Manner::OtherType, Manner::SaysLost, Manner::TwiceBegun] {
        let scene = Scene::new(manner);
        let applied = scene.begin();
        match manner {
            Manner::Dies | Manner::OtherType | Manner::SaysLost => {
                let detail = applied.detail.as_str();
                assert_eq!(applied.outcome, ansai_core::Outcome::Unknown, "{manner:?}: {detail}");
                assert!(detail.starts_with("nobody knows what was done"), "{detail}");
            }
            _ => assert_eq!(applied.detail, "it says so"),
        }
    }
}

#[test]
fn it_can_read_nothing_of_this_machine_and_keeps_no_secret_in_its_description() {
    let scene = Scene::new(Manner::Reads);
    let told = scene.look(LONG).unwrap_err().to_string();
    // Files that only root can read: its own user is enough for that.
    assert!(told.contains("/etc/shadow: permission denied") && told.contains("state: permission denied"), "{told}");
    assert!(!told.contains("could be"), "{told}");
    let process = scene.process.id().unwrap();
    for part in ["environ", "cmdline"] {
        let text = std::fs::read(format!("/proc/{process}/{part}")).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains(SECRET) && !text.contains(&scene::encoded(SECRET)), "{part}: {text}");
    }
}

#[test]
fn a_process_that_is_not_needed_ends_and_comes_back() {
    let scene = Scene::idle(Manner::AnswersAll, Duration::from_millis(100));
    assert_eq!(scene.process.id(), None, "it is started by the first call");
    assert_eq!(scene.look(LONG), Err(Refusal::Busy("an answer".into())));
    wait_until(|| scene.process.id().is_none());
    // No failure: there is no pause, however often.
    for _ in 0..3 {
        assert_eq!(scene.look(LONG), Err(Refusal::Busy("an answer".into())));
        wait_until(|| scene.process.id().is_none());
    }
}
