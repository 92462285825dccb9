//! Many tables and indexes, in pages.

use std::time::Duration;

use crate::database::reads::{come_in_pages, tables_come_in_pages};
use crate::scene::{DATABASE, Scene};

#[test]
fn many_tables_come_in_pages() {
    let Some(scene) = with_tables(20_000, "a int") else { return };
    tables_come_in_pages(&scene, 20_000);
    assert_eq!(scene.list(DATABASE, "list-indexes").len(), 0);
}

#[test]
#[ignore = "run by name: the server takes minutes to make the tables"]
fn a_hundred_thousand_tables_and_indexes_come_in_pages() {
    let Some(scene) = with_tables(100_000, "a int primary key") else { return };
    tables_come_in_pages(&scene, 100_000);
    come_in_pages(&scene, (DATABASE, "list-indexes"), 100_000);
}

/// A server with so many tables, each with these columns.
fn with_tables(count: usize, columns: &str) -> Option<Scene> {
    let scene = Scene::with(&["max_locks_per_transaction=4096"])?;
    scene.server.sql(
        "app",
        &format!(
            "create procedure many(from_n int, to_n int) language plpgsql as $$
             begin for n in from_n..to_n loop
               execute format('create table t%s ({columns})', n);
               if n % 2000 = 0 then commit; end if;
             end loop; end $$"
        ),
    );
    let made = scene.server.client("app", &format!("call many(1, {count})")).limit(Duration::from_secs(900)).run();
    made.expect_code(0);
    scene.server.sql("app", "analyze pg_class");
    Some(scene)
}
