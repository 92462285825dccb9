//! Signed heads: printed, kept, compared, refused by name.

use std::path::PathBuf;

use ansai_audit::{Durability, Log, Options, Reader};

use crate::support::*;

/// A state with some records.
fn recorded() -> Scene {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    run(&place);
    place
}

fn run(place: &Scene) {
    place.ansai(&["run", "policies", "--once"]).code(0);
}

fn head(place: &Scene) -> String {
    place.ansai(&["audit", "head"]).code(0).stdout.trim().to_owned()
}

fn key(place: &Scene) -> String {
    place.ansai(&["audit", "key"]).code(0).stdout.trim().to_owned()
}

fn segment(place: &Scene) -> PathBuf {
    place.path("state/audit/00000000000000000001.log")
}

/// The verdict as a document, with its exit code.
fn verify(place: &Scene, more: &[&str]) -> (i32, serde_json::Value) {
    let ran = place.ansai(&[&["audit", "verify", "--format", "json"], more].concat());
    (ran.code, ran.json())
}

#[track_caller]
fn refused(place: &Scene, more: &[&str], code: i32, problem: &str) -> serde_json::Value {
    let (found, document) = verify(place, more);
    assert_eq!((found, document["problem"].as_str()), (code, Some(problem)), "{document:#}");
    assert_eq!((document["ok"].as_bool(), document["exit_code"].as_i64()), (Some(false), Some(i64::from(code))));
    assert!(!document["message"].as_str().unwrap().is_empty() && document["hint"].is_string(), "{document:#}");
    // The same for people.
    let ran = place.ansai(&[&["audit", "verify"], more].concat()).code(code);
    ran.complains("hint: ").complains(document["message"].as_str().unwrap().split(':').next().unwrap());
    document
}

#[test]
fn a_head_that_was_kept_holds_in_every_form() {
    let place = recorded();
    let (first, key) = (head(&place), key(&place));
    assert!(first.starts_with("ansai-audit-head-v1 log=") && first.contains(&format!(" key={key} ")), "{first}");
    let document = place.ansai(&["audit", "head", "--format", "json"]).code(0).json();
    assert_eq!(document["key"].as_str(), Some(key.as_str()));
    run(&place);
    let second = head(&place);
    let heads = place.write("heads", format!("# of this host\n{first}\n\n{second}\n"));
    let posted = place.write("posted", format!("{}\n", serde_json::to_string(&document).unwrap()));
    let plain = format!("{}:{}", document["sequence"], document["hash"].as_str().unwrap());
    for kept in [first.as_str(), heads.to_str().unwrap(), posted.to_str().unwrap(), &plain] {
        for with in [&["--head", kept][..], &["--head", kept, "--key", &key], &["--head", kept, "--head", &second]] {
            let (code, document) = verify(&place, with);
            assert_eq!((code, document["ok"].as_bool()), (0, Some(true)), "{document:#}");
        }
    }
    let (_, document) = verify(&place, &["--head", heads.to_str().unwrap()]);
    assert_eq!(document["compared_with"].as_array().unwrap().len(), 2);
    assert_eq!(document["keys"][0]["public_key"].as_str(), Some(key.as_str()));
    assert!(document["local_head"].is_string());
    let ran = place.ansai(&["audit", "verify", "--head", &first]).code(0);
    ran.says(": OK").says("matches 1 external head").says("matches the local head").says(&key);
    place.ansai(&["audit", "verify"]).code(0).says("no external head given");
}

#[test]
fn a_head_that_proves_nothing_is_exit_code_6_and_named() {
    let (place, other) = (recorded(), recorded());
    let (head, foreign, key, foreign_key) = (head(&place), head(&other), key(&place), key(&other));
    let (begin, digit) = head.split_at(head.len() - 1);
    let changed = format!("{begin}{}", if digit == "0" { "1" } else { "0" });
    refused(&place, &["--head", &changed], 6, "wrong-signature");
    let renumbered = head.replacen(" at_ms=1", " at_ms=2", 1);
    refused(&place, &["--head", &head, "--head", &renumbered], 6, "wrong-signature");
    refused(&place, &["--head", &head, "--key", &foreign_key], 6, "unknown-key");
    let document = refused(&place, &["--head", &foreign], 6, "other-log");
    assert_eq!(document["head"].as_str(), Some(foreign.as_str()));
    refused(&place, &["--head", &foreign, "--key", &key], 6, "unknown-key");
    // Of this log, but of a key that it does not name.
    std::fs::copy(place.path("state/audit.key"), place.path("kept.key")).unwrap();
    std::fs::copy(other.path("state/audit.key"), place.path("state/audit.key")).unwrap();
    let by_another = self::head(&place);
    refused(&place, &["--head", &by_another], 6, "unknown-key");
    let (code, _) = verify(&place, &["--head", &by_another, "--key", &key, "--key", &foreign_key]);
    assert_eq!(code, 0);
}

