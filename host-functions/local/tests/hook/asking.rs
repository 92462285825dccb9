//! `ask`: what a program says, and what it cannot do.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, Instant};

use ansai_core::Refusal;
use ansai_core::hook::Does;
use ansai_harness::requires_root;
use ansai_kit::host::Deadline;
use serde_json::json;

use crate::scene::{LONG, Scene, command, has_ended, hook, process_in};

const READS: Does = Does::Reads;

#[test]
fn exit_codes_mean_what_monitoring_plugins_mean() {
    let scene = Scene::new();
    for (code, healthy) in [
        (0, json!(true)),
        (1, json!(false)),
        (2, json!(false)),
        (3, json!(null)),
        (4, json!(null)),
        (126, json!(null)),
        (255, json!(null)),
    ] {
        scene.add_script("code", READS, &format!("echo it says; echo oops >&2; exit {code}"));
        let answer = scene.ask("code").unwrap();
        assert_eq!((&answer["healthy"], &answer["exit-code"]), (&healthy, &json!(code)), "{answer}");
        assert_eq!((&answer["message"], &answer["http-status"]), (&json!("it says"), &json!(null)));
        assert_eq!(answer["about"], json!({ "kind": "hook", "name": "code" }));
    }
    scene.add_script("killed", READS, "kill -9 $$");
    let answer = scene.ask("killed").unwrap();
    assert_eq!((&answer["healthy"], &answer["exit-code"]), (&json!(null), &json!(null)));
    assert_eq!(answer["message"], "ended by signal 9");
}

