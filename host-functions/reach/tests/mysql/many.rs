//! Many tables, in pages.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::scene::{Scene, TABLES, ask};

#[test]
fn many_tables_come_in_pages() {
    in_pages(300);
}

#[test]
#[ignore = "run by name: the server takes minutes to make the tables"]
fn twenty_thousand_tables_come_in_pages() {
    in_pages(20_000);
}

fn in_pages(count: usize) {
    let Some(scene) = Scene::new() else { return };
    // Tables of another database come first, and are not seen.
    scene.server.sql("create database early; create table early.t (a int)");
    let mut statements = String::new();
    for n in 1..=count {
        let _ = writeln!(statements, "create table t{n} (a int);");
    }
    let file = scene.server.directory().join("tables.sql");
    std::fs::write(&file, statements).unwrap();
    let source = format!("source {}", file.display());
    scene.server.client("app").args(["app", "-e", &source]).limit(Duration::from_secs(900)).run().code(0);
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
    assert_eq!((seen.len(), pages), (count, count.div_ceil(256)));
    eprintln!("{pages} pages, the slowest took {slowest:?}");
    // Time for nothing: refused, not an empty list.
    let none = ask(&scene.reach, Duration::ZERO, TABLES, "list-tables", &json!({"target": "db", "cursor": null}));
    assert!(none.is_err(), "{none:?}");
}
