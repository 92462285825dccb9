//! Certificates of TLS: what is in one, whether a client would trust a chain, whether a key belongs to it, and what a
//! server presents. Both the domain of this machine and the domain of servers stand on it.
//!
//! It changes nothing, and reads no file but that of the host's authorities. Everything that it gets is from outside:
//! each size is bounded, and what is damaged is an error with its reason.
//!
//! - [`Certificate`]: what a policy sees of one.
//! - [`Bundle`]: the certificates of a file.
//! - [`judge`]: whether a client would trust a chain.
//! - [`pairing`]: whether a key belongs to a certificate.
//! - [`client`]: what a server presents.
//!
//! ```
//! use ansai_certificates::{Bundle, BundleError};
//! assert!(matches!(Bundle::read(b"no certificate"), Err(BundleError::NoCertificate)));
//! ```

mod bundle;
pub mod client;
mod describe;
mod inquiry;
mod key;
mod links;
mod roots;
mod trust;

pub use bundle::{Bundle, BundleError, MOST_CERTIFICATES};
pub use describe::{Certificate, describe, fingerprint, validity};
pub use inquiry::certificate_id;
pub use key::{Pairing, pairing};
pub use links::{Links, names_cover};
pub use roots::Roots;
pub use rustls::pki_types::CertificateDer;
pub use trust::{Distrust, Judgement, judge};