#[test]
fn an_object_is_facts_and_binary_or_huge_output_is_none() {
    let scene = Scene::new();
    scene.add_script("object", READS, r#"echo '{"healthy": false, "busy": 3, "heap": {"value": 5, "unit": "bytes"}}'"#);
    let answer = scene.ask("object").unwrap();
    assert_eq!(answer["healthy"], json!(false));
    assert_eq!(answer["facts"][0], json!({ "name": "busy", "value": { "count": 3 }, "unit": "none" }));
    assert_eq!(answer["facts"][1]["unit"], "bytes");
    // 10 MiB, of which an object is the beginning.
    scene.add_script("huge", READS, r#"echo '{"healthy": true,'; yes '"a": 1,' | head -c 10485760; echo '"b": 2}'"#);
    let answer = scene.ask("huge").unwrap();
    assert_eq!((&answer["facts"], &answer["healthy"]), (&json!([]), &json!(null)));
    assert!(answer.to_string().len() < 2_000);
    scene.add_script("binary", READS, "head -c 100000 /dev/urandom; printf '\\033[2J\\0\\r\\n'");
    let answer = scene.ask("binary").unwrap();
    let message = answer["message"].as_str().unwrap();
    assert!(message.chars().count() <= 501 && !message.chars().any(char::is_control), "{message:?}");
    scene.add_script("secrets", READS, "echo password=swordfish9; echo '{' >&2");
    assert_eq!(scene.ask("secrets").unwrap()["message"], "password=***");
}

/// Would break: masks that make an object unreadable, so that its `healthy` is lost.
#[test]
fn a_secret_in_an_object_hides_no_word_of_it() {
    let scene = Scene::new();
    for (object, secret) in [
        (r#"{"healthy":false,"token":5551234}"#, "5551234"),
        (r#"{"message":"got Cookie: a=sword7fish","healthy":false}"#, "sword7fish"),
        (r#"{"password":"swordfish9","healthy":false}"#, "swordfish9"),
    ] {
        scene.add_script("masked", READS, &format!("cat << 'END'\n{object}\nEND"));
        let answer = scene.ask("masked").unwrap();
        assert_eq!((&answer["healthy"], &answer["exit-code"]), (&json!(false), &json!(0)), "{answer}");
        assert!(!answer.to_string().contains(secret), "{answer}");
    }
    // No object, and one of more than 64 KiB in one line.
    for text in [
        r#"echo '{"healthy": false,}'"#,
        r#"printf '{"healthy": false, "a": "'; head -c 100000 /dev/zero | tr '\0' x; echo '"}'"#,
    ] {
        scene.add_script("lost", READS, text);
        let answer = scene.ask("lost").unwrap();
        assert_eq!((&answer["healthy"], &answer["exit-code"]), (&json!(null), &json!(0)), "{answer}");
    }
}

/// Would break: a limit that only the program itself obeys.
#[test]
fn what_hangs_is_ended_with_all_that_it_has_started() {
    let scene = Scene::new();
    let text = "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > HERE/child; exec sleep 1000' & echo waiting; \
                echo $$ > HERE/parent; while :; do sleep 1; done";
    scene.add_script("hangs", READS, text);
    scene.limit("hangs", 300);
    let refused = scene.ask("hangs").unwrap_err();
    assert!(matches!(&refused, Refusal::TimedOut(why) if why.contains("waiting")), "{refused}");
    for name in ["child", "parent"] {
        assert!(has_ended(process_in(&scene.open(name))), "{name}");
    }
    // The time of the call is over before that of the hook.
    scene.add_script("hangs", READS, text);
    let (began, deadline) = (Instant::now(), Deadline::after(Duration::from_millis(200)));
    assert!(matches!(scene.ask_until("hangs", json!([]), &deadline), Err(Refusal::TimedOut(_))));
    assert!(began.elapsed() < LONG);
    // Nobody waits for it any more.
    let deadline = Deadline::after(LONG);
    let cancelled = deadline.clone();
    let cancels = std::thread::spawn({
        let path = scene.open("late");
        move || {
            process_in(&path);
            cancelled.cancel();
        }
    });
    scene.add_script("late", READS, "echo $$ > HERE/late; exec sleep 1000");
    assert!(matches!(scene.ask_until("late", json!([]), &deadline), Err(Refusal::TimedOut(_))));
    cancels.join().unwrap();
    assert!(has_ended(process_in(&scene.open("late"))));
}

#[test]
fn a_background_process_that_keeps_the_output_open_is_not_waited_for() {
    let scene = Scene::new();
    scene.add_script("forks", READS, "for i in 1 2 3; do sleep 1000 & done; echo '{\"forked\": 3}'");
    let answer = scene.ask("forks").unwrap();
    assert_eq!((&answer["healthy"], &answer["facts"][0]["value"]["count"]), (&json!(true), &json!(3)));
}

#[test]
fn a_program_gets_nothing_but_its_arguments() {
    let scene = Scene::new();
    scene.add_script("around", READS, "echo \"{\\\"user\\\": \\\"$(id -un)\\\", \\\"where\\\": \\\"$(pwd)\\\", \\\"vars\\\": \
        $(env | grep -cv -e ^PATH= -e ^LANG= -e ^PWD= -e ^SHLVL= -e ^_= -e ^OLDPWD=), \\\"mask\\\": \\\"$(umask)\\\"}\"");
    let answer = scene.ask("around").unwrap();
    let value = |index: usize| &answer["facts"][index]["value"];
    assert_eq!(value(0)["text"], crate::scene::user(), "{answer}");
    assert_eq!((&value(1)["text"], &value(2)["count"], &value(3)["text"]), (&json!("/"), &json!(0), &json!("0077")));
}

#[test]
fn what_others_can_change_is_not_run() {
    let scene = Scene::new();
    scene.add_script("fine", READS, "exit 0");
    let asked = |scene: &Scene| scene.ask("fine");
    assert!(asked(&scene).is_ok());
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let untrusted = |scene: &Scene| {
        let refused = asked(scene).unwrap_err();
        assert!(matches!(&refused, Refusal::Unavailable(why) if why.contains("untrusted-program")), "{refused}");
    };
    mode(&scene.path("fine"), 0o757);
    untrusted(&scene);
    mode(&scene.path("fine"), 0o755);
    mode(&scene.path(""), 0o777);
    untrusted(&scene);
    mode(&scene.path(""), 0o755);
    // A link in a directory that everybody can write leads to a program that nobody can.
    symlink(scene.path("fine"), scene.open("link")).unwrap();
    scene.add("fine", hook(READS, command(&[scene.open("link").to_str().unwrap()])));
    untrusted(&scene);
    for (path, code) in
        [("/nonexistent/x", "program-start"), ("/etc", "program-start"), ("/etc/passwd", "program-start")]
    {
        scene.add("fine", hook(READS, command(&[path])));
        let refused = asked(&scene).unwrap_err().to_string();
        assert!(refused.contains(code) || refused.contains("user-switch"), "{path}: {refused}");
    }
}

#[test]
fn a_user_is_never_root_by_another_name() {
    if !requires_root() {
        return;
    }
    let scene = Scene::new();
    scene.add_script("who", READS, "id -u");
    for (name, part) in [("no-such-user-here", "no user is named"), ("0", "no user is named")] {
        scene.change("who", |access| {
            let ansai_core::hook::HookCall::Command { user, .. } = &mut access.hook.call else { panic!() };
            name.clone_into(user);
        });
        let refused = scene.ask("who").unwrap_err();
        assert!(matches!(&refused, Refusal::Unavailable(why) if why.contains(part)), "{refused}");
    }
}

#[test]
fn only_what_reads_is_asked_and_only_as_the_operator_lists_it() {
    let scene = Scene::new();
    scene.add_script("acts", Does::Acts, "touch HERE/acted");
    assert!(matches!(scene.ask("acts"), Err(Refusal::Denied(_))));
    assert!(!scene.open("acted").exists());
    assert!(matches!(scene.ask("nothing"), Err(Refusal::NotFound(_))));
    scene.add_script("plain", READS, "exit 0");
    let deadline = Deadline::after(LONG);
    let lie = json!([{ "name": "x\u{1b}", "value": "$(id)" }]);
    assert!(matches!(scene.ask_until("plain", lie, &deadline), Err(Refusal::Invalid(_))));
    let lie = json!([{ "name": "x", "value": "y", "user": "root" }]);
    assert!(scene.ask_until("plain", lie, &deadline).is_err());
    let mut untrusted = scene;
    untrusted.untrusted = Some("ansai.toml can be changed");
    assert!(matches!(untrusted.ask("plain"), Err(Refusal::Denied(why)) if why.contains("ansai.toml")));
}
