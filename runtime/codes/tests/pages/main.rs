//! Pages: their shape, that they agree with the codes, their words, and the reference made of them.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, dead_code, reason = "tests")]

mod agreement;
#[path = "../../build/directory.rs"]
mod directory;
#[path = "../../build/parse.rs"]
mod parse;
mod prose;
mod reference;
mod shape;
