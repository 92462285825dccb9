//! Exports heads to a real file, command and server, and tests misbehaving servers.

mod server;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ansai_audit::{Key, SignedHead, Verifier};
use ansai_config::{Export, ExportUrl};
use ansai_core::{Event, Millis, OnFailure, Status};
use ansai_supervisor::export::statuses;
use ansai_supervisor::heads;

use self::server::{FINE, Manner, Server, certificate};
use crate::scene::{Scene, eventually, fixed};
use crate::script::{Script, observation};

/// An export without targets.
fn nowhere() -> Export {
    Export { every: Millis::from_hours(1), timeout: Millis::new(60_000), file: None, command: None, url: None }
}

fn to(url: String) -> ExportUrl {
    ExportUrl { shown: url.split('?').next().unwrap().to_owned(), url, token_file: None, ca_file: None }
}

fn shell(script: &str, place: &Path) -> Option<Vec<String>> {
    Some(["/bin/sh", "-c", script, place.to_str().unwrap()].map(str::to_owned).into())
}

fn quiet() -> Scene {
    let scene = Scene::new();
    scene.script(&Script::sick(Vec::new(), OnFailure::Stop).saying(Ok(vec![observation(Status::Healthy)])));
    scene
}

/// Runs once; returns the export events in the log: error and failures.
async fn run(scene: &Scene, export: Export) -> Vec<(Option<String>, u32)> {
    let supervisor = scene.open();
    supervisor.export_heads(export, None);
    let reports = supervisor.run_once().await;
    assert_eq!(ansai_supervisor::report::exit_code(&reports), 0, "healing is none the worse");
    exports(scene)
}

fn exports(scene: &Scene) -> Vec<(Option<String>, u32)> {
    let export = |event| match event {
        Event::HeadExport { error, failures, .. } => Some((error, failures)),
        _ => None,
    };
    scene.events().into_iter().filter_map(export).collect()
}

/// The only failure of a first run.
async fn failure(scene: &Scene, export: Export) -> String {
    let exports = run(scene, export).await;
    let [(Some(error), 1)] = exports.as_slice() else { panic!("{exports:?}") };
    let states = statuses(&scene.state_dir()).unwrap();
    assert_eq!((states[0].failures, states[0].error.as_deref()), (1, Some(error.as_str())));
    assert!(states[0].sent_at.is_none());
    error.clone()
}

/// Checks that the head proves the current log, with the key of this state.
fn expect_proof(scene: &Scene, head: &str) -> SignedHead {
    let head: SignedHead = head.trim_end().parse().unwrap();
    let mut verifier = Verifier::default();
    verifier.trust(Key::read(heads::key_file(&scene.state_dir())).unwrap().unwrap().public());
    verifier.expect_signed(head.clone());
    verifier.run(heads::log_directory(&scene.state_dir()), |_| ()).unwrap();
    head
}

