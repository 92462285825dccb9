//! database-health: sees full, blocked, bloated and lagging databases, maintains what can be maintained beside normal work,
//! and ends sessions that block others. What every server has is in `server`; each engine has a module for the rest.

mod advice;
mod calls;
mod detect;
mod due;
mod mysql;
mod plan;
mod postgresql;
mod report;
mod server;
mod settings;
mod sqlite;
#[cfg(test)]
mod testing;

ansai_sdk::policy! {
    settings: settings::Settings,
    check: settings::Settings::check,
    detect: detect::detect,
    plan: plan::plan,
}
