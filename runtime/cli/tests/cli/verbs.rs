//! Every verb that asks the daemon: with one that runs, with none, with one that starts, and with one that hangs.

use std::collections::BTreeSet;

use rustix::process::Signal;

use crate::orders::{LIMIT, configured, daemon};
use crate::support::*;

/// The arguments, and whether the verb changes something. Each of them is answered on a host without incidents and plans,
/// also if the answer is that there is nothing.
const VERBS: &[(&[&str], bool)] = &[
    (&["status"], false),
    (&["pauses"], false),
    (&["plans"], false),
    (&["plan", "1-1-1"], false),
    (&["approve", "1-1-1"], true),
    (&["reject", "1-1-1", "--reason", "a test"], true),
    (&["pause", "p", "1h", "--reason", "a test"], true),
    (&["silence", "k", "1h", "--reason", "a test"], true),
    (&["resume", "other"], true),
    (&["retry", "k"], true),
    (&["incidents"], false),
    (&["incidents", "p/k/1"], false),
    (&["feedback", "p/k/1", "--helpful"], true),
    (&["history"], false),
    (&["report"], false),
    (&["promote"], false),
    (&["undo", "1-1-1"], true),
    (&["undo", "1-1-1", "--dry-run"], false),
    (&["notify", "status"], false),
    (&["notify", "retry"], true),
    (&["notify", "drop", "--all"], true),
];

/// The exit code of each verb and the code of its error. Verbs that wait run at the same time.
fn answers(scene: &Scene, config: &str) -> Vec<(i32, String)> {
    let answer = |verb: &&(&[&str], bool)| {
        let ran = scene.command(verb.0).args(["--config", config]).limit(LIMIT).run();
        let word = ran.stderr.split_once("error[").and_then(|(_, rest)| rest.split_once(']')).map(|(word, _)| word);
        (ran.code, word.unwrap_or_default().to_owned())
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = VERBS.iter().map(|verb| scope.spawn(move || answer(&verb))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// Would break: a verb that no line of the list has.
#[test]
fn the_list_has_every_verb_that_asks_the_daemon() {
    let commands = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands");
    let sources = std::fs::read_dir(commands).unwrap().map(|entry| entry.unwrap().path());
    let asks = |path: &std::path::PathBuf| {
        let text = if path.is_file() { std::fs::read_to_string(path).unwrap() } else { String::new() };
        ["ask(global", "ask_slow(global", "ask_granted(global"].iter().any(|call| text.contains(call))
    };
    let asking: BTreeSet<String> =
        sources.filter(asks).map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let listed: BTreeSet<String> = VERBS.iter().map(|(arguments, _)| arguments[0].to_owned()).collect();
    assert!(asking.contains("status"));
    assert_eq!(asking.difference(&listed).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Would break: a verb that answers something else because a daemon runs, waits for ever for one that hangs, or changes the
/// state behind one that starts.
#[test]
fn each_verb_is_answered_or_refused_in_each_state_of_the_daemon() {
    let scene = Scene::new();
    let config = configured(&scene, "", &quiet("p"));
    let mut running = daemon(&scene, &config);
    let up = answers(&scene, &config);
    let unexpected = ["not-answering", "not-running", "in-use", "bad-request", "usage"];
    for (verb, (code, word)) in VERBS.iter().zip(&up) {
        assert!(!unexpected.contains(&word.as_str()), "{verb:?}: {code} {word}");
    }
    running.signal(Signal::STOP);
    let wedged = answers(&scene, &config);
    for (verb, answer) in VERBS.iter().zip(&wedged) {
        assert_eq!(answer, &(1, "not-answering".to_owned()), "{verb:?}");
    }
    running.signal(Signal::CONT);
    assert_eq!(answers(&scene, &config), up, "after it went on");
    running.signal(Signal::TERM);
    running.wait(LIMIT);
    assert_eq!(answers(&scene, &config), up, "while none runs");
}

/// A daemon that starts has the lock of the state, and does not listen yet: here it listens elsewhere.
#[test]
fn while_a_daemon_starts_each_verb_reads_the_state_or_says_that_it_waits() {
    let scene = Scene::new();
    let config = configured(&scene, "", &quiet("p"));
    drop(daemon(&scene, &config));
    let down = answers(&scene, &config);
    let text = std::fs::read_to_string(&config).unwrap();
    let elsewhere = scene.root().join("elsewhere.toml");
    std::fs::write(&elsewhere, format!("[control]\nsocket = \"{}/run/control.sock\"\n{text}", scene.root().display()))
        .unwrap();
    permit(&elsewhere, 0o600);
    let _running = daemon(&scene, elsewhere.to_str().unwrap());
    for ((verb, answer), down) in VERBS.iter().zip(answers(&scene, &config)).zip(down) {
        // Without a channel there are no messages that could be changed.
        let is_refused = down.1 == "unknown-channel";
        let expected = if verb.1 && !is_refused { (1, "in-use".to_owned()) } else { down };
        assert_eq!(answer, expected, "{verb:?}");
    }
}
