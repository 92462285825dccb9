//! Commands that read the state, and what they do if another user could have written it.

use crate::support::*;

/// Would break: a command that reads the state directory without the check.
#[test]
fn no_command_reads_a_state_directory_that_another_user_can_change() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    place.ansai(&["run", "policies", "--once"]).code(0);
    let recordings = place.ansai(&["recordings", "list", "--format", "json"]).code(0).stdout;
    let listed: serde_json::Value = serde_json::from_str(&recordings).unwrap();
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let commands: [&[&str]; 14] = [
        &["run", "policies", "--once"],
        &["run", "policies", "--once", "--mode", "observe"],
        &["undo", "20260101t000000-000-0000"],
        &["undo", "20260101t000000-000-0000", "--dry-run"],
        &["audit", "show"],
        &["audit", "verify"],
        &["audit", "export"],
        &["audit", "head"],
        &["audit", "key"],
        &["audit", "key", "--rotate"],
        &["recordings", "list"],
        &["recordings", "show", &id],
        &["recordings", "export", &id],
        &["replay", &id],
    ];
    for (path, mode, back) in
        [("state", 0o707, 0o700), ("state/audit", 0o702, 0o700), ("state/audit.key", 0o602, 0o600)]
    {
        permit(&place.path(path), mode);
        for command in commands {
            place.ansai(command).code(4).complains("error[state-directory]").complains("is writable by other users");
        }
        permit(&place.path(path), back);
    }
    place.ansai(&["audit", "verify"]).code(0);
}
