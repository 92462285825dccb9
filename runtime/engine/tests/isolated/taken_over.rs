//! A worker that says whatever it likes gets nothing that its instance was not granted, and disturbs nobody.

use ansai_core::{Limits, Refusal};
use ansai_engine::{Answer, EvaluationError, RecordedReply};

use crate::support::*;
use crate::*;

/// For a worker that never answers: soon at an end.
const SOON_MS: u64 = 1_500;

/// Few calls, and a deadline that is not reached on a busy machine either.
fn few() -> Limits {
    Limits { calls: 100, deadline_ms: 30_000, ..limits() }
}

/// As [`few`], and soon at an end.
fn soon() -> Limits {
    Limits { deadline_ms: SOON_MS, ..few() }
}

/// How an evaluation ends in a worker that behaves like this, and its calls.
async fn ended(behaviour: &'static str) -> (EvaluationError, Vec<RecordedReply>) {
    ended_within(behaviour, &few()).await
}

async fn ended_within(behaviour: &'static str, limits: &Limits) -> (EvaluationError, Vec<RecordedReply>) {
    let evaluation = detect(&isolated(behaviour, &lists()), limits).await;
    let (proposed, _) = evaluation.backend.unwrap().finish();
    assert!(proposed.is_empty(), "{behaviour}");
    let replies = evaluation.calls.into_iter().map(|call| call.reply).collect();
    (evaluation.answer.unwrap_err(), replies)
}

/// Would break: one check of `conversation`, each of which refuses one of these.
pub(crate) async fn what_breaks_the_protocol_ends_worker_and_evaluation() {
    let cases = [
        ("not-imported", "a call of `ansai:files/files-probe`, which the component does not import"),
        ("with-version", "which the component does not import"),
        ("two-readers", "arguments that no guest can send"),
        ("with-spaces", "arguments that no guest can send"),
        ("no-object", "arguments that no guest can send"),
        ("over-budget", "the limit is"),
        ("other-number", "a call of another evaluation"),
        ("number-before", "a call of another evaluation"),
        ("done-other-number", "the end of another evaluation"),
        ("decides-in-detect", "the answer of another export"),
        ("aborted", "an end that only the supervisor can cause"),
        ("loaded-again", "a frame at the wrong time"),
        ("garbage", "protocol violation: invalid frame"),
        ("deep", "protocol violation: invalid frame"),
        ("descriptor", "protocol error"),
        ("gigabyte", "a frame of 1073741824 bytes"),
        ("sequence-again", "protocol error"),
        ("closes", "closed the channel"),
        ("dies", "closed the channel"),
    ];
    for (behaviour, words) in cases {
        let (error, replies) = ended(behaviour).await;
        let EvaluationError::WorkerEnded(why) = &error else { panic!("{behaviour}: {error:?}") };
        assert!(why.contains(words), "{behaviour}: {why}");
        assert!(replies.is_empty(), "{behaviour}: {replies:?}");
    }
}

pub(crate) async fn what_never_answers_is_ended_at_the_deadline() {
    for behaviour in ["silent", "half-a-frame", "no-function"] {
        let (error, replies) = ended_within(behaviour, &soon()).await;
        assert_eq!((error, replies.len()), (EvaluationError::Deadline(SOON_MS), 0), "{behaviour}");
    }
}

pub(crate) async fn a_call_that_is_not_granted_is_refused_and_recorded() {
    let (error, replies) = ended_within("not-granted", &soon()).await;
    assert_eq!(error, EvaluationError::Deadline(SOON_MS));
    let [RecordedReply::Refused(Refusal::Denied(_))] = replies.as_slice() else { panic!("{replies:?}") };
}

pub(crate) async fn a_million_calls_end_where_the_budget_does() {
    let patient = Limits { deadline_ms: 60_000, ..few() };
    let (error, replies) = ended_within("million-calls", &patient).await;
    let EvaluationError::WorkerEnded(why) = &error else { panic!("{error:?}") };
    assert!(why.contains("over budget: 100 calls in one evaluation"), "{why}");
    assert_eq!(replies.len(), 100);
}

pub(crate) async fn a_call_before_the_worker_ends_is_recorded() {
    let (error, replies) = ended("closes-in-a-call").await;
    assert!(matches!(error, EvaluationError::WorkerEnded(_)), "{error:?}");
    assert!(replies.len() <= 1, "{replies:?}");
}

/// A worker can lie about the findings of its policy, as the policy can; with the same checks.
pub(crate) async fn an_answer_is_checked_as_one_in_this_process() {
    let (error, _) = ended("no-key").await;
    assert_eq!(error, EvaluationError::ContractViolation("a key has 0 bytes, allowed are 1 to 200".into()));
    let (error, _) = ended("many-observations").await;
    assert_eq!(error, EvaluationError::ContractViolation("1001 observations, at most 1000".into()));
    let (error, _) = ended("long-words").await;
    let EvaluationError::Trap(why) = error else { panic!("{error:?}") };
    // A control character takes several in place of one.
    assert!(why.chars().count() <= 310 && !why.contains('\u{1b}'), "{why}");
}

pub(crate) async fn figures_are_bounded_by_the_limits() {
    let evaluation = detect(&isolated("lies-about-fuel", &lists()), &few()).await;
    assert_eq!(evaluation.answer, Ok(Answer::Observed(vec![])));
    assert_eq!((evaluation.usage.fuel, evaluation.usage.memory_bytes), (few().fuel, few().memory_bytes));
}

/// The second end of an evaluation is not the answer of the next one.
pub(crate) async fn what_comes_after_the_end_belongs_to_no_evaluation() {
    let policy = isolated("twice", &lists());
    assert_eq!(detect(&policy, &few()).await.answer, Ok(Answer::Observed(vec![])));
    let Err(EvaluationError::WorkerEnded(why)) = detect(&policy, &few()).await.answer else { panic!() };
    assert!(why.contains("the end of another evaluation"), "{why}");
    // In a new worker.
    assert_eq!(detect(&policy, &few()).await.answer, Ok(Answer::Observed(vec![])));
}

/// Would break: an evaluation that waits for another instance's worker.
pub(crate) async fn others_go_on_while_one_is_silent() {
    let silent = isolated("silent", &lists());
    let honest = isolated("honest", &lists());
    let patient = Limits { deadline_ms: 600_000, ..limits() };
    tokio::select! {
        biased;
        _ = detect(&silent, &patient) => panic!("it never answers"),
        honest = detect(&honest, &patient) => assert_eq!(honest.answer, Ok(Answer::Observed(vec![]))),
    }
}
