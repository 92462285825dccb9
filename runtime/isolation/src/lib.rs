//! Disposable processes of ansai itself that run what ansai does not trust, and the channel to them.
//!
//! The supervisor is root. Guest code and clients of servers run in processes that can do nothing but answer it:
//!
//! - [`process`]: starts this program again by a clean exec, with one socket; it is killed when it is dropped.
//! - [`channel`]: framed messages over that socket. The supervisor believes nothing that comes through it.
//! - [`confine`]: what the child does to itself before it reads the first frame.
//! - [`doctor`]: starts a process of each profile to see what this host can do.
//! - [`at_rest`]: gives back memory that only a start needs.
//! - [`report`]: which separations are in force, and why one is not; [`started`]: those of the processes that were started.
//!
//! It knows neither policies nor servers: the content of a frame is bytes.
//!
//! ```no_run
//! use ansai_isolation::{Process, Profile, Start};
//! use std::time::Duration;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let start = Start::new("guest-worker", Profile::Guest, "built-in");
//! let (process, channel, report) = Process::start_reported(&start, Duration::from_secs(5))?;
//! let mut channel = channel.into_async()?;
//! channel.send(b"{}", None, Duration::from_secs(1)).await?;
//! let answer = channel.receive(1 << 20, Duration::from_secs(1)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The child, as the first thing in `main`, before it starts a thread:
//!
//! ```no_run
//! # fn example(job: &str) -> u8 {
//! ansai_isolation::confine::run(job, |mut channel| {
//!     while let Ok(frame) = channel.receive(1 << 20, None) {
//!         channel.send(&frame.payload, None, None)?;
//!     }
//!     Ok::<(), ansai_isolation::ChannelError>(())
//! })
//! # }
//! ```

pub mod at_rest;
pub mod channel;
pub mod confine;
pub mod doctor;
pub mod process;
pub mod report;
pub mod started;

pub use channel::{BlockingChannel, Channel, ChannelError, Frame};
pub use process::{Account, Ended, Limits, Process, Start, StartError};
pub use report::{Missing, Profile, Report, Separation};
