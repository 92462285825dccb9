//! The durable, tamper-evident record of ansai, the store of its recordings, and the space set aside to write both
//! on a full disk.
//!
//! - [`Log`] appends records, [`Reader`] reads them back, [`verify()`] checks them. A record is bytes that others made:
//!   this crate does not look into it. Each record is chained to the one before by SHA-256, so whoever keeps a
//!   [`Head`] elsewhere can tell later whether anything up to it was cut or rewritten. A [`SignedHead`] says whose
//!   head it is, and [`HeadFile`] keeps the newest beside the log.
//! - [`SharedLog`] lets several threads append; those that wait for the disk at the same time share one sync.
//! - [`Recordings`] keeps the recordings of evaluations within a quota. The log holds only their hashes, so dropping
//!   one leaves the log verifiable.
//! - [`Ballast`] is space that can be given up.
//!
//! It is not a database, and does not stop root from deleting the directory: it makes
//! changes visible, given a head that was kept where root of this host could not write.
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
mod corruption;
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
pub use corruption::{Corruption, Fault, ReadError};
pub use frame::MAX_PAYLOAD_BYTES;
pub use head::{Head, ParseHeadError};
pub use head_file::{HeadFile, HeadFileError};
pub use key::{Key, KeyError};
pub use log::{AppendError, Durability, Log, MAX_GROUP_BYTES, Options};
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
