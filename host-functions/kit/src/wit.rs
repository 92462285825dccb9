//! The contract between host and policies, compiled in: all packages of the directory `wit/`.

/// File name and text of each package, in order of dependency. The build finds them.
pub const PACKAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/packages.rs"));
