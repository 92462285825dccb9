//! ansai as a service of systemd: it says when it is ready, what it does and that it lives, and writes to the journal with
//! fields. Without systemd, none of it happens.
//!
//! Both protocols are datagrams of text to a Unix socket, and systemd promises to keep them as they are (sd_notify(3),
//! systemd.io/JOURNAL_NATIVE_PROTOCOL). So there is no library between.

mod attend;
pub(crate) mod event_log;
mod fields;
pub(crate) mod journal;
mod notify;
pub(crate) mod trace_log;

pub(crate) use attend::attend;
pub(crate) use notify::ServiceManager;
