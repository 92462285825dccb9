//! Twenty thousand tables, in pages.

use std::time::Duration;

use crate::database::reads::tables_come_in_pages;
use crate::scene::{DATABASE, Scene};

const TABLES_OF_ALL: usize = 20_000;

#[test]
fn many_tables_come_in_pages() {
    let Some(scene) = Scene::with(&["max_locks_per_transaction=4096"]) else { return };
    scene.server.sql(
        "app",
        "create procedure many(from_n int, to_n int) language plpgsql as $$
         begin for n in from_n..to_n loop
           execute format('create table t%s (a int)', n);
           if n % 2000 = 0 then commit; end if;
         end loop; end $$",
    );
    scene.server.client("app", &format!("call many(1, {TABLES_OF_ALL})")).limit(Duration::from_secs(180)).run().code(0);
    scene.server.sql("app", "analyze pg_class");
    tables_come_in_pages(&scene, TABLES_OF_ALL);
    assert_eq!(scene.list(DATABASE, "list-indexes").len(), 0);
}
