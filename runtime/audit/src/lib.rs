//! The durable, tamper-evident audit log of ansai, the store of its recordings, and the disk space reserved for writing
//! both on a full disk.
//!
//! - [`Log`] appends records, [`Reader`] reads them, [`verify()`] checks them. The content of a record is opaque to
//!   this crate. SHA-256 chains each record to the one before, so anyone who keeps a [`Head`] elsewhere can detect
//!   later whether a record up to it was removed or rewritten. A [`SignedHead`] says which key signed it, and
//!   [`HeadFile`] keeps the newest one next to the log.
//! - [`PendingDrop`] drops the beginning of a log, or moves it to an archive. A [`Beginning`] that the log's key signed
//!   names what was dropped, so the rest and heads that were kept elsewhere still verify.
//! - [`SharedLog`] lets several threads append; threads that wait for the disk at the same time share one sync.
//! - [`Recordings`] keeps the recordings of evaluations within a quota. The log holds only their hashes, so it stays
//!   verifiable when a recording is dropped.
//! - [`Ballast`] is disk space that can be released.
//!
//! It is not a database, and it cannot stop root from deleting the directory. It makes changes detectable, given a head
//! that was kept where this host's root cannot write.
//!
//! ```
//! use ansai_audit::{Durability, Log, Options, Reader, verify};
//!
//! let directory = tempfile::tempdir()?;
//! let (mut log, recovery) = Log::open(directory.path(), Options::default())?;
//! assert!(recovery.cut.is_none());
//! log.append(br#"{"event":"observed"}"#, Durability::Buffered)?;
//! let head = log.append(br#"{"event":"intended"}"#, Durability::Synced)?;
//!
//! let entries = Reader::open(directory.path())?.collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(entries[1].payload, br#"{"event":"intended"}"#);
//! assert_eq!(verify(directory.path(), Some(head))?.records, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ballast;
mod beginning;
mod corruption;
mod dropping;
mod flip;
mod frame;
mod head;
mod head_file;
mod key;
mod log;
mod public_key;
mod reader;
mod recordings;
mod recovery;
mod scan;
mod segment;
mod shared;
mod signed_head;
mod storage;
mod verify;

pub use ballast::{Ballast, BallastError};
pub use beginning::{Beginning, Destination, DropReason, Dropped, ParseBeginningError};
pub use corruption::{Corruption, Fault, ReadError};
pub use dropping::{DropError, DropRequest, PendingDrop, SealedSegment, first_record, sealed};
pub use frame::MAX_PAYLOAD_BYTES;
pub use head::{Head, ParseHeadError};
pub use head_file::{HeadFile, HeadFileError};
pub use key::{Key, KeyError};
pub use log::{AppendError, Durability, Log, MAX_GROUP_BYTES, Options, is_open};
pub use public_key::{LogId, ParseKeyError, PublicKey};
pub use reader::{Entry, Reader, Tail, Torn};
pub use recordings::{
    Catalog, Class, GetError, InvalidRecordingId, Listed, MAX_CONTENT_BYTES, PutError, PutRefusal, RecordingId,
    Recordings, RecordingsError, Retention, Stored,
};
pub use recovery::{Check, CutTail, Kept, OpenError, Recovery};
pub use segment::SegmentName;
pub use shared::SharedLog;
pub use signed_head::{ParseSignedHeadError, SignedHead};
pub use storage::StorageError;
pub use verify::{HeadFault, Verified, Verifier, VerifyError, make_durable, verify};
