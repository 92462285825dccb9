//! The one guard that every action passes right before it removes or replaces a file of the host.
//!
//! A domain opens the directory that it acts in ([`root::Root`]), enters the [`guard::Guard`] with its
//! [`rules::Rules`], and asks it about each file: at the preview with [`foresee`](guard::Guard::foresee), right before
//! acting with [`check`](guard::Guard::check). A file passes if
//!
//! - it is the file of the preview, unchanged: device, inode, size, mtime and ctime ([`identity`]);
//! - no directory of ansai's own is above it ([`protected`]);
//! - it is a regular file on the root's mount, without special bits, with one name ([`rules`]);
//! - nobody works in a directory above it ([`busy_directories`]), it is mounted nowhere ([`mounted`]), and where age
//!   counts, tmpfiles.d does not exclude it from aging ([`tmpfiles`]);
//! - no process uses it. A lease of the kernel answers that where it can be had ([`lease`]), else a scan of `/proc`
//!   ([`open_files`]); in an overlay, both. The answer is yes, no or unknown, and unknown counts as in use.
//!
//! What passes is removed by [`safe_unlink`], which checks it a last time under a name that only ansai uses.

pub(crate) mod beneath;
mod busy_directories;
pub(crate) mod cgroup;
mod clock;
mod devices;
pub(crate) mod entry;
pub(crate) mod extents;
pub(crate) mod guard;
pub(crate) mod holder;
pub(crate) mod identity;
pub(crate) mod lease;
mod location;
mod mounted;
pub(crate) mod names;
pub(crate) mod open_files;
pub(crate) mod open_files_of_pages;
pub(crate) mod processes;
pub(crate) mod protected;
pub(crate) mod reason;
pub(crate) mod root;
pub(crate) mod rules;
pub(crate) mod safe_unlink;
pub(crate) mod step_name;
mod tmpfiles;
