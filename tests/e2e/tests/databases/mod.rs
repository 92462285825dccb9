//! The policy `database-health` with real servers.

mod postgresql;
mod site;
