//! Tells people: what is told, to whom, through which channel.

pub mod channel;
mod digest;
pub mod message;
mod notifier;
pub mod outbox;
pub mod render;
pub mod route;
pub mod tell;
pub mod template;

pub use notifier::{ATTEMPT, ChannelUnderName, Notifier, Now, Parts, ReadLog, Tap, Tapped, tap};
