//! Sends messages elsewhere: to a file, a command or a URL, on a schedule, with retries, from a durable outbox.
//!
//! It knows nothing of what it sends: a [`Message`] is bytes with a name. Whoever has something to send calls
//! [`Delivery::put`], which returns when the message is on the disk, and [`Delivery::deliver`] when something is due.
//!
//! - **At least once, in order.** A message leaves the outbox when its target has taken it. After a crash in between it
//!   is sent again, with the same [`Message::id`].
//! - **Bounded.** Beyond the capacity of a target its oldest message is dropped and counted.
//! - **To the target it was for.** Messages for a target that is no longer configured are dropped, not sent to its
//!   successor.
//! - **Nobody waits.** Each target is tried within its limit, beside the others; [`TargetStatus`] says how it goes.
//!
//! ```
//! use std::time::Duration;
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
//! let attempts = runtime.block_on(delivery.deliver(1_790_000_000_000, &stopping));
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

pub use delivery::{Attempted, Delivery, Options};
pub use message::Message;
pub use outbox::OutboxError;
pub use queue::Capacity;
pub use status::{TargetStatus, statuses};
pub use target::{Target, UrlTarget};
