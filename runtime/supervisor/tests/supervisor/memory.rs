//! The data of a policy is kept in a scheduled evaluation, and dropped in a verification.

use ansai_core::event::Phase;
use ansai_core::{Mode, OnFailure};
use ansai_engine::{RecordedReply, Recording};

use crate::scene::{Scene, fixed};
use crate::script::{How, Script, Step};

/// What `detect` read from its store, and the number of samples in its series.
fn found(recording: &Recording) -> (Option<String>, usize) {
    let reply = |name: &str| {
        let call = recording.calls.iter().find(|call| call.name() == name).unwrap();
        match &call.reply {
            RecordedReply::Ok(reply) => reply.get().to_owned(),
            RecordedReply::Refused(refusal) => panic!("{refusal}"),
        }
    };
    let samples: Vec<serde_json::Value> = serde_json::from_str(&reply("ansai:policy/series.samples")).unwrap();
    (serde_json::from_str(&reply("ansai:policy/store.get")).unwrap(), samples.len())
}

#[tokio::test]
async fn schedule_commits_and_verification_does_not() {
    let scene = Scene::new();
    let healed = scene.path("healed");
    scene.script(&Script::sick(vec![Step::mark(&healed)], OnFailure::Stop).healthy_once(healed));
    scene.open().run_once().await;
    scene.open().run_once().await;
    let scheduled: Vec<_> = scene.recorded(Phase::Detect, "schedule").iter().map(found).collect();
    let verifying: Vec<_> = scene.recorded(Phase::Detect, "verification").iter().map(found).collect();
    // The scheduled evaluation wrote `0`; the verification wrote `3` and a sample.
    assert_eq!(scheduled, [(None, 0), (Some("0".into()), 1)]);
    assert_eq!(verifying, [(Some("0".into()), 1)]);
    scene.finish().await;
}

#[tokio::test]
async fn what_an_evaluation_without_an_answer_stored_is_dropped() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![], OnFailure::Stop).behaving(How::Traps));
    scene.open().run_once().await;
    scene.script(&Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![])));
    scene.open().run_once().await;
    let scheduled: Vec<_> = scene.recorded(Phase::Detect, "schedule").iter().map(found).collect();
    assert_eq!(scheduled, [(None, 0), (None, 0)]);
    scene.finish().await;
}

#[tokio::test]
async fn the_limit_of_series_is_that_of_the_instance() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![])));
    let mut none = scene.instance("one");
    none.limits.series = 0;
    for instance in [none, scene.instance("one")] {
        scene.open_all(fixed(Mode::Observe), vec![instance]).unwrap().run_once().await;
    }
    let appended: Vec<_> = scene
        .recordings()
        .iter()
        .map(|recording| {
            let call = recording.calls.iter().find(|call| call.name() == "ansai:policy/series.append").unwrap();
            matches!(call.reply, RecordedReply::Ok(_))
        })
        .collect();
    assert_eq!(appended, [false, true]);
    scene.finish().await;
}

#[tokio::test]
async fn a_state_of_a_newer_ansai_is_refused_with_a_hint() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![])));
    scene.open().run_once().await;
    let database = || rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap();
    let set = |version: i64| database().pragma_update(None, "user_version", version).unwrap();
    let version: i64 = database().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    set(1_000);
    let refused = scene.open_with(fixed(Mode::Observe)).err().unwrap();
    assert!(refused.to_string().contains("a newer ansai wrote it, in format 1000"), "{refused}");
    assert!(refused.hint().unwrap().contains("--state-dir DIR"));
    set(version);
    scene.open().run_once().await;
    scene.finish().await;
}
