//! How processes end.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use ansai_isolation::{Ended, Profile};

use crate::scene::{start, until};

pub(crate) fn dropping_a_process_ends_it() {
    let child = start(Profile::Guest, "drop", &["echo"]);
    let place = format!("/proc/{}", child.process.id());
    assert!(std::fs::exists(&place).unwrap());
    drop(child);
    // It is reaped too.
    until(|| (!std::fs::exists(&place).unwrap()).then_some(()));
}

/// The program of [`a_process_ends_with_ansai`].
pub(crate) fn hold() {
    // The channel stays open in the child: the kernel ends it, not its good will.
    let child = start(Profile::Guest, "hold", &["descriptor"]);
    println!("{}", child.process.id());
    std::thread::sleep(std::time::Duration::from_secs(60));
}

pub(crate) fn a_process_ends_with_ansai() {
    let mut ansai = Command::new("/proc/self/exe").arg("hold").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(ansai.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let place = format!("/proc/{}", line.trim());
    assert!(std::fs::exists(&place).unwrap(), "{place}");
    ansai.kill().unwrap();
    ansai.wait().unwrap();
    until(|| {
        let status = std::fs::read_to_string(format!("{place}/status")).unwrap_or_default();
        // Without its parent, process 1 of the host reaps it, or nobody does.
        (status.is_empty() || status.contains("State:\tZ")).then_some(())
    });
}

pub(crate) fn an_abort_is_an_end() {
    let child = start(Profile::Guest, "abort", &["abort"]);
    // The first process of a namespace ignores a signal that it sends to itself: it ends by another one then.
    let ended = child.wait();
    assert!(matches!(ended, Ended::Signalled(_)), "{ended:?}");
}

pub(crate) fn a_process_outlives_the_thread_that_asked_for_it() {
    let mut child = std::thread::spawn(|| start(Profile::Guest, "thread", &["echo"])).join().unwrap();
    child.channel.send(b"still there", None, None).unwrap();
    assert_eq!(child.receive(), "still there");
}

pub(crate) fn only_ansai_starts_a_child() {
    let ran = Command::new("/proc/self/exe").args(["echo", "{}"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(ran.status.code(), Some(3));
    assert_eq!(String::from_utf8(ran.stderr).unwrap(), "not started by ansai\n");
}
