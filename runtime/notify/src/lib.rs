//! Tells people: what is told, to whom, through which channel.

pub mod channel;
pub mod message;
