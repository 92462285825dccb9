//! Servers that are down, refuse, hang, or are behind a pooler or TLS.

use std::time::Duration;

use ansai_core::{Refusal, Scope};
use ansai_harness::Invocation;
use ansai_harness::server::{free_port, packages};
use ansai_kit::target::TargetAccess;
use ansai_reach::postgresql::MAX_BYTES;
use serde_json::{Value, json};

use crate::database::refusals::is_found_again;
use crate::database::secrets::{certificate, secret};
use crate::scene::{ACTIONS, DATABASE, SESSIONS, Scene, TABLES, address, ask, look, reach, target};

const SECRET: &str = "correct-horse-7f3a";

/// From now on, ansai needs its password.
fn demand_password(scene: &Scene, method: &str) {
    let own = format!("host all ansai 127.0.0.1/32 {method}\n");
    let file = scene.server.data().join("pg_hba.conf");
    let others = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, own + &others).unwrap();
    scene.server.sql("app", &format!("alter role ansai password '{SECRET}'; select pg_reload_conf()"));
    scene.server.wait_for("app", "select count(*) from pg_hba_file_rules where 'ansai' = any(user_name)", "1");
}

#[test]
fn a_password_is_checked_and_shown_nowhere() {
    let Some(scene) = Scene::new() else { return };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    demand_password(&scene, "scram-sha-256");
    let with = |secret| TargetAccess { secret, ..target("db", &address(&scene.server)) };
    assert!(look(with(Some(secret(&directory, SECRET)))).is_ok());
    let other = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for wrong in [Some(secret(&other, "wrong-horse")), None] {
        let why = look(with(wrong)).unwrap_err();
        assert!(matches!(why, Refusal::Unavailable(_)), "{why:?}");
        assert!(!why.to_string().contains("horse") && !why.to_string().contains("password"), "{why}");
    }
    assert!(!scene.server.transcript().contains("horse"));
    let nobody = TargetAccess { user: Some("nobody-knows".into()), ..target("db", &address(&scene.server)) };
    let why = look(nobody).unwrap_err();
    assert!(matches!(&why, Refusal::Unavailable(text) if text.contains("28000")), "{why:?}");
    let database = look(target("db", &format!("postgresql://127.0.0.1:{}/none", scene.server.port()))).unwrap_err();
    assert!(matches!(database, Refusal::Unavailable(_)), "{database:?}");
}

#[test]
fn a_password_is_not_sent_in_clear_text() {
    let Some(scene) = Scene::new() else { return };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    demand_password(&scene, "password");
    let secret = Some(secret(&directory, SECRET));
    let why = look(TargetAccess { secret, ..target("db", &address(&scene.server)) }).unwrap_err();
    assert!(matches!(&why, Refusal::Unavailable(text) if text.contains("clear text")), "{why:?}");
}

#[test]
fn a_server_that_goes_and_comes_back_is_found_again() {
    let Some(mut scene) = Scene::new() else { return };
    is_found_again(&mut scene);
    let socket = format!("unix:{}/.s.PGSQL.{}", scene.server.socket_directory().display(), scene.server.port());
    assert!(look(target("db", &socket)).is_ok());
    assert!(matches!(look(target("db", "unix:/nonexistent")), Err(Refusal::Unavailable(_))));
    let nobody = look(target("db", &format!("127.0.0.1:{}", free_port())));
    assert!(matches!(nobody, Err(Refusal::Unavailable(_))), "{nobody:?}");
}

#[test]
fn a_server_that_hangs_costs_the_time_of_the_call() {
    let Some(mut scene) = Scene::new() else { return };
    let look = |limit| ask(&scene.reach, limit, DATABASE, "look", &json!({"target": "db"}));
    assert!(look(Duration::from_secs(5)).is_ok());
    let pid = scene.server.sql("app", "select pid from pg_stat_activity where application_name = 'ansai'");
    let signal = |signal: &str, pid: &str| drop(Invocation::of("kill").args([signal, pid]).run().code(0));
    // The session that exists hangs, then the server that would make another one.
    let unconnected =
        TargetAccess { call_limit: Some(Duration::from_secs(1)), ..target("db", &address(&scene.server)) };
    let unconnected = reach([unconnected]);
    for (pid, reach) in [(pid, &scene.reach), (scene.server.pid().to_string(), &unconnected)] {
        let look = |limit| ask(reach, limit, DATABASE, "look", &json!({"target": "db"}));
        signal("-STOP", &pid);
        let hangs = look(Duration::from_millis(500));
        signal("-CONT", &pid);
        assert!(matches!(hangs, Err(Refusal::TimedOut(_))), "{hangs:?}");
        assert!(look(Duration::from_secs(10)).is_ok());
    }
    // A preview has less time than the call that asks for it. Another target, so without a connection.
    let unconnected =
        TargetAccess { call_limit: Some(Duration::from_secs(7)), ..target("db", &address(&scene.server)) };
    scene.reach = reach([unconnected]);
    let preview = scene.step(SESSIONS, "terminate", Scope::default(), json!({"session": "1/1/-"}));
    let pid = scene.server.pid().to_string();
    signal("-STOP", &pid);
    let hangs = preview.preview();
    signal("-CONT", &pid);
    assert!(matches!(&hangs, Err(Refusal::TimedOut(why)) if why.contains("within 2000 ms")), "{hangs:?}");
}

