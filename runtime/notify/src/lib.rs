//! Tells people: what is told, to whom, through which channel.

pub mod channel;
pub mod message;
mod notifier;
pub mod outbox;
pub mod route;
pub mod tell;

pub use notifier::{ATTEMPT, ChannelUnderName, Notifier, Now, Parts, ReadLog, Tap, Tapped, tap};
