//! Tests of the real binary on real file systems and services, one file for each feature.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod answers;
mod authors;
mod backtest;
mod bench;
mod certificates;
mod compile;
mod crash;
mod daemon;
mod databases;
mod dev;
mod gone;
mod guests;
mod hangs;
mod heal;
mod hooks;
mod host;
mod how_to;
mod images;
mod inert;
mod isolations;
mod killed;
mod leak;
mod leak_held;
mod observe;
mod packaging;
mod publishing;
mod recordings_export;
mod scenario_mistakes;
mod scenario_update;
mod scenarios;
mod scene;
mod secrets;
mod service_kinds;
mod services;
mod tables;
mod tutorial;
mod undo;
mod unit;
mod walk;
