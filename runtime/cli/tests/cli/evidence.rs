//! `ansai evidence`: what the audit log names, compared with what is stored.

use std::path::Path;

use ansai_audit::{Class, Durability, Log, Options, RecordingId, Recordings, Retention};
use ansai_core::event::{EvidenceDrop, EvidenceRef, Record};
use ansai_core::{Bytes, Decision, Event, InstanceName, OnFailure, Outcome, Timestamp};

use crate::support::*;

const ONE: InstanceName = InstanceName::from_static("one");
const INCIDENT: &str = "one/down-nginx/1";
const TEXT: &str = "nginx: \u{1b}[31mbind failed\nnginx: exiting\n";

/// A state directory in which the steps of a plan captured these.
struct State(tempfile::TempDir);

impl State {
    fn new(names: &[&str]) -> State {
        let state = State(tempfile::tempdir().unwrap());
        let mut store = state.store();
        let mut evidence = Vec::new();
        for name in names {
            let id: RecordingId = format!("0123456789abcdef.p1.0.{name}").parse().unwrap();
            let stored = store.put(&id, "one", Class::Evidence, TEXT.as_bytes()).unwrap();
            let (bytes, sha256) = (Bytes::from(TEXT.len()), hex::encode(stored.sha256));
            evidence.push(EvidenceRef { id: id.to_string(), name: format!("last lines of {name}"), bytes, sha256 });
        }
        drop(store);
        state.append(Event::Planned {
            plan: "p1".into(),
            incident: Some(INCIDENT.into()),
            instance: ONE,
            decision: Decision::Apply(OnFailure::Stop),
            steps: vec![],
            recommendations: vec![],
            distance: None,
        });
        state.append(Event::Outcome {
            plan: "p1".into(),
            step: 0,
            instance: ONE,
            outcome: Outcome::Done,
            reason: None,
            detail: "restarted".into(),
            measures: vec![],
            items_sha256: None,
            evidence,
            after_crash: false,
        });
        state
    }

    fn store(&self) -> Recordings {
        Recordings::open(self.0.path().join("evidence"), Retention::default()).unwrap()
    }

    fn append(&self, event: Event) {
        let (mut log, _) = Log::open(self.0.path().join("audit"), Options::default()).unwrap();
        let record = Record { at: Timestamp::from_millis(1_795_300_000_000), event };
        log.append(&serde_json::to_vec(&record).unwrap(), Durability::Synced).unwrap();
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        let files = std::fs::read_dir(self.0.path().join("evidence")).unwrap().flatten().map(|one| one.path());
        let end = format!(".p1.0.{name}.zst");
        files.into_iter().find(|path| path.to_string_lossy().ends_with(&end)).unwrap()
    }

    fn ansai(&self, arguments: &[&str]) -> Ran {
        let state_dir = self.0.path().to_str().unwrap();
        ansai(&[arguments, &["--state-dir", state_dir]].concat())
    }
}

fn document(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn evidence_is_listed_shown_and_compared() {
    let state = State::new(&["nginx", "php", "mysql", "redis"]);
    let listed = state.ansai(&["evidence"]).code(0).says("last lines of nginx").says(INCIDENT).says("kept");
    assert_eq!(listed.stdout.lines().count(), 4, "{}", listed.stdout);
    for wanted in [INCIDENT, "p1"] {
        let shown = state.ansai(&["evidence", wanted]).code(0).says("    nginx: exiting").says("0 of plan p1");
        assert!(!shown.stdout.contains('\u{1b}'), "{:?}", shown.stdout);
    }
    let all = document(&state.ansai(&["evidence", "--format", "json"]).code(0));
    assert!(all.as_array().unwrap().iter().all(|one| one["state"] == "kept" && one.get("content").is_none()), "{all}");
    let one = document(&state.ansai(&["evidence", "0123456789abcdef.p1.0.php", "--format", "json"]).code(0));
    assert_eq!(
        (one.as_array().unwrap().len(), &one[0]["content"], &one[0]["incident"]),
        (1, &TEXT.into(), &INCIDENT.into())
    );

    // Changed, removed by ansai, and removed by somebody else.
    std::fs::write(state.file("nginx"), zstd_of("nginx: all is well\n", &state)).unwrap();
    state.append(Event::EvidenceDropped { ids: vec!["0123456789abcdef.p1.0.mysql".into()], why: EvidenceDrop::Closed });
    for gone in ["mysql", "redis"] {
        std::fs::remove_file(state.file(gone)).unwrap();
    }
    let listed = state.ansai(&["evidence"]).code(4).says("CHANGED").says("MISSING").complains("changed or damaged");
    assert!(listed.stdout.contains("removed: its incident is closed") && listed.stdout.contains("kept"));
    let changed = state.ansai(&["evidence", INCIDENT]).code(4);
    assert!(!changed.stdout.contains("all is well"), "what proves nothing is not shown: {}", changed.stdout);
    let states: Vec<String> = document(&state.ansai(&["evidence", "--format", "json"]).code(4))
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["changed", "kept", "removed", "missing"]);
    state.ansai(&["audit", "show"]).code(0).says("captured 4 items").says("removed 1 item of evidence");
}

/// The file of another text, as the store writes it.
fn zstd_of(text: &str, state: &State) -> Vec<u8> {
    let elsewhere = tempfile::tempdir_in(state.0.path()).unwrap();
    let mut store = Recordings::open(elsewhere.path(), Retention::default()).unwrap();
    store.put(&"x".parse().unwrap(), "one", Class::Evidence, text.as_bytes()).unwrap();
    let is_item = |path: &Path| path.extension().is_some_and(|end| end == "zst");
    let files = std::fs::read_dir(elsewhere.path()).unwrap().flatten().map(|one| one.path());
    std::fs::read(files.into_iter().find(|path| is_item(path)).unwrap()).unwrap()
}

#[test]
fn what_the_log_does_not_name_is_unknown() {
    let state = State::new(&[]);
    state.ansai(&["evidence"]).code(0).says("no evidence yet");
    state
        .ansai(&["evidence", "one/other/1"])
        .code(2)
        .complains("names no evidence for one/other/1")
        .complains("hint: ");
    assert_eq!(document(&state.ansai(&["evidence", "--format", "json"]).code(0)), serde_json::json!([]));
}
