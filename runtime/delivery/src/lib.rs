//! Delivers messages to a file, a command or a URL, on a schedule, with retries, from a durable outbox.
//!
//! The content of a message is opaque: a [`Message`] is bytes with a name. To send, call [`Delivery::put`], which
//! returns when the message is durable, and [`Delivery::deliver`] when a target is due.
//!
//! - **At least once, in order.** A message leaves the outbox when its target has received it. After a crash in between
//!   it is sent again, with the same [`Message::id`].
//! - **Bounded.** If a target's queue is full, its oldest message is dropped and counted.
//! - **Only to the intended target.** Messages for a target that is no longer configured are dropped, and not sent to
//!   its replacement.
//! - **Independent.** Each target has its own time limit and does not delay others; [`TargetStatus`] shows its state.
//!
//! ```
//! use std::time::Duration;
//! use ansai_core::Timestamp;
//! use ansai_delivery::{Capacity, Delivery, Message, Options, Target};
//! # let directory = tempfile::tempdir()?;
//! # let runtime = tokio::runtime::Runtime::new()?;
//! let file = directory.path().join("messages");
//! let options = Options { every_ms: None, limit: Duration::from_secs(10), capacity: Capacity::default() };
//! let delivery = Delivery::open(&directory.path().join("outbox"), vec![Target::File(file.clone())], options)?;
//! for target in delivery.targets() {
//!     delivery.put(target, &Message::new("greeting", "1", "text/plain", b"hello".to_vec()))?;
//! }
//! let (_stop, stopping) = tokio::sync::watch::channel(false);
//! let attempts = runtime.block_on(delivery.deliver(Timestamp::from_millis(1_790_000_000_000), &stopping));
//! assert!(attempts[0].error.is_none());
//! assert_eq!(std::fs::read_to_string(file)?, "hello\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attempt;
mod delivery;
mod message;
mod outbox;
mod queue;
mod schedule;
mod status;
mod target;
mod transport;

pub use ansai_http_client::{endpoint, retry_after};
pub use delivery::{Attempted, Delivery, Options};
pub use message::Message;
pub use outbox::OutboxError;
pub use queue::Capacity;
pub use schedule::rest_after;
pub use status::{TargetStatus, statuses};
pub use target::{Target, UrlTarget};
pub use transport::SendError;
pub use transport::post::HANDLER;
pub use transport::url::{agent, roots, roots_file, words};
