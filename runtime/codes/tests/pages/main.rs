//! Tests of the pages: their format, their match with the codes, their language, and the generated reference.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, dead_code, reason = "tests")]

mod agreement;
#[path = "../../build/directory.rs"]
mod directory;
#[path = "../../build/parse.rs"]
mod parse;
mod prose;
mod reference;
mod shape;
