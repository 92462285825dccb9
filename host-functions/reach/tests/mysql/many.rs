//! Many tables, in pages.

use std::fmt::Write as _;
use std::time::Duration;

use crate::database::reads::tables_come_in_pages;
use crate::scene::Scene;

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
    tables_come_in_pages(&scene, count);
}
