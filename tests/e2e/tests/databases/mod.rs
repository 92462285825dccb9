//! The policy `database-health` with real servers.

mod killed;
mod mysql;
mod postgresql;
mod site;
mod sqlite;