#[tokio::test]
async fn a_head_that_proves_the_log_goes_to_a_file_a_command_and_a_server() {
    let scene = quiet();
    let server = Server::start(Manner::Answers(FINE.to_owned()));
    let token = scene.path("token");
    std::fs::write(&token, "a-secret-token\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let export = Export {
        file: Some(scene.path("heads")),
        command: shell("/bin/cat > \"$0.head\"; /usr/bin/env > \"$0.env\"", &scene.path("command")),
        url: Some(ExportUrl { token_file: Some(token), ..to(server.url("/heads?key=another-secret")) }),
        ..nowhere()
    };
    assert_eq!(run(&scene, export).await, [], "only failures are recorded");
    let of_file = expect_proof(&scene, &scene.text("heads"));
    assert_eq!(expect_proof(&scene, &scene.text("command.head")), of_file);
    let names: Vec<String> =
        scene.text("command.env").lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    let set = ["PATH", "LANG", "PWD"];
    assert!(names.iter().all(|name| set.contains(&name.as_str())), "a shell sets PWD itself: {names:?}");

    let requests = server.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("post /heads?key=another-secret http/1.1"), "{head}");
    assert!(head.contains("authorization: bearer a-secret-token"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(expect_proof(&scene, body["head"].as_str().unwrap()), of_file);
    assert_eq!(body["sequence"].as_u64(), Some(of_file.head.sequence));

    let states = statuses(&scene.state_dir()).unwrap();
    assert!(states.iter().all(|one| one.sent_id == Some(of_file.head.sequence.to_string()) && one.failures == 0));
    let kept = scene.text("state/audit-export/status.json");
    assert!(!kept.contains("secret") && kept.contains("/heads"), "{kept}");
    scene.finish().await;
}

#[tokio::test]
async fn the_schedule_outlives_a_restart() {
    let scene = quiet();
    let export = Export { file: Some(scene.path("heads")), ..nowhere() };
    for _ in 0..3 {
        run(&scene, export.clone()).await;
    }
    assert_eq!(scene.text("heads").lines().count(), 1);
    run(&scene, Export { every: Millis::new(1), ..export.clone() }).await;
    assert_eq!(
        scene.text("heads").lines().count(),
        2,
        "a time beyond the schedule is of another clock, or another schedule"
    );
    // Another file is another target.
    run(&scene, Export { file: Some(scene.path("others")), ..export }).await;
    assert_eq!(scene.text("others").lines().count(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_failure_is_recorded_each_time_and_its_end_once() {
    let scene = quiet();
    // An interval of one millisecond, so that it is due in each run.
    let export = Export { every: Millis::new(1), file: Some(scene.path("missing/heads")), ..nowhere() };
    run(&scene, export.clone()).await;
    let failed = run(&scene, export.clone()).await;
    assert_eq!(failed.iter().map(|(_, failures)| *failures).collect::<Vec<_>>(), [1, 2]);
    assert!(failed[0].0.as_ref().unwrap().contains("No such file"), "{failed:?}");
    std::fs::create_dir(scene.path("missing")).unwrap();
    for _ in 0..2 {
        let exports = run(&scene, export.clone()).await;
        assert_eq!(exports[2..], [(None, 0)]);
    }
    assert_eq!(scene.text("missing/heads").lines().count(), 2);
    for line in scene.text("missing/heads").lines() {
        expect_proof(&scene, line);
    }
    scene.finish().await;
}

#[tokio::test]
async fn a_command_that_fails_says_why_and_one_that_hangs_is_ended() {
    for (script, timeout, words) in [
        ("echo no room >&2; exit 3", 60_000, "exit status: 3: no room"),
        ("/usr/bin/head -c 9000000 /dev/zero >&2; exit 1", 60_000, "exit status: 1"),
        ("/usr/bin/sleep 1000 & wait", 100, "took longer than"),
        ("exec 0<&-; kill -9 $$", 60_000, "signal: 9"),
    ] {
        let scene = quiet();
        let export = Export { command: shell(script, Path::new("x")), timeout: Millis::new(timeout), ..nowhere() };
        let error = failure(&scene, export).await;
        assert!(error.contains(words) && error.len() < 2_000, "{script}: {error}");
    }
    let scene = quiet();
    let missing = Export { command: Some(vec!["/nonexistent/program".into()]), ..nowhere() };
    assert!(failure(&scene, missing).await.contains("No such file"));
}

#[tokio::test]
async fn a_server_that_misbehaves_is_named_and_given_up_on() {
    let elsewhere = Server::start(Manner::Answers(FINE.to_owned()));
    let redirect = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\n\r\n", elsewhere.url("/"));
    let endless_header = "HTTP/1.1 204 No Content\r\nx: ";
    for (manner, timeout, words) in [
        (
            Manner::Answers("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n".into()),
            60_000,
            "answered 500",
        ),
        (Manner::Answers("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n".into()), 60_000, "answered 401"),
        (Manner::Answers(redirect), 60_000, "redirects are not followed"),
        (Manner::Answers("rubbish\r\n\r\n".into()), 60_000, "not HTTP"),
        (Manner::Answers(String::new()), 60_000, "answer"),
        (Manner::Floods(endless_header), 60_000, "too large"),
        (Manner::Hangs, 200, "took longer than"),
    ] {
        let scene = quiet();
        let server = Server::start(manner);
        let error = failure(
            &scene,
            Export { url: Some(to(server.url("/?secret"))), timeout: Millis::new(timeout), ..nowhere() },
        )
        .await;
        assert!(error.contains(words) && !error.contains("secret"), "{words}: {error}");
        assert_eq!(server.connections(), 1);
    }
    assert_eq!(elsewhere.connections(), 0, "nothing goes where the operator did not say");

    // An endless answer is a success: its content is not read.
    let scene = quiet();
    let server = Server::start(Manner::Floods("HTTP/1.1 200 OK\r\ncontent-length: 9000000000\r\n\r\n"));
    assert_eq!(run(&scene, Export { url: Some(to(server.url("/"))), ..nowhere() }).await, []);

    let scene = quiet();
    let closed = server.url("/");
    drop(server);
    let error = failure(&scene, Export { url: Some(to(closed)), ..nowhere() }).await;
    assert!(error.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_token_that_others_can_read_is_not_used() {
    let server = Server::start(Manner::Answers(FINE.to_owned()));
    for (content, mode, words) in
        [("token", 0o640, "others can read"), ("two words", 0o600, "one word"), ("", 0o600, "one word")]
    {
        let scene = quiet();
        let token = scene.path("token");
        std::fs::write(&token, content).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(mode)).unwrap();
        let url = ExportUrl { token_file: Some(token), ..to(server.url("/")) };
        let error = failure(&scene, Export { url: Some(url), ..nowhere() }).await;
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn only_a_server_with_a_trusted_certificate_gets_a_head() {
    let directory = tempfile::tempdir().unwrap();
    let Some(config) = certificate(directory.path()) else { return };
    let server = Server::start(Manner::Tls(config));
    let url = to(format!("https://{}/", server.address));
    let scene = quiet();
    let trusted = ExportUrl { ca_file: Some(directory.path().join("certificate.pem")), ..url.clone() };
    assert_eq!(run(&scene, Export { url: Some(trusted), ..nowhere() }).await, []);
    assert_eq!(server.requests().len(), 1);

    // The same server, with another trusted certificate of the same name.
    let other = tempfile::tempdir().unwrap();
    certificate(other.path()).unwrap();
    let scene = quiet();
    let untrusted = ExportUrl { ca_file: Some(other.path().join("certificate.pem")), ..url.clone() };
    let error = failure(&scene, Export { url: Some(untrusted), ..nowhere() }).await;
    assert!(error.contains("peer certificate"), "{error}");
    let scene = quiet();
    let none = ExportUrl { ca_file: Some(other.path().join("key.pem")), ..url };
    let error = failure(&scene, Export { url: Some(none), ..nowhere() }).await;
    assert!(error.contains("no certificate"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn targets_that_hang_hold_up_neither_healing_nor_the_end() {
    let scene = Scene::new();
    let unknown = observation(Status::Unknown("a test".into()));
    scene.script(&Script::sick(Vec::new(), OnFailure::Stop).saying(Ok(vec![unknown])));
    let server = Server::start(Manner::Hangs);
    let pid = scene.path("pid");
    let export = Export {
        url: Some(to(server.url("/"))),
        command: shell("echo $$ > \"$0.new\"; /bin/mv \"$0.new\" \"$0\"; exec /usr/bin/sleep 1000", &pid),
        timeout: Millis::new(600_000),
        ..nowhere()
    };
    let mut instance = scene.instance(crate::scene::ONE);
    instance.every = Millis::new(20);
    let supervisor = scene.open_all(fixed(ansai_core::Mode::Enforce), vec![instance]).unwrap();
    supervisor.export_heads(export, None);
    let running = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.run().await }
    });
    eventually(|| (server.requests().len() == 1 && pid.exists()).then_some(())).await;
    scene.published();
    let mut passes = 0;
    eventually(|| {
        let is_pass = |event: &Event| matches!(event, Event::Observed { .. });
        passes += scene.published().iter().filter(|published| is_pass(&published.event)).count();
        (passes > 3).then_some(())
    })
    .await;
    supervisor.stop("a test");
    running.await.unwrap();
    let process: u32 = scene.text("pid").trim().parse().unwrap();
    eventually(|| (!Path::new(&format!("/proc/{process}")).exists()).then_some(())).await;
    assert_eq!(exports(&scene), [], "being stopped is no failure");
    // The local head covers the end of the run.
    let head = heads::head_file(&scene.state_dir()).read().unwrap().unwrap();
    assert_eq!(head.head, supervisor.head());
    drop(server);
    scene.finish().await;
}
