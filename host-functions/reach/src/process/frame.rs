//! Frames between the supervisor and the process that calls servers: JSON.

use std::net::SocketAddr;

use ansai_core::Millis;
use ansai_kit::carrier::RequestText;
use ansai_kit::lookup::LookupError;
use ansai_kit::passed::Wiped;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::carried::MOST_REPLY_BYTES;

/// The largest request, in bytes.
pub(super) const MOST_REQUEST_BYTES: usize = 32 << 20;
/// The largest frame with a reply, in bytes.
pub(super) const MOST_REPLY_FRAME: usize = MOST_REPLY_BYTES + 256;

/// What the supervisor sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum ToChild<'a> {
    /// Answer this request, under this number.
    Call {
        number: u64,
        #[serde(borrow)]
        request: &'a RawValue,
    },
    /// Nobody waits for the reply of this number any more.
    Cancel(u64),
    /// What the name of this question was found to be.
    Found { id: u64, found: Found },
    /// With it comes a socket that is being connected, for this question.
    Connecting { id: u64 },
    /// There is no connection: the number of the error, or none if no call may reach the address.
    Refused { id: u64, error: Option<i32> },
}

/// What the supervisor sends about a question, which has nothing to borrow.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answers<'a> {
    Found { id: u64, found: &'a Found },
    Connecting { id: u64 },
    Refused { id: u64, error: Option<i32> },
}

/// What a name was found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Found {
    Addresses(Vec<SocketAddr>),
    None(LookupError),
}

/// What the process asks while it makes a call.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Asks {
    /// The addresses of a server, within `limit` milliseconds.
    LookUp { id: u64, host: String, port: u16, limit: Millis },
    /// A connection to a server.
    Connect { id: u64, address: SocketAddr },
}

/// What the process sends: one reply for each call.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FromChild<'a> {
    pub(super) number: u64,
    /// It has statements at servers that it knows more of than another process would.
    pub(super) busy: bool,
    #[serde(borrow)]
    pub(super) answer: &'a RawValue,
}

/// The frame of a call. It has the request's secrets, so it never grows, and is wiped.
pub(super) fn call(number: u64, request: &RequestText) -> Wiped {
    let begin = format!("{{\"call\":{{\"number\":{number},\"request\":");
    let mut frame = Wiped::new(Vec::with_capacity(request.len().saturating_add(128)));
    frame.extend_from_slice(begin.as_bytes());
    frame.extend_from_slice(request.as_bytes());
    frame.extend_from_slice(b"}}");
    frame
}

/// The frame of a cancellation.
pub(super) fn cancel(number: u64) -> Vec<u8> {
    format!("{{\"cancel\":{number}}}").into_bytes()
}
