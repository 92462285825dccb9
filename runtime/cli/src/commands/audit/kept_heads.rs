//! Heads that were kept elsewhere: on the command line, or in a file with one per line.
#![expect(clippy::disallowed_methods, reason = "an adapter to files of heads")]

use std::io::Read as _;
use std::path::Path;

use ansai_audit::{Head, SignedHead};
use ansai_core::codes;
use serde::Deserialize;

use crate::exit::Fault;

/// One head an hour for a century.
const MOST_BYTES: u64 = 512 << 20;

/// A head as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeptHead {
    /// With the signature of a key.
    Signed(Box<SignedHead>),
    /// `SEQUENCE:HASH`, as a run prints it.
    Plain(Head),
}

/// The part of what is posted to a web server that matters here.
#[derive(Deserialize)]
struct Posted {
    head: String,
}

/// The heads of one argument: a head, or a file with one per line.
pub(super) fn read(argument: &str) -> Result<Vec<KeptHead>, Fault> {
    if let Ok(head) = argument.trim().parse() {
        return Ok(vec![KeptHead::Plain(head)]);
    }
    if SignedHead::looks_like(argument) || argument.starts_with('{') {
        return lines(argument, "--head");
    }
    let mut text = String::new();
    let opened = std::fs::File::open(Path::new(argument));
    let read = opened.and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) => lines(&text, argument),
        Err(error) => Err(Fault::usage(
            codes::BAD_HEAD,
            format!("--head {argument}: neither a head nor a readable file: {error}"),
        )
        .hint("pass a line printed by `ansai audit head`, or a file of such lines")),
    }
}

fn lines(text: &str, from: &str) -> Result<Vec<KeptHead>, Fault> {
    let mut heads = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        heads.push(one(line).map_err(|why| {
            Fault::usage(codes::BAD_HEAD, format!("{from}, line {number}: not a head: {why}"))
                .hint("delete the line if it is incomplete")
        })?);
    }
    if heads.is_empty() {
        return Err(Fault::usage(codes::BAD_HEAD, format!("{from} has no head"))
            .hint("pass a line printed by `ansai audit head`"));
    }
    Ok(heads)
}

fn one(line: &str) -> Result<KeptHead, String> {
    if line.starts_with('{') {
        let posted: Posted = serde_json::from_str(line).map_err(|error| error.to_string())?;
        return plain_or_signed(&posted.head);
    }
    plain_or_signed(line)
}

fn plain_or_signed(text: &str) -> Result<KeptHead, String> {
    match text.parse() {
        Ok(head) => Ok(KeptHead::Plain(head)),
        Err(_) => text
            .parse()
            .map(|head| KeptHead::Signed(Box::new(head)))
            .map_err(|error: ansai_audit::ParseSignedHeadError| error.to_string()),
    }
}
