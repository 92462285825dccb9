//! Calls that a worker says it answered itself.

use ansai_core::Limits;
use ansai_engine::{Answer, EvaluationError};

use crate::same::{BASE, with_a_key};
use crate::support::*;
use crate::*;

async fn evaluated(behaviour: &'static str, limits: &Limits) -> Evaluation<Live> {
    isolated(behaviour, &policy(BASE, "", "")).detect(with_a_key(), limits).await
}

/// Would break: one check of what comes with a frame, each of which refuses one of these.
pub(crate) async fn what_a_worker_says_of_calls_is_checked() {
    let only_here = "an answer to a call that only the supervisor can answer";
    let differs = "a reply to a call that differs from the supervisor's";
    let cases = [
        ("says-nothing-of-replies", differs, 1),
        ("another-reply", differs, 1),
        ("fewer-replies", differs, 2),
        ("answers-a-probe", only_here, 0),
        ("answers-history", only_here, 0),
        ("answers-what-is-not-imported", "which the component does not import", 0),
        ("answers-what-nobody-can-read", "arguments that no guest can send", 0),
        ("answers-a-flood", "over budget: 100 calls in one evaluation", 100),
        ("answers-more-than-a-frame", "a frame of", 0),
        ("answers-more-than-go-with-a-frame", "more calls than go with one frame", 0),
        ("answers-for-another", "the end of another evaluation", 0),
    ];
    let few = Limits { calls: 100, ..limits() };
    for (behaviour, words, recorded) in cases {
        let evaluation = evaluated(behaviour, &few).await;
        let Err(EvaluationError::WorkerEnded(why)) = &evaluation.answer else {
            panic!("{behaviour}: {:?}", evaluation.answer)
        };
        assert!(why.contains(words), "{behaviour}: {why}");
        assert_eq!(evaluation.calls.len(), recorded, "{behaviour}");
        // What is recorded is what the supervisor answers.
        let text = serde_json::to_string(&evaluation.calls).unwrap();
        assert!(!text.contains("forged"), "{behaviour}: {text}");
    }
}

/// Would break: writes that are kept because the worker says that they are within their limits.
pub(crate) async fn quotas_hold_although_a_worker_forges_writes() {
    for behaviour in ["stores-too-many", "stores-too-much"] {
        let evaluation = evaluated(behaviour, &limits()).await;
        assert!(matches!(evaluation.answer, Err(EvaluationError::WorkerEnded(_))), "{:?}", evaluation.answer);
        let (_, state) = evaluation.backend.unwrap().finish();
        // With the one that was there before.
        assert!(state.writes.store.len() < 256, "{behaviour}: {}", state.writes.store.len());
        assert!(state.writes.store.values().flatten().all(|value| value == "x"), "{behaviour}");
    }
    let policy = isolated("answers-after-the-end", &policy(BASE, "", ""));
    let first = policy.detect(with_a_key(), &limits()).await;
    assert_eq!((first.answer, first.calls.len()), (Ok(Answer::Observed(vec![])), 0));
    let second = policy.detect(with_a_key(), &limits()).await;
    assert!(matches!(second.answer, Err(EvaluationError::WorkerEnded(_))), "{:?}", second.answer);
    assert!(second.backend.unwrap().finish().1.log.is_empty());
}

/// Would break: a store that goes to a worker whose policy does not use it.
pub(crate) async fn what_is_carried_is_of_this_instance_only() {
    let told = |evaluation: Evaluation<Live>| evaluation.answer.unwrap_err().to_string();
    let all = told(evaluated("says-what-is-carried", &limits()).await);
    assert!(all.contains(r#"{"old-key":"value"} ["old"]"#), "{all}");
    let uses_time = isolated("says-what-is-carried", &policy(NOW, "", ""));
    let nothing = told(uses_time.detect(with_a_key(), &limits()).await);
    assert!(nothing.contains("null null"), "{nothing}");
}
