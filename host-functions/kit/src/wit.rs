//! The contract between host and policies, compiled in: every package of the directory `wit/`.

/// File name and text of each package, each after the packages that it uses. The build finds them.
pub const PACKAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/packages.rs"));