#[test]
fn probes_work_through_a_pooler_and_long_steps_refuse_it() {
    let Some(mut scene) = Scene::new() else { return };
    let Some(programs) = packages(&["pgbouncer"]) else { return };
    scene.app("create table t (a int)");
    let (directory, port) = (tempfile::tempdir().unwrap(), free_port());
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let users = directory.path().join("users");
    std::fs::write(&users, "\"ansai\" \"\"\n").unwrap();
    let configuration = directory.path().join("pgbouncer.ini");
    let settings = |port: u16, more: &str| {
        format!(
            "[databases]\napp = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\n{more}",
            scene.server.port(),
            users.display()
        )
    };
    std::fs::write(&configuration, settings(port, "")).unwrap();
    let pooler = programs.program_as_nobody("pgbouncer").arg(&configuration).spawn();
    pooler.wait_for_line("listening on", Duration::from_secs(10));
    scene.reach = reach([target("db", &format!("postgresql://127.0.0.1:{port}/app"))]);
    assert!(scene.look().is_ok(), "{}", pooler.transcript());
    let table = scene.find(TABLES, "list-tables", "name", "public.t");
    assert!(!scene.list(DATABASE, "list-sessions").is_empty());
    let begin = |scene: &Scene, table: &Value| {
        let granted = Scope::default().with_number(&MAX_BYTES, 1 << 30);
        let arguments = json!({"table": table["id"], "analyse": true, "within": 60_000});
        let vacuum = scene.step(ACTIONS, "vacuum", granted, arguments);
        let previewed = vacuum.preview().unwrap();
        vacuum.begin(&previewed.targets)
    };
    let refused = begin(&scene, &table);
    assert!(matches!(refused, Err(Refusal::Unavailable(_) | Refusal::Unsupported(_))), "{refused:?}");
    // One that drops the limits, of a role that has limits of its own.
    scene.server.sql("app", "alter role ansai set statement_timeout = '1h'; alter role ansai set lock_timeout = '1h'");
    let port = free_port();
    let careless = directory.path().join("careless.ini");
    std::fs::write(&careless, settings(port, "ignore_startup_parameters = options\n")).unwrap();
    let careless = programs.program_as_nobody("pgbouncer").arg(&careless).spawn();
    careless.wait_for_line("listening on", Duration::from_secs(10));
    let through = reach([target("db", &format!("postgresql://127.0.0.1:{port}/app"))]);
    let reach_of_one = std::mem::replace(&mut scene.reach, through);
    let refused = begin(&scene, &table);
    assert!(matches!(refused, Err(Refusal::Unsupported(_))), "{refused:?}");
    scene.reach = reach_of_one;
    // Nothing of a call stays behind in the connection that the next client gets.
    assert_eq!(scene.server.sql("app", "select count(*) from pg_stat_activity where state like 'idle in%'"), "0");
}

/// From now on, the server has a certificate for `name`, signed by itself.
fn with_tls(scene: &Scene, name: &str) -> std::path::PathBuf {
    let [certificate, key] = certificate(&scene.server.data(), name);
    scene.server.packages().give_to_nobody(&key);
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    scene.server.sql("app", "alter system set ssl = on");
    scene.server.sql("app", "select pg_reload_conf()");
    scene.server.wait_for("app", "show ssl", "on");
    certificate
}

#[test]
fn tls_verifies_who_answers() {
    let Some(scene) = Scene::new() else { return };
    let port = scene.server.port();
    let without = look(target("db", &format!("postgresql://127.0.0.1:{port}/app?tls=require"))).unwrap_err();
    assert!(matches!(without, Refusal::Unavailable(_)), "a server without TLS: {without:?}");
    let file = with_tls(&scene, "IP:127.0.0.1");
    let own = format!("postgresql://127.0.0.1:{port}/app?tls=require&ca={}", file.display());
    assert!(look(target("db", &own)).is_ok(), "{:?}", look(target("db", &own)));
    let encrypted = "select count(*) from pg_stat_ssl s join pg_stat_activity a using (pid) where ssl and application_name = 'ansai'";
    scene.server.wait_for("app", encrypted, "1");
    let stranger = look(target("db", &format!("postgresql://127.0.0.1:{port}/app?tls=require"))).unwrap_err();
    assert!(matches!(stranger, Refusal::Unavailable(_)), "{stranger:?}");
    let other_name = format!("postgresql://localhost:{port}/app?tls=require&ca={}", file.display());
    let other = look(target("db", &other_name)).unwrap_err();
    assert!(matches!(other, Refusal::Unavailable(_)), "{other:?}");
    assert!(!format!("{other} {stranger}").contains(file.to_str().unwrap()), "a path is not for policies");
}
