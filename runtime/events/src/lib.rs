//! The event stream: one ordered stream of [`ansai_core::Event`]s, and its subscribers.
//!
//! Publishing never waits for a subscriber. Each subscriber has its own queue with a capacity. If the queue is full,
//! the stream counts the missed events and puts [`Item::Missed`] in their place. A subscriber that panics or is dropped
//! is removed, with a log line.
//!
//! This crate does not know who publishes and where events go. What must be durable before the host acts does not
//! depend on a subscriber: the audit log of `ansai-supervisor` is written inside [`Stream::publish_after`], so the
//! stream has the order of the log.
//!
//! ```
//! use ansai_core::{Event, Timestamp};
//! use ansai_events::{Item, Stream};
//!
//! let stream = Stream::new();
//! let mut subscription = stream.subscribe("example", 2);
//! for why in ["one", "two", "three", "four"] {
//!     stream.publish(Timestamp::EPOCH, Event::Stopping { why: why.into() });
//! }
//! drop(stream);
//!
//! let mut seen = Vec::new();
//! while let Some(item) = subscription.next_blocking() {
//!     seen.push(match item {
//!         Item::Event(published) => published.sequence.to_string(),
//!         Item::Missed { count } => format!("missed {count}"),
//!     });
//! }
//! assert_eq!(seen, ["1", "2", "missed 2"]);
//! ```

mod queue;
mod stream;
mod subscriber;
mod subscription;

pub use stream::{Published, Stream, SubscriberStatus};
pub use subscriber::Subscriber;
pub use subscription::{Item, Subscription};
