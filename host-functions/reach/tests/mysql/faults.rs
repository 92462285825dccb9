//! Servers that are down, refuse, or hang, and TLS.

use std::time::Duration;

use ansai_core::Refusal;
use ansai_harness::Invocation;
use ansai_harness::server::free_port;
use ansai_kit::target::TargetAccess;
use serde_json::json;

use crate::database::refusals::is_found_again;
use crate::database::secrets::{certificate, secret};
use crate::scene::{DATABASE, Scene, TABLES, address, ask, look, reach, target};

const SECRET: &str = "correct-horse-7f3a";

#[test]
fn a_password_is_checked_and_shown_nowhere() {
    let Some(scene) = Scene::with(&["--log-warnings=4"]) else { return };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    scene.server.sql(&format!("alter user ansai@localhost identified by '{SECRET}'"));
    let with = |secret| TargetAccess { secret, ..target("db", &address(&scene.server)) };
    assert!(look(with(Some(secret(&directory, SECRET)))).is_ok());
    let other = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for wrong in [Some(secret(&other, "wrong-horse")), None] {
        let why = look(with(wrong)).unwrap_err();
        assert!(matches!(&why, Refusal::Unavailable(text) if text.contains("1045")), "{why:?}");
        assert!(!why.to_string().contains("horse") && !why.to_string().contains("password"), "{why}");
    }
    assert!(!scene.server.transcript().contains("horse"));
    let database = look(TargetAccess {
        secret: Some(secret(&directory, SECRET)),
        ..target("db", &format!("mysql://127.0.0.1:{}/none", scene.server.port()))
    });
    assert!(matches!(database, Err(Refusal::Unavailable(_))), "{database:?}");
    for socket in [scene.server.socket().as_path(), scene.server.directory()] {
        let on_socket = target("db", &format!("unix:{}", socket.display()));
        let found = look(TargetAccess { secret: Some(secret(&directory, SECRET)), ..on_socket });
        assert!(found.is_ok(), "{found:?}");
    }
    assert!(matches!(look(target("db", "unix:/nonexistent")), Err(Refusal::Unavailable(_))));
    // A user without a password, whom the server knows by the user of the process.
    let root = TargetAccess {
        user: Some("root".into()),
        ..target("db", &format!("unix:{}", scene.server.socket().display()))
    };
    scene.server.sql("alter user root@localhost identified via unix_socket");
    assert!(look(root).is_ok());
}

#[test]
fn a_server_that_goes_and_comes_back_is_found_again() {
    let Some(mut scene) = Scene::new() else { return };
    is_found_again(&mut scene);
    // The connection of before is gone, and nobody is told.
    scene.server.sql("kill hard user ansai");
    assert!(scene.look().is_ok());
    let nobody = look(target("db", &format!("127.0.0.1:{}", free_port())));
    assert!(matches!(nobody, Err(Refusal::Unavailable(_))), "{nobody:?}");
    // Full: the host is told, and nothing hangs. The user of ansai gets the place of an administrator, if that is free.
    scene.server.sql("set global max_connections = 10; kill hard user ansai");
    let _full: Vec<_> = (0..10).map(|_| scene.server.session("app", "select 1")).collect();
    let administrator = scene.server.session("root", "select 1");
    let full = scene.look();
    assert!(matches!(full, Err(Refusal::Busy(_))), "{full:?}");
    drop(administrator);
    // The server may notice a moment later that the place is free.
    let free = std::iter::repeat_with(|| scene.look()).take(500).find(|answer| {
        std::thread::sleep(Duration::from_millis(20));
        answer.is_ok()
    });
    assert_eq!(free.unwrap().unwrap()["connections"], 11);
}

#[test]
fn a_server_that_hangs_costs_the_time_of_the_call() {
    let Some(scene) = Scene::new() else { return };
    let signal = |signal: &str| {
        let pid = scene.server.pid().to_string();
        drop(Invocation::of("kill").args([signal, &pid]).run().code(0));
    };
    let other = TargetAccess { call_limit: Some(Duration::from_secs(1)), ..target("db", &address(&scene.server)) };
    let unconnected = reach([other]);
    assert!(scene.look().is_ok());
    // With a connection, and without one.
    for reach in [&scene.reach, &unconnected] {
        for (interface, function) in [(DATABASE, "look"), (TABLES, "list-tables")] {
            let call = |limit| ask(reach, limit, interface, function, &json!({"target": "db", "cursor": null}));
            signal("-STOP");
            let hangs = call(Duration::from_millis(300));
            signal("-CONT");
            assert!(matches!(hangs, Err(Refusal::TimedOut(_))), "{hangs:?}");
            assert!(call(Duration::from_secs(10)).is_ok());
        }
    }
}

/// What nobody waits for is ended by the server.
#[test]
fn a_slow_statement_ends_with_its_call() {
    let Some(scene) = Scene::new() else { return };
    scene.app("create table t (a int); insert into t values (1)");
    let _lock = scene.server.session("root", "use app; lock tables t write");
    let began = std::time::Instant::now();
    let tables =
        ask(&scene.reach, Duration::from_secs(3), TABLES, "list-tables", &json!({"target": "db", "cursor": null}));
    assert!(began.elapsed() < Duration::from_secs(4), "{tables:?}");
    scene.server.wait_for(
        "select count(*) from information_schema.processlist where user = 'ansai' and command = 'Query'",
        "0",
    );
}

#[test]
fn tls_verifies_who_answers() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [file, key] = certificate(directory.path(), "IP:127.0.0.1");
    let options = [format!("--ssl-cert={}", file.display()), format!("--ssl-key={}", key.display())];
    let Some(scene) = Scene::with(&options.each_ref().map(String::as_str)) else { return };
    scene.server.sql(&format!("alter user ansai@localhost identified by '{SECRET}' require ssl"));
    let with =
        |address: String| look(TargetAccess { secret: Some(secret(&directory, SECRET)), ..target("db", &address) });
    let (port, own) = (scene.server.port(), format!("ca={}", file.display()));
    let good = with(format!("mysql://127.0.0.1:{port}/app?tls=require&{own}"));
    assert!(good.is_ok(), "{good:?}");
    for bad in [
        format!("mysql://127.0.0.1:{port}/app?tls=require"),
        format!("mysql://localhost:{port}/app?tls=require&{own}"),
        format!("mysql://127.0.0.1:{port}/app?tls=off"),
    ] {
        let refused = with(bad.clone());
        assert!(matches!(refused, Err(Refusal::Unavailable(_))), "{bad}: {refused:?}");
        assert!(!format!("{refused:?}").contains(file.to_str().unwrap()), "a path is not for policies");
    }
    // A server without TLS gets nothing.
    let Some(plain) = Scene::new() else { return };
    let without = look(target("db", &format!("mysql://127.0.0.1:{}/app?tls=require", plain.server.port())));
    assert!(matches!(&without, Err(Refusal::Unavailable(why)) if why.contains("no TLS")), "{without:?}");
}
