//! Servers from Debian packages that are not installed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::time::Duration;

use ansai_harness::Invocation;
use ansai_harness::server::{Postgresql, packages};

#[test]
fn programs_run_from_the_cache() {
    let names = ["nginx-light", "pebble", "certbot", "pgbouncer"];
    let Some(programs) = packages(&names) else { return };
    programs.program("nginx").arg("-v").run().code(0).complains("nginx/");
    programs.program("certbot").arg("--version").run().code(0).says("certbot 2");
    programs.program("pgbouncer").arg("--version").run().code(0).says("PgBouncer");
    programs.program("pebble").arg("-help").run().complains("-dnsserver");
    programs.program("pebble-challtestsrv").arg("-help").run().complains("-http01");
    assert!(programs.file("usr/sbin/nginx").exists());
    programs.program_as_nobody("pgbouncer").arg("--version").run().code(0).says("PgBouncer");
}

#[test]
#[should_panic(expected = "add bash to tests/harness/server-packages")]
fn a_package_that_is_not_in_the_list_is_not_fetched() {
    let _ = packages(&["bash"]);
}

#[test]
fn postgresql_runs_and_is_gone_afterwards() {
    let Some(mut server) = Postgresql::start() else { return };
    assert_eq!(server.sql("postgres", "select current_user, 1 + 1"), "postgres|2");
    assert_ne!(server.psql("postgres", "select 1/0").code, 0);
    let _idle = server.session("postgres", "till", "begin; select 1");
    let state = "select state from pg_stat_activity where application_name = 'till'";
    server.wait_for("postgres", state, "idle in transaction");
    let listening = server.sql("postgres", "show listen_addresses");
    assert_eq!(listening, "127.0.0.1");
    let standby = server.standby(&[]);
    standby.wait_for("postgres", "select pg_is_in_recovery()", "t");
    server.stop();
    server.start_again();
    server.sql("postgres", "select 1");
    let (data, pids) = (server.data(), [server.pid(), standby.pid()]);
    // A process of the server that does not run, as a test may leave it.
    let _stopped = server.session("postgres", "stopped", "select 1");
    let pid = server.sql("postgres", "select pid from pg_stat_activity where application_name = 'stopped'");
    Invocation::of("kill").args(["-STOP", &pid]).run().code(0);
    drop(standby);
    drop(server);
    assert!(!data.exists());
    for pid in pids.map(|pid| pid.to_string()).iter().chain([&pid]) {
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while std::path::Path::new("/proc").join(pid).exists() {
            assert!(std::time::Instant::now() < end, "{pid} still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
