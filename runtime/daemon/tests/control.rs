//! The control socket and clients that mean no good: the daemon answers others all the same. No test asserts a time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, clippy::panic, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use ansai_core::control::{Answer, NewPause, Replied, Reply, Request};
use ansai_core::{Millis, codes};
use ansai_daemon::control::{Performed, SOCKET, myself, perform};
use ansai_daemon::{Configuration, Daemon, Error, Running};
use ansai_engine::Compiler;
use ansai_events::Stream;
use ansai_harness::scene::permit;
use ansai_harness::{Scene, requires_root};

fn scene() -> Scene {
    let scene = Scene::new();
    scene.guest("healthy");
    scene
}

fn daemon(scene: &Scene, configuration: Option<Configuration>) -> Daemon {
    let builder = Daemon::builder(Compiler::InProcess).paths([scene.path("policies")]).state_dir(scene.state_dir());
    builder.configuration(configuration).load().unwrap()
}

fn open(scene: &Scene) -> Running {
    daemon(scene, None).open(Stream::new()).unwrap()
}

fn configuration(scene: &Scene, text: &str) -> Configuration {
    let text = format!("{text}\n[policy.healthy]\nsource = \"policies/healthy/healthy.wasm\"\n");
    Configuration::open(&scene.configuration(&text), &ansai_host_functions::builtin().interfaces()).unwrap()
}

