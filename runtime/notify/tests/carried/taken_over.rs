//! A process that was taken over: it speaks the protocol and does its worst.

use std::time::Duration;

use ansai_harness::until;
use ansai_notify::channel::{Fault, Receipt};
use ansai_notify::message::Kind;
use serde_json::json;

use crate::fixture::{PASSWORD, Place, file, message, send};
use crate::scene::{LONG, Outgoing, channel, mail, process};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// One message, sent by such a process.
fn sent(manner: &str) -> Result<Receipt, Fault> {
    send(&*channel(mail(1), Some(&process(manner, "ops"))), &message(Kind::Opened), LONG)
}

/// Would break: a reply that counts for another message than the one that was passed to the process.
pub(crate) fn what_breaks_the_protocol_delivers_nothing() {
    for manner in ["other-number", "earlier-number", "no-json", "huge", "dies", "other-type", "lost"] {
        let mut outgoing = Outgoing::new();
        let message = outgoing.begin().unwrap();
        let lost = send(&*channel(mail(1), Some(&process(manner, "ops"))), &message, LONG);
        assert!(matches!(&lost, Err(Fault::Unknown { why }) if why.len() < 500), "{manner}: {lost:?}");
        outgoing.conclude(&message, &lost);
        let again = outgoing.begin().unwrap();
        assert!(again.id == message.id && again.may_repeat, "{manner}");
    }
    // The first reply counts, a second one ends the process.
    let sends = process("twice", "ops");
    let twice = send(&*channel(mail(1), Some(&sends)), &message(Kind::Opened), LONG);
    assert!(matches!(&twice, Err(Fault::Later { why, .. }) if why == "once"), "{twice:?}");
    until("the process ends", LONG, || sends.id().is_none().then_some(()));
}

pub(crate) fn what_it_says_is_masked_and_bounded() {
    let long = sent("long");
    assert!(matches!(&long, Err(Fault::Unknown { why }) if why.len() < 500), "an answer of 1 MiB");
    let Err(Fault::Later { after, why }) = sent("talks") else { panic!("not as it says") };
    assert_eq!(after, Some(DAY));
    // 4,096 characters, and a control character is told with six.
    assert!(why.len() <= 6 * 4_100 && !why.contains('\u{1b}'), "{}", why.len());
}

/// Would break: a secret that comes back, or the key of a signature that leaves the supervisor.
pub(crate) fn it_gets_what_it_needs_and_no_more() {
    let place = Place::new();
    let key = "a-key-for-signatures-only";
    let (token, key_file) = (place.write("token", PASSWORD), place.write("key", key));
    let settings =
        json!({ "kind": "webhook", "url": "http://127.0.0.1:1/x", "token": file(&token), "secret": file(&key_file) });
    let told = send(&*channel(settings, Some(&process("tells", "ops"))), &message(Kind::Opened), LONG);
    let Err(Fault::Later { why, .. }) = told else { panic!("{told:?}") };
    // The request has a signature instead of its key, and the token, which is masked here.
    assert!(why.contains("***") && why.contains("ansai-signature"), "{why}");
    use base64::Engine as _;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    for secret in [PASSWORD, key] {
        assert!(!why.contains(secret) && !why.contains(&encode(secret)), "{why}");
    }
    assert!(!why.contains(&key_file.display().to_string()), "{why}");
    let Err(Fault::Later { why, .. }) = sent("reads") else { panic!("not as it says") };
    assert!(!why.contains("could be"), "{why}");
}

/// Would break: one process for all channels, which a mail server takes over to learn the secrets of the others.
pub(crate) fn each_channel_has_a_process_of_its_own() {
    let (one, other) = (process("reads", "ops"), process("reads", "db"));
    for sends in [&one, &other] {
        let told = send(&*channel(mail(1), Some(sends)), &message(Kind::Opened), LONG);
        assert!(told.is_err());
    }
    let ids = [&one, &other].map(|sends| sends.id().unwrap());
    assert_ne!(ids[0], ids[1]);
    let user = |id: i32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        status.lines().find(|line| line.starts_with("Uid:")).unwrap().to_owned()
    };
    let is_named = std::fs::read_to_string("/etc/passwd").unwrap().lines().any(|line| line.starts_with("ansai-reach:"));
    if rustix::process::geteuid().is_root() && !is_named {
        assert_ne!(user(ids[0]), user(ids[1]));
    }
}
