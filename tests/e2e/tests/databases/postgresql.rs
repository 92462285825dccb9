//! A real PostgreSQL with everything that the policy knows. One server for all of it.

use std::time::Duration;

use ansai_harness::{Daemon, Ran};
use serde_json::Value;

use super::site::{SECRET, Site};
use crate::certificates::{done, finding, steps};

const LIMIT: Duration = Duration::from_secs(30);

/// The steps of a finding of the first target.
fn steps_of(ran: &Ran, key: &str) -> Vec<(String, String)> {
    steps(&finding(ran, key))
}

/// A finding that is reported and left to a person.
fn is_told(ran: &Ran, key: &str) {
    let found = finding(ran, key);
    assert!(found["status"]["unhealthy"].is_string(), "{found:#}");
    assert_eq!(steps(&found), [], "{found:#}");
    assert!(format!("{found}").contains("recommend"), "{found:#}");
}

/// Would break: a step on the wrong table, index or session; a session that is ended although it waits, copies or belongs to a
/// superuser; a slot that is dropped; a server with a wrong password that hides another one.
#[test]
fn a_real_postgresql_is_maintained_and_its_blockers_are_ended() {
    let Some(site) = Site::start(&["autovacuum_freeze_max_age=100000"]) else { return };
    tables_and_indexes_are_maintained(&site);
    the_root_of_a_chain_is_ended_and_nobody_else(&site);
    connections_are_told_and_kept(&site);
    sessions_are_ended_through_a_pooler(&site);
}

fn bloat(site: &Site, table: &str) {
    site.app(&format!(
        "create table {table} (id int, note text); insert into {table} select n, repeat('x', 100) from \
         generate_series(1, 20000) n; delete from {table} where id % 10 <> 0"
    ));
    let dead = format!("select n_dead_tup >= 18000 from pg_stat_user_tables where relname = '{table}'");
    site.server.wait_for("app", &dead, "t");
}

fn tables_and_indexes_are_maintained(site: &Site) {
    let (server, port) = (&site.server, site.server.port());
    server.sql("app", "select pg_create_physical_replication_slot('old', true)");
    bloat(site, "orders");
    site.app("create table customers (id int); insert into customers values (1), (1)");
    let failed = server.psql("app", "create unique index concurrently customers_id on customers (id)");
    assert_ne!(failed.code, 0, "there are two equal rows");
    site.app("delete from customers");
    // A role whose password ansai does not have.
    server.sql("app", "create role locked login password 'right'");
    let access = server.data().join("pg_hba.conf");
    let rules = std::fs::read_to_string(&access).unwrap();
    std::fs::write(&access, format!("host all locked 127.0.0.1/32 scram-sha-256\n{rules}")).unwrap();
    server.sql("app", "select pg_reload_conf()");

    let ran = site.once(&[("main-db", "ansai", port), ("other-db", "locked", port)]);
    assert_eq!(steps_of(&ran, "dead-rows:main-db/app/public/orders"), done(&["vacuum"]), "{ran:?}");
    let dead = "select pg_stat_get_dead_tuples('orders'::regclass)";
    server.wait_for("app", dead, "0");
    assert_eq!(steps_of(&ran, "index:main-db/app/public/customers_id"), done(&["reindex"]), "{ran:?}");
    assert_eq!(server.sql("app", "select indisvalid from pg_index where indexrelid = 'customers_id'::regclass"), "t");
    is_told(&ran, "replica:main-db/slot/old");
    assert_eq!(server.sql("app", "select count(*) from pg_replication_slots where slot_name = 'old'"), "1");
    let json = ran.json();
    let findings = json["instances"][0]["findings"].as_array().unwrap();
    let other: Vec<&Value> = findings.iter().filter(|one| one["key"].as_str().unwrap().contains("other-db")).collect();
    assert_eq!(other.len(), 1, "{other:#?}");
    assert!(other[0]["status"]["unknown"].is_string(), "{other:#?}");
    assert!(!format!("{ran:?}").contains(SECRET), "{ran:?}");
    server.sql("app", "select pg_drop_replication_slot('old')");
}

/// pg_dump that writes into a pipe that nobody reads.
fn dump(site: &Site) -> (Daemon, std::fs::File) {
    let pipe = site.place().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    let reader = std::fs::File::options().read(true).write(true).open(&pipe).unwrap();
    let program = site.server.packages().program("pg_dump").args(["-U", "app", "-d", "app", "-h"]);
    let dump =
        program.arg(site.server.socket_directory()).args(["-p", &site.server.port().to_string(), "-f"]).arg(pipe);
    let dump = dump.spawn();
    site.server.wait_for("app", &site.of("pg_dump", "count(*) filter (where wait_event = 'ClientWrite')"), "1");
    (dump, reader)
}

