//! The directories that ansai itself holds, and the one way to replace a file in them.
//!
//! - A [`Directory`] is opened once and used by its handle: whoever renames it, or puts a link in its place, does not
//!   redirect what is written through the handle. What is opened in it is one checked name, never a path, and never
//!   through a symbolic link.
//! - [`Directory::replace`] writes a file whole or not at all. After a crash the file holds the old content or the new
//!   content.
//! - [`Directory::open_trusted`] opens a directory that no other user can change, with every directory above it. What is
//!   opened in it is checked the same way. [`Trusted`] is that walk, [`Owned`] the check of owner and mode, and
//!   [`Directory::examine`] checks everything in a directory at once.
//!
//! It is not for the files of the host that policies act on: those are guarded by the host functions.
//!
//! ```
//! use ansai_storage::{Directory, WriteOptions};
//!
//! let place = tempfile::tempdir()?;
//! let state = Directory::create(place.path().join("state"))?;
//! state.replace("head", b"1", WriteOptions::default())?;
//! state.replace("head", b"2", WriteOptions::default())?;
//! assert_eq!(state.read("head", 100)?.expect("it was written").bytes, b"2");
//! assert!(state.read("../head", 100).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod access_list;
mod directory;
mod error;
mod examine;
mod files;
mod location;
mod name;
mod owned;
mod random;
mod replace;
mod source;
mod temporary;
mod trusted;

pub use access::{Access, Content, Metadata};
pub use directory::Directory;
pub use error::StorageError;
pub use location::Location;
pub use owned::{Exposure, GroupWrite, Owned, Problem};
pub use random::random;
pub use replace::{Durability, Existing, Permissions, WriteOptions};
pub use source::ToDirectory;
pub use temporary::is_temporary;
pub use trusted::{Links, TrustError, Trusted};

/// What an operation of this crate answers.
pub type Result<T> = std::result::Result<T, StorageError>;
