//! Exit codes of the command line.

/// Success: everything is healthy, or was done.
pub const FINE: u8 = 0;
/// Any other error.
pub const OTHER: u8 = 1;
/// Wrong usage, manifest or configuration.
pub const USAGE: u8 = 2;
/// A finding is not healed.
pub const UNHEALTHY: u8 = 3;
/// Authorization or verification failed.
pub const REFUSED: u8 = 4;
/// Unknown: a probe or a policy failed, or something could not be read.
pub const UNKNOWN: u8 = 5;
/// An audit head cannot be verified: it belongs to another log, its signature is wrong, or its key is unknown.
pub const UNPROVEN: u8 = 6;

/// A new version of a policy can do more than the one before, so a person decides.
pub const WIDER: u8 = 7;

/// Every code with its meaning, for help, manual and reference.
pub const ALL: &[(u8, &str)] = &[
    (FINE, "success"),
    (OTHER, "any other error"),
    (USAGE, "wrong usage, manifest or configuration"),
    (UNHEALTHY, "a finding is not healed"),
    (REFUSED, "authorization or verification failed"),
    (UNKNOWN, "unknown: something could not be read"),
    (UNPROVEN, "an audit head cannot be verified"),
    (WIDER, "a new version of a policy can do more than the one before"),
];
