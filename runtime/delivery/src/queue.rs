//! The messages that wait for one target: one file for each, named by its sequence number.

use std::collections::VecDeque;
use std::io;

use ansai_storage::{Directory, StorageError, WriteOptions};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// A larger file of the outbox is not read.
pub(crate) const MOST_BYTES: u64 = 64 << 20;

/// Maximum of what can wait for one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Number of messages.
    pub messages: usize,
    /// Size of all messages together, in bytes.
    pub bytes: u64,
}

impl Default for Capacity {
    fn default() -> Self {
        Capacity { messages: 1_000, bytes: 16 << 20 }
    }
}

/// The first line of a file; the content follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Header {
    name: String,
    id: String,
    content_type: String,
}

struct Waiting {
    sequence: u64,
    name: String,
    bytes: u64,
}

/// A queue on the disk.
pub(crate) struct Queue {
    directory: Directory,
    capacity: Capacity,
    waiting: VecDeque<Waiting>,
    bytes: u64,
    last: u64,
}

impl Queue {
    /// Opens or creates the queue; removes unfinished files and files that are not messages.
    pub(crate) fn open(directory: Directory, capacity: Capacity) -> Result<Queue, StorageError> {
        let mut queue = Queue { directory, capacity, waiting: VecDeque::new(), bytes: 0, last: 0 };
        let mut names = queue.directory.names()?;
        names.sort();
        for name in names {
            match sequence(&name).zip(read(&queue.directory, &name)) {
                Some((sequence, (header, body))) => queue.push(sequence, &header, body.len() as u64),
                None => {
                    queue.directory.remove(&name)?;
                }
            }
        }
        Ok(queue)
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds a message durably; returns how many were dropped to make room.
    pub(crate) fn put(&mut self, message: &Message) -> Result<u64, StorageError> {
        let Message { name, id, content_type, body, supersedes } = message;
        let header = Header { name: name.clone(), id: id.clone(), content_type: content_type.clone() };
        let (sequence, size) = (self.last + 1, body.len() as u64);
        let file = file_name(sequence);
        let failed = |error: io::Error| StorageError::at("write", self.directory.path_of(&file))(error);
        let mut bytes = serde_json::to_vec(&header).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        bytes.extend_from_slice(body);
        if size > self.capacity.bytes {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "the message is larger than the outbox")));
        }
        self.directory.replace(&file, &bytes, WriteOptions::default())?;
        if *supersedes {
            let superseded: Vec<u64> =
                self.waiting.iter().filter(|one| one.name == *name).map(|one| one.sequence).collect();
            superseded.into_iter().try_for_each(|sequence| self.remove(sequence))?;
        }
        self.push(sequence, &header, size);
        let mut dropped = 0;
        while self.waiting.len() > self.capacity.messages.max(1) || self.bytes > self.capacity.bytes {
            let Some(oldest) = self.waiting.front().map(|oldest| oldest.sequence) else { break };
            self.remove(oldest)?;
            dropped += 1;
        }
        Ok(dropped)
    }

    /// The oldest message and its sequence number.
    pub(crate) fn front(&mut self) -> Option<(u64, Message)> {
        loop {
            let sequence = self.waiting.front()?.sequence;
            let file = file_name(sequence);
            if let Some((Header { name, id, content_type }, body)) = read(&self.directory, &file) {
                return Some((sequence, Message { name, id, content_type, body, supersedes: false }));
            }
            tracing::error!("{} is not readable; the message is dropped", self.directory.path_of(file).display());
            // Continue even if the file cannot be removed: it must not block the other messages.
            let _ = self.remove(sequence);
        }
    }

    /// Removes a delivered or dropped message. A missing file is not an error.
    pub(crate) fn remove(&mut self, sequence: u64) -> Result<(), StorageError> {
        if let Some(index) = self.waiting.iter().position(|one| one.sequence == sequence)
            && let Some(removed) = self.waiting.remove(index)
        {
            self.bytes -= removed.bytes;
        }
        self.directory.remove(file_name(sequence)).map(drop)
    }

    fn push(&mut self, sequence: u64, header: &Header, bytes: u64) {
        self.waiting.push_back(Waiting { sequence, name: header.name.clone(), bytes });
        self.bytes += bytes;
        self.last = sequence;
    }
}

fn file_name(sequence: u64) -> String {
    format!("{sequence:020}.message")
}

fn sequence(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".message")?;
    if digits.len() == 20 { digits.parse().ok() } else { None }
}

fn read(directory: &Directory, name: &str) -> Option<(Header, Vec<u8>)> {
    let bytes = directory.read(name, MOST_BYTES).ok()??.bytes;
    if bytes.len() as u64 > MOST_BYTES {
        return None;
    }
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let header = serde_json::from_slice(bytes.get(..end)?).ok()?;
    Some((header, bytes.get(end + 1..)?.to_vec()))
}
