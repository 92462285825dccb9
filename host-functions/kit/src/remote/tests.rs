#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use ansai_core::{Scope, Timestamp};
use serde::{Deserialize, Serialize};

use super::*;
use crate::host::{Deadline, Host};
use crate::target::Reach;

#[derive(Serialize, Deserialize)]
struct Arguments {
    names: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Entry {
    Length(usize),
    Failed(String, Refusal),
}

static LENGTHS: Batch<Arguments, String, Entry> = Batch {
    parts: |arguments| arguments.names,
    server: |name| Server::Target(name.clone()),
    call: |_, name| match name.len() {
        0 => Err(Refusal::Invalid("empty".into())),
        length => Ok(Entry::Length(length)),
    },
    refused: |name, refusal| Entry::Failed(name.clone(), refusal),
};

fn text(value: &serde_json::Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

/// Answers all parts one after another.
fn answered(function: &dyn RemoteFunction, arguments: &serde_json::Value) -> Reply {
    let (host, scope, deadline) = (Host::at("/"), Scope::default(), Deadline::after(Duration::from_secs(60)));
    let ask =
        ProbeContext { host: &host, scope: &scope, reach: Reach::none(), now: Timestamp::EPOCH, deadline: &deadline };
    match function.split(&text(arguments))? {
        Parts::One(part) => (part.call)(&ask).or_else(part.refused),
        Parts::Each(parts) => {
            let answers: Vec<_> =
                parts.into_iter().map(|part| (part.call)(&ask).or_else(part.refused)).collect::<Result<_, _>>()?;
            Parts::join(answers.iter().map(AsRef::as_ref))
        }
    }
}

#[test]
fn a_batch_answers_for_each_part_in_order() {
    let reply = answered(&LENGTHS, &serde_json::json!({ "names": ["four", "", "a"] })).unwrap();
    let entries: Vec<Entry> = serde_json::from_str(reply.get()).unwrap();
    let failed = Entry::Failed(String::new(), Refusal::Invalid("empty".into()));
    assert_eq!(entries, [Entry::Length(4), failed, Entry::Length(1)]);
    assert_eq!(answered(&LENGTHS, &serde_json::json!({ "names": [] })).unwrap().get(), "[]");
}

#[test]
fn a_single_call_answers_or_is_refused() {
    static LENGTH: Remote<Arguments, usize> = Remote {
        server: |arguments| Server::Address(arguments.names.concat()),
        call: |_, arguments| match arguments.names.len() {
            0 => Err(Refusal::Unavailable("nobody".into())),
            length => Ok(length),
        },
    };
    assert_eq!(answered(&LENGTH, &serde_json::json!({ "names": ["a", "b"] })).unwrap().get(), "2");
    let refused = answered(&LENGTH, &serde_json::json!({ "names": [] })).unwrap_err();
    assert_eq!(refused, Refusal::Unavailable("nobody".into()));
    let Parts::One(part) = LENGTH.split(&text(&serde_json::json!({ "names": ["a", "b"] }))).unwrap() else { panic!() };
    assert_eq!(part.server, Server::Address("ab".into()));
}

#[test]
fn arguments_that_make_no_sense_are_invalid() {
    let many = vec!["a"; MOST_PARTS + 1];
    for arguments in [serde_json::json!({}), serde_json::json!([1]), serde_json::json!({ "names": many })] {
        assert!(matches!(answered(&LENGTHS, &arguments), Err(Refusal::Invalid(_))), "{arguments}");
    }
    let most = vec!["a"; MOST_PARTS];
    assert!(answered(&LENGTHS, &serde_json::json!({ "names": most })).is_ok());
}

#[test]
fn names_of_servers_are_safe_for_terminals() {
    assert_eq!(Server::Target("main-db".into()).to_string(), "target `main-db`");
    assert!(!Server::Address("a\u{1b}[2J".into()).to_string().contains('\u{1b}'));
}
