//! Many tables, and how long calls take.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ask;
use crate::scene::{Scene, TABLES};

/// All tables come, in full pages, and a call without time is refused.
pub(crate) fn tables_come_in_pages(scene: &Scene, count: usize) {
    come_in_pages(scene, (TABLES, "list-tables"), count);
    // Time for nothing: refused, not an empty list.
    let none = ask(&scene.reach, Duration::ZERO, TABLES, "list-tables", &json!({"target": "db", "cursor": null}));
    assert!(none.is_err(), "{none:?}");
}

/// All entries of a list come, each once, in full pages. Prints what that took.
pub(crate) fn come_in_pages(scene: &Scene, (interface, function): (&str, &str), count: usize) {
    let (mut cursor, mut seen, mut times) = (Value::Null, BTreeSet::new(), Vec::new());
    loop {
        let began = Instant::now();
        let page = scene.ask(interface, function, &json!({"target": "db", "cursor": cursor})).unwrap();
        times.push(began.elapsed());
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= 256);
        seen.extend(entries.iter().map(|entry| entry["id"].to_string()));
        cursor = page["cursor"].clone();
        assert_eq!(page["complete"], cursor.is_null());
        if cursor.is_null() {
            break;
        }
    }
    let pages = times.len();
    assert_eq!((seen.len(), pages), (count, count.div_ceil(256)));
    let all: Duration = times.iter().sum();
    times.sort();
    eprintln!("{function}: {pages} pages in {all:?}; median {:?}, slowest {:?}", times[pages / 2], times[pages - 1]);
}

/// Prints, and does not judge.
pub(crate) fn measure(scene: &Scene, calls: &[(&str, &str)]) {
    let none = json!({"target": "db", "cursor": null});
    for (interface, function) in calls {
        let mut times: Vec<_> = (0..50)
            .map(|_| {
                let began = Instant::now();
                scene.ask(interface, function, &none).unwrap();
                began.elapsed()
            })
            .collect();
        times.sort();
        eprintln!("{function}: median {:?}, p95 {:?}, most {:?}", times[25], times[47], times[49]);
    }
}