fn connect(scene: &Scene) -> UnixStream {
    let stream = UnixStream::connect(scene.state_dir().join(SOCKET)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// The one line that comes back.
fn answer(stream: UnixStream) -> Option<Replied> {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    serde_json::from_str::<Reply>(&line).ok().map(|reply| reply.reply)
}

fn refused(stream: UnixStream) -> String {
    match answer(stream) {
        Some(Replied::Refused(refused)) => refused.code,
        other => panic!("{other:?}"),
    }
}

async fn ask(scene: &Scene, request: Request) -> Result<Performed, Error> {
    let state_dir = scene.state_dir();
    tokio::task::spawn_blocking(move || perform(None, &state_dir, &request, &myself())).await.unwrap()
}

async fn is_answered(scene: &Scene) {
    let done = ask(scene, Request::Pauses).await.unwrap();
    assert!(done.is_running && matches!(done.answer, Answer::Orders(_)), "{done:?}");
}

fn pause() -> Request {
    Request::Pause(NewPause { instance: None, duration: Millis::from_hours(1), reason: "a test".into() })
}

fn pauses(done: &Performed) -> usize {
    match &done.answer {
        Answer::Orders(orders) => orders.pauses.len(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_done_with_and_without_a_daemon_by_the_same_code() {
    let scene = scene();
    let without = ask(&scene, Request::Pauses).await.unwrap_err();
    assert_eq!(without.code(), codes::NOT_RUNNING, "{without}");
    assert!(!ask(&scene, pause()).await.unwrap().is_running);
    let running = open(&scene);
    let done = ask(&scene, Request::Pauses).await.unwrap();
    assert_eq!((done.is_running, pauses(&done)), (true, 1));
    let status = ask(&scene, Request::Status).await.unwrap();
    let Answer::Status(status) = status.answer else { panic!("{:?}", status.answer) };
    assert_eq!((status.instances.len(), status.orders.pauses.len()), (1, 1));
    drop(running);
    assert!(!scene.state_dir().join(SOCKET).exists(), "who ends removes it");
    let done = ask(&scene, Request::Pauses).await.unwrap();
    assert_eq!((done.is_running, pauses(&done)), (false, 1));
    assert!(open(&scene).head().sequence > 0, "the lock is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_private_and_an_old_one_is_replaced() {
    let scene = scene();
    drop(open(&scene));
    let path = scene.state_dir().join(SOCKET);
    // As a daemon that was killed leaves it.
    drop(UnixListener::bind(&path).unwrap());
    permit(&path, 0o600);
    let running = open(&scene);
    let found = std::fs::metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    is_answered(&scene).await;
    drop(running);
    // The state is examined with the socket in it.
    drop(UnixListener::bind(&path).unwrap());
    permit(&path, 0o600);
    is_answered_after_start(&scene).await;
}

async fn is_answered_after_start(scene: &Scene) {
    let running = open(scene);
    is_answered(scene).await;
    drop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_and_others_are_answered() {
    let scene = scene();
    let _running = open(&scene);
    let long = [b'x'; 70_000];
    for line in [&b"\n"[..], b"{}\n", b"\0\xff\n", b"GET / HTTP/1.1\r\n\r\n", &long] {
        let mut stream = connect(&scene);
        let _ = stream.write_all(line);
        assert_eq!(refused(stream), "bad-request", "{line:?}");
    }
    // The end comes before the end of the line.
    let mut stream = connect(&scene);
    stream.write_all(br#"{"version":1,"#).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(refused(stream), "bad-request");
    is_answered(&scene).await;
}

/// Would break: a request that is read into memory to its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_an_end_is_cut_off() {
    let scene = scene();
    let _running = open(&scene);
    let mut stream = connect(&scene);
    let part = vec![b'x'; 1 << 20];
    let sent = (0..1_024).take_while(|_| stream.write_all(&part).is_ok()).count();
    assert!(sent < 1_024, "nobody reads a gigabyte");
    is_answered(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_stall_or_flood_keep_nobody_out() {
    let scene = scene();
    let running = open(&scene);
    // Half a request each, and never the rest. These are of root, who has 32 places.
    let stalled: Vec<UnixStream> = (0..1_000)
        .filter_map(|_| {
            let mut stream = UnixStream::connect(scene.state_dir().join(SOCKET)).ok()?;
            let _ = stream.write_all(b"{");
            Some(stream)
        })
        .collect();
    let mut words: Vec<String> = Vec::new();
    for stream in stalled {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        words.extend(match answer(stream) {
            Some(Replied::Refused(refused)) => Some(refused.code),
            _ => None,
        });
    }
    words.sort();
    words.dedup();
    assert_eq!(words, ["bad-request", "control-busy"], "each was told, and none was waited for for ever");
    is_answered(&scene).await;
    drop(running);
}

/// One who asks and never reads the answer holds up nobody, and no end of the daemon.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_up_nothing() {
    let scene = scene();
    let running = open(&scene);
    let mut stream = connect(&scene);
    stream.write_all(b"{\"version\":1,\"request\":{\"verb\":\"status\"}}\n").unwrap();
    is_answered(&scene).await;
    drop(running);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(open(&scene).head().sequence > 0, "the state is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_starts_is_waited_for() {
    let scene = scene();
    // It has the lock and does not listen: as an `ansai undo`, or a daemon that starts.
    drop(open(&scene));
    let running = open(&scene);
    std::fs::remove_file(scene.state_dir().join(SOCKET)).unwrap();
    let state_dir = scene.state_dir();
    let asking = tokio::task::spawn_blocking(move || perform(None, &state_dir, &pause(), &myself()));
    drop(running);
    assert!(!asking.await.unwrap().unwrap().is_running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_keeps_the_daemon_from_starting() {
    let scene = scene();
    permit(scene.root(), 0o755);
    let socket = scene.path("run/control.sock");
    let control = format!("[control]\nsocket = \"{}\"\n", socket.display());
    let start = || daemon(&scene, Some(configuration(&scene, &control))).open(Stream::new());
    let word = |started: Result<Running, Error>| started.err().map(|error| error.code().word());
    // A file, which may be somebody's.
    scene.write("run/control.sock", "precious");
    assert_eq!(word(start()), Some("control-socket"));
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "precious");
    std::fs::remove_file(&socket).unwrap();
    // A daemon that listens.
    let other = UnixListener::bind(&socket).unwrap();
    assert_eq!(word(start()), Some("control-socket"));
    drop(other);
    // Its socket, once it is gone.
    assert_eq!(word(start()), None);
    // A directory that others can write.
    permit(&scene.path("run"), 0o777);
    assert_eq!(word(start()), Some("control-socket"));
    permit(&scene.path("run"), 0o755);
    if requires_root() {
        drop(UnixListener::bind(&socket).unwrap());
        std::os::unix::fs::chown(&socket, Some(4_242), None).unwrap();
        assert_eq!(word(start()), Some("control-socket"));
    }
}

/// Would break: an answer of anybody who may make a file beside the socket.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_of_another_user_answers_nobody() {
    if !requires_root() {
        return;
    }
    let scene = scene();
    let open = scene.path("open");
    std::fs::create_dir(&open).unwrap();
    permit(&open, 0o1777);
    // The owner of a link does not count.
    std::os::unix::fs::symlink(&open, scene.path("linked")).unwrap();
    let socket = scene.path("linked/control.sock");
    let configuration = configuration(&scene, &format!("[control]\nsocket = \"{}\"\n", socket.display()));
    let configuration = std::sync::Arc::new(configuration);
    let refused = || async {
        let (configuration, state_dir) = (configuration.clone(), scene.state_dir());
        let asked = move || perform(Some(&configuration), &state_dir, &Request::Status, &myself()).err().unwrap();
        tokio::task::spawn_blocking(asked).await.unwrap()
    };
    drop(UnixListener::bind(&socket).unwrap());
    std::os::unix::fs::chown(&socket, Some(4_242), None).unwrap();
    let error = refused().await;
    assert_eq!(error.code().word(), "control-socket");
    assert!(error.to_string().contains("belongs to user 4242"), "{error}");
    // The owner of the directory may. Nobody listens, and there is no state.
    std::os::unix::fs::chown(&open, Some(4_242), None).unwrap();
    assert_eq!(refused().await.code().word(), "not-running");
}

/// Would break: trust in the owner of the file alone, which may be another file when the client connects.
#[tokio::test(flavor = "multi_thread")]
async fn another_user_who_listens_on_a_socket_of_root_is_not_asked() {
    if !requires_root() {
        return;
    }
    let scene = scene();
    let socket = scene.path("control.sock");
    let configuration = configuration(&scene, &format!("[control]\nsocket = \"{}\"\n", socket.display()));
    let listener =
        rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&listener, &rustix::net::SocketAddrUnix::new(&socket).unwrap()).unwrap();
    // Its file is of root. The kernel keeps the user of the thread that begins to listen.
    let listener = std::thread::spawn(move || {
        let other = rustix::process::Uid::from_raw(4_242);
        rustix::thread::set_thread_res_uid(other, other, other).unwrap();
        rustix::net::listen(&listener, 1).unwrap();
        listener
    });
    let _listener = listener.join().unwrap();
    let state_dir = scene.state_dir();
    let asked = move || perform(Some(&configuration), &state_dir, &Request::Status, &myself()).err().unwrap();
    let error = tokio::task::spawn_blocking(asked).await.unwrap();
    assert_eq!(error.code().word(), "control-socket");
    assert!(error.to_string().contains("user 4242 listens on"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_paths_have_a_socket_too() {
    let scene = scene();
    let deep = scene.path(&"d".repeat(120));
    let load = |dir: &Path| {
        let builder = Daemon::builder(Compiler::InProcess).paths([scene.path("policies")]);
        builder.state_dir(dir.to_owned()).load().unwrap().open(Stream::new()).unwrap()
    };
    let _running = load(&deep);
    let asked = deep.clone();
    let done = tokio::task::spawn_blocking(move || perform(None, &asked, &Request::Pauses, &myself())).await.unwrap();
    assert!(done.unwrap().is_running);
}