/// Whoever exchanges the log, its key and the local head together is found by a head and a key that were kept.
#[test]
fn a_log_that_was_exchanged_with_its_key_contradicts_what_was_kept() {
    let (place, other) = (recorded(), recorded());
    let (head, key, foreign_key) = (head(&place), key(&place), key(&other));
    std::fs::remove_dir_all(place.path("state")).unwrap();
    std::fs::rename(other.path("state"), place.path("state")).unwrap();
    let document = refused(&place, &["--head", &head, "--key", &key], 4, "replaced");
    assert_eq!(document["head"].as_str(), Some(head.as_str()));
    // Also for whoever trusts the new key as well, and if only the log was exchanged.
    refused(&place, &["--head", &head, "--key", &foreign_key, "--key", &key], 4, "replaced");
    std::fs::remove_file(place.path("state/audit.head")).unwrap();
    refused(&place, &["--head", &head, "--key", &key], 4, "replaced");
    // Without a key that was kept, the head proves nothing.
    refused(&place, &["--head", &head], 6, "other-log");
    // Without the log, nothing can be compared.
    std::fs::remove_dir_all(place.path("state/audit")).unwrap();
    refused(&place, &["--head", &head, "--key", &key], 4, "cut-below-head");
}

#[test]
fn what_is_no_head_is_wrong_usage() {
    let place = recorded();
    let head = head(&place);
    let cut = place.write("cut", format!("{head}\n{}", &head[..200]));
    let empty = place.write("empty", "\n");
    for (kept, words) in [
        ("nowhere", "neither a head nor a readable file"),
        (cut.to_str().unwrap(), "line 2: not a head"),
        (empty.to_str().unwrap(), "has no head"),
        ("{\"sequence\":3}", "not a head"),
        ("ansai-audit-head-v1 log=x", "not a head"),
    ] {
        place.ansai(&["audit", "verify", "--head", kept]).code(2).complains(words).complains("hint: ");
    }
    place.ansai(&["audit", "verify", "--key", "abc"]).code(2);
}

#[test]
fn a_cut_is_found_by_the_local_head_the_log_and_by_one_kept_elsewhere() {
    let place = recorded();
    let early = head(&place);
    run(&place);
    let (late, bytes) = (head(&place), std::fs::read(segment(&place)).unwrap());
    let (_, sound) = verify(&place, &[]);
    let last = sound["records"].as_u64().unwrap();
    // More than one bit of the last record, which might be a torn write.
    let mut damaged = bytes.clone();
    let at = damaged.len() - 3;
    damaged[at] ^= 0x41;
    std::fs::write(segment(&place), &damaged).unwrap();
    let found = refused(&place, &[], 4, "cut-below-head");
    assert_eq!(
        (found["sequence"].as_u64(), found["segment"].as_str()),
        (Some(last), segment(&place).file_name().unwrap().to_str())
    );
    let offset = usize::try_from(found["offset"].as_u64().unwrap()).unwrap();
    assert!(offset < at && bytes[offset + 8..offset + 16] == last.to_le_bytes(), "{found:#}");
    place.ansai(&["run", "policies", "--once"]).code(4).complains("was known to reach").complains("hint: ");
    assert_eq!(std::fs::read(segment(&place)).unwrap(), damaged, "nothing was cut off");
    place.ansai(&["audit", "head"]).code(4);
    // Without the head beside it the end looks torn; a head kept elsewhere tells, an earlier one does not.
    std::fs::rename(place.path("state/audit.head"), place.path("kept.head")).unwrap();
    let (code, document) = verify(&place, &["--head", &early]);
    assert!(code == 0 && document["torn_tail_bytes"].as_u64().unwrap() > 0, "{document:#}");
    refused(&place, &["--head", &early, "--head", &late], 4, "cut-below-head");
    // One flipped bit is told from a torn write without any head.
    let mut flipped = bytes.clone();
    flipped[at] ^= 0x40;
    std::fs::write(segment(&place), &flipped).unwrap();
    assert_eq!(refused(&place, &[], 4, "checksum")["offset"].as_u64(), Some(offset as u64));
    // All of it taken away.
    std::fs::remove_dir_all(place.path("state/audit")).unwrap();
    assert_eq!(verify(&place, &[]).0, 0, "nothing says that there was anything");
    refused(&place, &["--head", &early], 4, "cut-below-head");
    std::fs::rename(place.path("kept.head"), place.path("state/audit.head")).unwrap();
    refused(&place, &[], 4, "cut-below-head");
    place.ansai(&["run", "policies", "--once"]).code(4).complains("was known to reach");
}

