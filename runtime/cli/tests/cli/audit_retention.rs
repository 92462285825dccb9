//! A log whose beginning was dropped: what `audit verify` says of it, and the name of each way to cheat.

use std::path::PathBuf;

use ansai_audit::{
    Beginning, DropReason, DropRequest, Durability, Fault, Key, Log, Options, PendingDrop, Reader, sealed,
};
use ansai_core::event::Record;
use ansai_core::{Event, Timestamp};
use ansai_storage::Directory;

use crate::support::*;

const SEGMENTS: Options =
    Options { segment_bytes: 400, reserve_bytes: 0, check: ansai_audit::Check::Everything, known: None };

/// A log of several segments, whose key is that of the state directory.
fn recorded() -> Scene {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    place.ansai(&["run", "policies", "--once"]).code(0);
    more(&place);
    place
}

fn directory(place: &Scene) -> Directory {
    Directory::open(place.path("state/audit")).unwrap()
}

fn more(place: &Scene) {
    let (mut log, _) = Log::open(directory(place), SEGMENTS).unwrap();
    for number in 0..12 {
        record(&mut log, &Event::Stopping { why: number.to_string() });
    }
}

fn record(log: &mut Log, event: &Event) {
    let record = Record { at: Timestamp::from_millis(1_790_000_000_000), event: event.clone() };
    log.append(&serde_json::to_vec(&record).unwrap(), Durability::Synced).unwrap();
}

fn drop_some(place: &Scene, archive: Option<&Directory>, is_recorded: bool) -> Beginning {
    let key = Key::read(place.path("state/audit.key")).unwrap().unwrap();
    let first = sealed(&directory(place)).unwrap()[2].name;
    let request = DropRequest { first, reason: DropReason::Age, archive, at_ms: 1_790_000_000_000 };
    let pending = PendingDrop::begin(&directory(place), request, &key).unwrap();
    let beginning = pending.beginning().clone();
    if is_recorded {
        let dropped = &beginning.dropped;
        let event = Event::AuditDropped {
            from: dropped.from,
            first: dropped.first,
            previous: hex::encode(dropped.previous),
            reason: dropped.reason.to_string(),
            archived: archive.is_some(),
            public_key: beginning.key.to_string(),
        };
        record(&mut Log::open(directory(place), SEGMENTS).unwrap().0, &event);
    }
    pending.remove().unwrap();
    beginning
}

fn signed(place: &Scene) -> PathBuf {
    place.path("state/audit/beginning")
}

#[track_caller]
fn verify(place: &Scene, more: &[&str], code: i32) -> serde_json::Value {
    let ran = place.ansai(&[&["audit", "verify", "--format", "json"], more].concat());
    assert_eq!(ran.code, code, "{:#}", ran.json());
    ran.json()
}

#[track_caller]
fn cheats(place: &Scene, problem: &str) {
    let document = verify(place, &[], 4);
    assert_eq!(document["problem"], problem, "{document:#}");
    place.ansai(&["audit", "verify"]).code(4).complains("hint: ").complains(&format!("audit-{problem}"));
}

#[test]
fn heads_of_before_are_answered_honestly() {
    let place = recorded();
    let head = |sequence: u64| {
        let entry = Reader::from_sequence(directory(&place), sequence).unwrap().next().unwrap().unwrap();
        entry.head().to_string()
    };
    let (early, late) = (head(1), head(14));
    let archive = Directory::create(place.path("archive")).unwrap();
    let beginning = drop_some(&place, Some(&archive), true);
    let document = verify(&place, &["--head", &late], 0);
    assert_eq!(document["beginning"], beginning.to_string());
    let document = verify(&place, &["--head", &early, "--head", &late], 0);
    assert_eq!(document["before_the_kept_part"], serde_json::json!([early]));
    let says = place.ansai(&["audit", "verify", "--head", &early, "--head", &late]).code(0);
    says.says("begins with record").says("1 head before the kept part").says("archived");
    assert_eq!(verify(&place, &["--head", &early], 6)["problem"], "before-the-kept-part");
    // With the archive, it is compared.
    let path = place.path("archive");
    let document = verify(&place, &["--head", &early, "--archive", path.to_str().unwrap()], 0);
    assert_eq!(
        (&document["beginning"], &document["before_the_kept_part"]),
        (&serde_json::Value::Null, &serde_json::json!([]))
    );
    // The next run goes on.
    place.ansai(&["run", "policies", "--once"]).code(0);
    verify(&place, &["--head", &late, "--archive", path.to_str().unwrap()], 0);
}

#[test]
fn each_way_to_cheat_has_a_code_of_its_own() {
    let place = recorded();
    let first = sealed(&directory(&place)).unwrap()[0].name.to_string();
    let bytes = std::fs::read(place.path("state/audit").join(&first)).unwrap();
    std::fs::remove_file(place.path("state/audit").join(&first)).unwrap();
    cheats(&place, "beginning-missing");
    place.ansai(&["run", "policies", "--once"]).code(4);
    std::fs::write(place.path("state/audit").join(&first), bytes).unwrap();

    drop_some(&place, None, true);
    let older = std::fs::read(signed(&place)).unwrap();
    more(&place);
    let archive = Directory::create(place.path("archive")).unwrap();
    let later = drop_some(&place, Some(&archive), true);
    let newest = std::fs::read(signed(&place)).unwrap();
    verify(&place, &[], 0);

    // An older one, together with everything that it names.
    let copied: Vec<String> = archive.names().unwrap().into_iter().filter(|name| name.ends_with(".log")).collect();
    for name in &copied {
        std::fs::copy(place.path("archive").join(name), place.path("state/audit").join(name)).unwrap();
    }
    std::fs::write(signed(&place), &older).unwrap();
    cheats(&place, "beginning-replayed");
    place.ansai(&["run", "policies", "--once"]).code(4);
    copied.iter().for_each(|name| std::fs::remove_file(place.path("state/audit").join(name)).unwrap());

    // The same record, signed by somebody else.
    std::fs::write(signed(&place), format!("{}\n", Beginning::new(later.dropped, &Key::from_seed([9; 32])))).unwrap();
    cheats(&place, "beginning-forged");
    std::fs::write(signed(&place), "forged\n").unwrap();
    cheats(&place, "beginning-forged");
    std::fs::write(signed(&place), newest).unwrap();
    verify(&place, &[], 0);

    let first = sealed(&directory(&place)).unwrap()[0].name.to_string();
    std::fs::remove_file(place.path("state/audit").join(first)).unwrap();
    cheats(&place, "beginning-exceeded");
}

/// Whoever has the key, and does not write to the log.
#[test]
fn a_drop_that_the_log_does_not_record_is_forged() {
    let place = recorded();
    drop_some(&place, None, false);
    cheats(&place, "beginning-forged");
    let kept = ansai_audit::verify(directory(&place), None).unwrap();
    assert!(kept.beginning.is_some(), "the log alone does not show it");
    assert_eq!(Fault::BeginningForged { why: String::new() }.name(), "beginning-forged");
}
