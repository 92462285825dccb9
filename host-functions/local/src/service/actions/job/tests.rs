#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::bus::fake::{Answer, FakeBus, error};
use crate::service::state::sample::failed;

fn begun(answer: fn() -> Answer) -> Result<Begun, Refusal> {
    let bus = FakeBus::start(move |_| answer());
    let systemd = Systemd::of(&bus.host()).unwrap();
    begin(&systemd, Verb::Restart, &Target::of(&failed()), None)
}

#[test]
fn a_restart_without_an_answer_is_unknown_and_one_that_is_refused_is_not() {
    match begun(|| Answer::Close).unwrap() {
        Begun::Finished(applied) => {
            assert_eq!(applied.outcome, Outcome::Unknown);
            assert!(applied.detail.starts_with("nobody knows whether web.service was restarted"), "{}", applied.detail);
        }
        running => panic!("{running:?}"),
    }
    assert!(matches!(begun(|| error(CONFLICT)), Err(Refusal::Busy(_))));
    assert!(matches!(begun(|| error("org.freedesktop.systemd1.NoSuchUnit")), Err(Refusal::Unavailable(_))));
}