fn the_root_of_a_chain_is_ended_and_nobody_else(site: &Site) {
    let server = &site.server;
    site.app("create table hot (id int primary key, n int); insert into hot values (1, 0), (2, 0)");
    site.app("create table big (note text); insert into big select repeat('x', 1000) from generate_series(1, 20000)");
    // It holds the age of the oldest transaction.
    let _superuser = site.session("postgres", "console", "begin; select txid_current()");
    server.sql("app", "create role boss superuser login");
    let _boss = site.session("boss", "admin", "begin; select txid_current()");
    server.sql("app", "do $$ begin for i in 1..130000 loop perform txid_current(); commit; end loop; end $$");
    let (mut dump, _reader) = dump(site);
    let _migration = site.busy("migration", "alter table big add column more int");
    let _idle = site.session("app", "billing", "begin; select 1");
    let _busy = site.busy("worker", "begin; update hot set n = 1 where id = 1; select pg_sleep(600)");
    let _forgetful = site.session("app", "forgetful", "begin; update hot set n = 1 where id = 2");
    let mut victims: Vec<Daemon> = [("first", 1), ("second", 1), ("third", 2)]
        .map(|(name, id)| site.busy(name, &format!("update hot set n = n + 10 where id = {id}")))
        .into();
    let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'
                   and clock_timestamp() - query_start > '1200 ms'";
    server.wait_for("app", waits, "4");
    let keys = ["worker", "forgetful", "billing", "pg_dump", "console", "admin"].map(|name| site.key("main-db", name));
    let [worker, forgetful, billing, copying, console, admin] = &keys;
    let waiting = ["first", "second", "third", "migration"].map(|name| site.key("main-db", name));

    let ran = site.once(&[("main-db", "ansai", server.port())]);
    assert_eq!(steps_of(&ran, worker), done(&["cancel"]), "{ran:?}");
    assert_eq!(steps_of(&ran, forgetful), done(&["terminate"]), "{ran:?}");
    assert_eq!(steps_of(&ran, billing), done(&["terminate"]), "{ran:?}");
    // The policy spares the first two. The last one is a superuser, which only the host can see.
    for (key, why) in
        [(copying, "would have to begin again"), (console, "`spare_users`"), (admin, "belongs to a superuser")]
    {
        is_told(&ran, key);
        assert!(format!("{}", finding(&ran, key)).contains(why), "{why}: {ran:?}");
    }
    for key in waiting {
        assert!(!format!("{ran:?}").contains(&key), "one that waits is no finding: {ran:?}");
    }
    is_told(&ran, "connections:main-db");
    is_told(&ran, "wraparound:main-db");
    for victim in &mut victims {
        assert_eq!(victim.wait(LIMIT).code, 0, "{}", victim.transcript());
    }
    assert_eq!(server.sql("app", "select sum(n) from hot"), "30", "what was ended is rolled back, what waited is done");
    for (application, left) in
        [("billing", "0"), ("forgetful", "0"), ("pg_dump", "1"), ("console", "1"), ("admin", "1")]
    {
        assert_eq!(server.sql("app", &site.of(application, "count(*)")), left, "{application}");
    }
    assert!(!dump.has_ended(), "{}", dump.transcript());
}

/// They fill within seconds: that they run short is told, and that is no leak yet.
fn connections_are_told_and_kept(site: &Site) {
    site.server.wait_for("app", "select count(*) from pg_stat_activity where usename = 'app'", "0");
    let mut clients = Vec::new();
    for more in [9, 2, 2] {
        clients.extend((0..more).map(|_| site.session("app", "leaky", "select 1")));
        let ran = site.once(&[("main-db", "ansai", site.server.port())]);
        assert!(!format!("{ran:?}").contains("leak:main-db"), "{ran:?}");
    }
    assert_eq!(site.server.sql("app", &site.of("leaky", "count(*)")), "13");
}

fn sessions_are_ended_through_a_pooler(site: &Site) {
    let Some((_pooler, port)) = site.pooler() else { return };
    site.server.wait_for("app", "select count(*) from pg_stat_activity where usename = 'app'", "0");
    bloat(site, "returns");
    let _idle = site.session("app", "billing", "begin; select 1");
    site.server.wait_for("app", &site.of("billing", "clock_timestamp() - state_change > '1200 ms'"), "t");
    let key = site.key("pooled", "billing");
    let ran = site.once(&[("pooled", "ansai", port)]);
    assert_eq!(steps_of(&ran, &key), done(&["terminate"]), "{ran:?}");
    // A vacuum needs a session of its own with limits, which a pooler cannot give.
    let vacuum = steps_of(&ran, "dead-rows:pooled/app/public/returns");
    assert!(!vacuum.is_empty() && vacuum.iter().all(|(_, outcome)| outcome != "done"), "{vacuum:?}");
}
