//! What an evaluation may do, and how each way of misbehaving ends.

use crate::support::*;
use ansai_core::event::Phase;
use ansai_core::{Bytes, Decision, InstanceName, Limits, Observation, OnFailure, Severity, Status, Subject, Timestamp};
use ansai_engine::recording::{RECORDING_VERSION, RecordedEnd};
use ansai_engine::replay::{Difference, Replayed, replay};
use ansai_engine::{Answer, Evaluation, EvaluationError, RecordedReply, Recording};
use ansai_host_functions::live::Live;

async fn detect(bytes: &[u8], limits: &Limits) -> Evaluation<Live> {
    let policy = engine().load(bytes).unwrap();
    policy.detect(live(Phase::Detect, &["ansai:disk/disk-probe", "ansai:disk/disk-check-actions"]), limits).await
}

fn finding() -> Observation {
    Observation {
        key: "/".into(),
        about: Subject::new("filesystem", "/"),
        status: Status::Unhealthy(Severity::Warning),
        summary: "full".into(),
        evidence: vec![],
        related: vec![],
        distance: None,
    }
}

#[tokio::test]
async fn an_empty_answer_is_an_answer() {
    let evaluation = detect(&policy("", "", ""), &limits()).await;
    assert_eq!(evaluation.answer, Ok(Answer::Observed(vec![])));
    assert!(evaluation.usage.fuel > 0 && evaluation.usage.memory_bytes == Bytes::new(128 << 10));
}

