//! What `ansai check` and a start say about hooks.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::*;

#[test]
fn check_names_hooks_that_cannot_be_called() {
    let place = Scene::new();
    place.policy("p", &sees("p"));
    let grants = place.ansai(&["check", "policies", "--suggest-grants"]).code(0).stdout;
    place.write("program", "#!/bin/sh\ntouch \"$0.ran\"\n");
    let (program, mode) = (place.path("program"), std::fs::Permissions::from_mode);
    std::fs::set_permissions(&program, mode(0o755)).unwrap();
    let hook = |program: &str, user: &str| {
        let hook = format!("[hook.look]\ncommand = [{program:?}]\nuser = {user:?}\ndoes = \"reads\"\n");
        place.write("ansai.toml", format!("{hook}{grants}"));
        place.ansai(&["check", "policies", "--config", "ansai.toml"])
    };
    let path = program.to_str().unwrap();
    hook(path, "nobody").code(0).says("ok     [hook.look], reads as nobody, limit 10 s\n");
    let ran = hook(path, "no-such-user-here").code(2).says("error  [hook.look]");
    ran.complains("unknown-user").complains("no user is named `no-such-user-here`").complains("ansai.toml:3");
    hook("/nonexistent/program", "nobody").code(2).complains("program-start").complains("ansai.toml:2");
    std::fs::set_permissions(&program, mode(0o757)).unwrap();
    hook(path, "nobody").code(2).complains("untrusted-program").complains("chmod");
    // At the start it is a warning: only what needs the hook is unavailable.
    let ran = place.ansai(&["run", "policies", "--once", "--config", "ansai.toml", "--state-dir", "state"]);
    ran.complains("[hook.look] cannot be called");
    assert!(!place.path("program.ran").exists(), "nothing was run");
}
