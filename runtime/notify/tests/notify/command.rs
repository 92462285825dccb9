//! Commands of the operator.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use ansai_notify::channel::Fault;
use ansai_notify::message::Kind;
use serde_json::{Value, json};

use crate::fixture::{Place, channel, hostile, message, send};

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn a_command_reads_json_and_says_how_it_went() {
    let place = Place::new();
    let out = place.path().join("out");
    let script = place.write("page", &format!("#!/bin/sh\ncat > {}\ntest \"$1\" = now || exit 65\n", out.display()));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let page = channel(json!({ "kind": "command", "command": [script, "now"] }));
    send(&*page, &hostile(), LIMIT).unwrap();
    let document: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!((&document["format"], &document["id"]), (&json!(1), &json!("m-2")));
    assert_eq!(document["notices"][0]["kind"], "held");
    let never = channel(json!({ "kind": "command", "command": [script, "later"] }));
    assert!(matches!(send(&*never, &message(Kind::Test), LIMIT), Err(Fault::Never { .. })));
}

#[test]
fn a_command_that_hangs_is_ended() {
    let page = channel(json!({ "kind": "command", "command": ["/bin/sleep", "60"] }));
    let fault = send(&*page, &message(Kind::Test), Duration::from_millis(200)).unwrap_err();
    assert!(matches!(fault, Fault::Unknown { .. }), "{fault}");
}

#[test]
fn a_template_writes_what_the_command_reads() {
    let place = Place::new();
    let template = place.write("page.txt", "{{ subject }}\n{% for one in notices %}{{ one.summary }}\n{% endfor %}");
    let out = place.path().join("out");
    let script = place.write("page", &format!("#!/bin/sh\ncat > {}\n", out.display()));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let page = channel(json!({ "kind": "command", "command": [script], "template": template }));
    send(&*page, &message(Kind::Opened), LIMIT).unwrap();
    let text = std::fs::read_to_string(out).unwrap();
    assert_eq!(text, "[ansai] web1: CRITICAL disk /var\n/var is 93.7 % full: 1.20 GiB available.\n");
}