#[test]
fn a_log_that_was_written_anew_is_found() {
    let place = recorded();
    let head = head(&place);
    let directory = place.path("state/audit");
    let mut payloads: Vec<Vec<u8>> = Reader::open(&directory).unwrap().map(|entry| entry.unwrap().payload).collect();
    let before = payloads.len();
    let mut write_anew = |changed: usize| {
        let text = String::from_utf8(payloads[changed].clone()).unwrap();
        payloads[changed] = text.replacen("\"at\":1", "\"at\":2", 1).into_bytes();
        std::fs::remove_dir_all(&directory).unwrap();
        let (mut log, _) = Log::open(&directory, Options { reserve_bytes: 0, ..Options::default() }).unwrap();
        for payload in &payloads {
            log.append(payload, Durability::Synced).unwrap();
        }
    };
    write_anew(before - 1);
    refused(&place, &["--head", &head], 4, "rewritten");
    refused(&place, &[], 4, "rewritten");
    place.ansai(&["run", "policies", "--once"]).code(4).complains("rewritten");
    // From its first record on it is another log.
    write_anew(0);
    refused(&place, &["--head", &head], 6, "other-log");
    place.ansai(&["run", "policies", "--once"]).code(4).complains("one of them was replaced");
    std::fs::remove_file(place.path("state/audit.head")).unwrap();
    assert_eq!(verify(&place, &[]).0, 0, "whoever has this host can write all of it anew");
}

#[test]
fn a_local_head_the_log_that_was_changed_is_refused() {
    let place = recorded();
    let text = std::fs::read_to_string(place.path("state/audit.head")).unwrap();
    std::fs::write(place.path("state/audit.head"), text.replacen("at_ms=1", "at_ms=2", 1)).unwrap();
    refused(&place, &[], 6, "wrong-signature");
    place.ansai(&["run", "policies", "--once"]).code(4).complains("invalid signature").complains("hint: ");
    std::fs::write(place.path("state/audit.head"), "").unwrap();
    refused(&place, &[], 6, "not-a-head");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let place = Scene::new();
    place.ansai(&["audit", "key"]).code(1).complains("no audit key").complains("ansai run");
    place.policy("p", &quiet("p"));
    run(&place);
    let key = place.path("state/audit.key");
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&key).unwrap()) & 0o7777, 0o600);
    permit(&key, 0o640);
    for verb in [&["audit", "key"][..], &["audit", "head"], &["run", "policies", "--once"]] {
        place.ansai(verb).code(4).complains("is readable or writable by other users").complains("hint: ");
    }
    // What is checked needs no key.
    place.ansai(&["audit", "verify"]).code(0);
}

#[test]
fn a_key_is_exchanged_in_the_open() {
    let place = recorded();
    let (old_key, old_head) = (key(&place), head(&place));
    permit(&place.state_dir(), 0o702);
    place.ansai(&["audit", "key", "--rotate"]).code(4).complains("error[state-directory]");
    permit(&place.state_dir(), 0o700);
    assert_eq!(key(&place), old_key);
    let ran = place.ansai(&["audit", "key", "--rotate"]).code(0).says(&old_key);
    let new_key = key(&place);
    assert!(ran.stdout.starts_with(&new_key) && new_key != old_key);
    run(&place);
    let ran = place.ansai(&["audit", "verify", "--head", &old_head]).code(0);
    ran.says(&old_key).says("signed by the key before it");
    refused(&place, &["--head", &old_head, "--key", &new_key], 6, "unknown-key");
    refused(&place, &["--head", &head(&place), "--key", &old_key], 6, "unknown-key");
    let all = ["audit", "verify", "--head", &old_head, "--head", &head(&place), "--key", &old_key, "--key", &new_key];
    place.ansai(&all).code(0);
    // A key that is put there by hand shows, too.
    std::fs::remove_file(place.path("state/audit.key")).unwrap();
    run(&place);
    place.ansai(&["audit", "verify"]).code(0).says("NOT signed by the key before it");
    place.ansai(&["audit", "show"]).code(0).says(&format!("replaces {new_key}, NOT signed by the old key"));
}

#[test]
fn heads_are_sent_where_the_configuration_says() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    let heads = place.path("heads");
    let config = place.write("ansai.toml", format!("[audit.export]\nfile = \"{}\"\n[policy.p]\n", heads.display()));
    let run = ["run", "policies", "--once", "--config", "ansai.toml"];
    place.ansai(&run).code(0);
    let kept = std::fs::read_to_string(&heads).unwrap();
    assert_eq!(kept.lines().count(), 1);
    place.ansai(&["run", "policies", "--once"]).code(0);
    place.ansai(&["audit", "verify", "--head", heads.to_str().unwrap(), "--key", &key(&place)]).code(0);
    // Whoever can write the configuration could have a command run, also where nothing is enforced.
    permit(&config, 0o666);
    let observing = [&run[..], &["--mode", "observe"]].concat();
    place.ansai(&observing).code(4).complains("refusing to use [audit]").complains("chmod go-w");
    place.ansai(&["check", "policies", "--config", "ansai.toml"]).code(4).says("error");
}