#[tokio::test]
async fn calls_pass_the_gate_and_are_recorded() {
    let bytes = policy(&format!("{NOW} {LIST}"), "(drop (call $now)) (call $list (i32.const 2048))", "");
    let evaluation = detect(&bytes, &limits()).await;
    let names: Vec<String> = evaluation.calls.iter().map(|call| call.name()).collect();
    assert_eq!(names, ["ansai:policy/context.now", "ansai:disk/disk-probe.list-filesystems"]);
    let RecordedReply::Ok(now) = &evaluation.calls[0].reply else { panic!() };
    assert_eq!(now.get(), "1790000000000");
    let RecordedReply::Ok(list) = &evaluation.calls[1].reply else { panic!() };
    assert!(list.get().contains(r#""mount":"/""#));
}

#[tokio::test]
async fn what_is_not_granted_is_denied_with_the_line_to_add() {
    let policy = engine().load(&policy(LIST, "(call $list (i32.const 2048))", "")).unwrap();
    let evaluation = policy.detect(live(Phase::Detect, &[]), &limits()).await;
    let RecordedReply::Refused(refusal) = &evaluation.calls[0].reply else { panic!() };
    let text = refusal.to_string();
    assert!(text.contains(r#"add "ansai:disk/disk-probe" to [policy.test.grant]"#), "{text}");
}

#[tokio::test]
async fn an_action_in_detect_is_denied_and_in_plan_proposed() {
    let call =
        r#"(call $check (i32.const 16) (i32.const 1) (i64.const 1) (i32.const 16) (i32.const 1) (i32.const 2048))"#;
    let imports = format!(r#"{CHECK} (data (i32.const 16) "/")"#);
    let bytes = policy(&imports, call, call);
    let evaluation = detect(&bytes, &limits()).await;
    assert!(matches!(&evaluation.calls[0].reply, RecordedReply::Refused(ansai_core::Refusal::Denied(_))));

    let policy = engine().load(&bytes).unwrap();
    let backend = live(Phase::Plan, &["ansai:disk/disk-check-actions"]);
    let evaluation = policy.plan(backend, &limits(), &finding()).await;
    assert_eq!(evaluation.answer, Ok(Answer::Decided(Decision::Apply(OnFailure::UndoApplied))));
    let (proposed, _) = evaluation.backend.unwrap().finish();
    assert_eq!(proposed[0].action, "ansai:disk/disk-check-actions.check-available");
    assert_eq!((proposed[0].preview.step, proposed[0].reason().as_str()), (0, "/"));
}

#[tokio::test]
async fn a_negative_distance_violates_the_contract() {
    let answer = async |distance: &str| {
        let one = format!(
            "(i32.store (i32.const 1028) (i32.const 2048)) (i32.store (i32.const 1032) (i32.const 1))
            (i32.store (i32.const 2048) (i32.const 16)) (i32.store (i32.const 2052) (i32.const 1))
            (i32.store (i32.const 2112) (i32.const 1)) (f64.store (i32.const 2120) (f64.const {distance}))"
        );
        detect(&policy(r#"(data (i32.const 16) "k")"#, &one, ""), &limits()).await.answer
    };
    for distance in ["0", "-0", "7.5"] {
        let Ok(Answer::Observed(seen)) = answer(distance).await else { panic!("{distance}") };
        assert_eq!(seen[0].distance, distance.parse().ok());
    }
    for distance in ["-1", "-1e-300"] {
        let Err(EvaluationError::ContractViolation(why)) = answer(distance).await else { panic!("{distance}") };
        assert!(why.contains("`k` has the negative distance"), "{why}");
    }
}

#[tokio::test]
async fn endless_loops_end() {
    let bytes = policy("", "(loop $l (br $l))", "");
    let evaluation = detect(&bytes, &limits()).await;
    assert_eq!(evaluation.answer, Err(EvaluationError::Fuel(5_000_000)));
    let patient = Limits { fuel: u64::MAX / 2, deadline_ms: 200, ..limits() };
    assert_eq!(detect(&bytes, &patient).await.answer, Err(EvaluationError::Deadline(200)));
}

#[tokio::test]
async fn memory_is_summed_and_bounded() {
    let bytes = policy("", "(if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))", "");
    assert_eq!(detect(&bytes, &limits()).await.answer, Err(EvaluationError::Memory(Bytes::from_mib(4))));
}

#[tokio::test]
async fn traps_recursion_and_wrong_pointers_are_named() {
    let cases = [
        ("unreachable", "unreachable"),
        ("(drop (i32.load (i32.const -4)))", "out of bounds"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "divide by zero"),
    ];
    for (body, words) in cases {
        let answer = detect(&policy("", body, ""), &limits()).await.answer;
        let Err(EvaluationError::Trap(text)) = answer else { panic!("{body}: {answer:?}") };
        assert!(text.contains(words), "{body}: {text}");
    }
    let bytes = policy("(func $f (call $f))", "(call $f)", "");
    assert_eq!(detect(&bytes, &limits()).await.answer, Err(EvaluationError::Stack));
}

#[tokio::test]
async fn a_million_cheap_calls_are_over_budget() {
    let bytes = policy(NOW, "(loop $l (drop (call $now)) (br $l))", "");
    let frugal = Limits { calls: 100, ..limits() };
    let evaluation = detect(&bytes, &frugal).await;
    // A function that cannot refuse ends the evaluation.
    let Err(EvaluationError::Budget(text)) = &evaluation.answer else { panic!("{:?}", evaluation.answer) };
    assert!(text.contains("over budget: 100 calls"), "{text}");
    let evaluation = detect(&bytes, &limits()).await;
    assert_eq!(evaluation.answer, Err(EvaluationError::Fuel(5_000_000)), "calls cost fuel");
}

#[tokio::test]
async fn answers_against_the_contract_are_violations() {
    // One observation at 2048 whose key, about and so on are all empty.
    let list = "(i32.store (i32.const 1028) (i32.const 2048)) (i32.store (i32.const 1032) (i32.const 1))";
    let answer = detect(&policy("", list, ""), &limits()).await.answer;
    assert_eq!(answer, Err(EvaluationError::ContractViolation("a key has 0 bytes, allowed are 1 to 200".into())));
    let huge = "(i32.store (i32.const 1028) (i32.const 2048)) (i32.store (i32.const 1032) (i32.const 0x7fffffff))";
    let answer = detect(&policy("", huge, ""), &limits()).await.answer;
    assert!(matches!(answer, Err(EvaluationError::Abi(_))), "{answer:?}");
}

async fn record(bytes: &[u8]) -> Recording {
    let engine = engine();
    let policy = engine.load(bytes).unwrap();
    let evaluation = policy.detect(live(Phase::Detect, &["ansai:disk/disk-probe"]), &limits()).await;
    Recording {
        version: RECORDING_VERSION,
        engine: ansai_engine::engine::ENGINE_VERSION.into(),
        component: policy.info().digest.clone(),
        instance: InstanceName::from_static("test"),
        phase: Phase::Detect,
        trigger: "schedule".into(),
        at: Timestamp::from_millis(1),
        finding: None,
        limits: limits(),
        end: evaluation.end(),
        fuel: evaluation.usage.fuel,
        calls: evaluation.calls,
    }
}

#[tokio::test]
async fn a_replay_is_identical_through_json_too() {
    let bytes = policy(&format!("{NOW} {LIST}"), "(drop (call $now)) (call $list (i32.const 2048))", "");
    let recording = record(&bytes).await;
    let text = serde_json::to_string(&recording).unwrap();
    let recording: Recording = serde_json::from_str(&text).unwrap();
    let policy = engine().load(&bytes).unwrap();
    let (replayed, _) = replay(&policy, &recording).await;
    assert_eq!(replayed, Replayed::Identical { fuel_compared: true });
}

#[tokio::test]
async fn a_changed_component_or_recording_reports_the_first_difference() {
    let bytes = policy(&format!("{NOW} {LIST}"), "(drop (call $now)) (call $list (i32.const 2048))", "");
    let recording = record(&bytes).await;

    let other = engine().load(&policy(LIST, "(call $list (i32.const 2048))", "")).unwrap();
    let (replayed, _) = replay(&other, &recording).await;
    let Replayed::Differs(Difference::Call { index: 1, recorded, now }) = replayed else { panic!("{replayed:?}") };
    assert!(recorded.contains("context.now") && now.contains("list-filesystems"), "{recorded} {now}");

    let fewer = engine().load(&policy(NOW, "(drop (call $now))", "")).unwrap();
    let (replayed, _) = replay(&fewer, &recording).await;
    assert!(
        matches!(&replayed, Replayed::Differs(Difference::Call { index: 2, now, .. }) if now == "no further call"),
        "{replayed:?}"
    );

    let same = engine().load(&bytes).unwrap();
    let mut changed = recording.clone();
    changed.fuel += 1;
    let (replayed, _) = replay(&same, &changed).await;
    assert!(matches!(replayed, Replayed::Differs(Difference::Fuel { .. })), "{replayed:?}");

    let mut changed = recording.clone();
    changed.end = RecordedEnd::Observed(vec![finding()]);
    let (replayed, _) = replay(&same, &changed).await;
    assert!(matches!(replayed, Replayed::Differs(Difference::Answer { .. })), "{replayed:?}");

    let mut ended = recording;
    ended.end = RecordedEnd::Deadline;
    assert_eq!(replay(&same, &ended).await.0, Replayed::Excluded);
}
