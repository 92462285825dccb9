//! Twenty thousand tables, in pages.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::scene::{DATABASE, Scene, TABLES, ask};

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
    let (mut cursor, mut seen, mut slowest) = (Value::Null, std::collections::BTreeSet::new(), Duration::ZERO);
    let mut pages = 0;
    loop {
        let began = Instant::now();
        let page = scene.ask(TABLES, "list-tables", &json!({"target": "db", "cursor": cursor})).unwrap();
        slowest = slowest.max(began.elapsed());
        pages += 1;
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= 256);
        seen.extend(entries.iter().map(|table| table["id"].to_string()));
        cursor = page["cursor"].clone();
        assert_eq!(page["complete"], cursor.is_null());
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (TABLES_OF_ALL, TABLES_OF_ALL.div_ceil(256)));
    eprintln!("{pages} pages, the slowest took {slowest:?}");
    // Time for nothing: refused, not an empty list.
    let none = ask(&scene.reach, Duration::ZERO, TABLES, "list-tables", &json!({"target": "db", "cursor": null}));
    assert!(none.is_err(), "{none:?}");
    assert_eq!(scene.list(DATABASE, "list-indexes").len(), 0);
}
