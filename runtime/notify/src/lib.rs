//! Tells people: what is told, to whom, through which channel.

pub mod channel;
mod digest;
pub mod message;
pub mod render;
pub mod template;
