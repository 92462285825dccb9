//! The policy `database-health` with real servers.

mod mysql;
mod postgresql;
mod site;
mod sqlite;
