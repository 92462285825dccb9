//! Exit codes of the command line.

/// All is well, or what was asked for was done.
pub const FINE: u8 = 0;
/// Anything that has no code of its own.
pub const OTHER: u8 = 1;
/// Wrong usage, manifest or configuration.
pub const USAGE: u8 = 2;
/// Something is wrong on the host and not healed.
pub const UNHEALTHY: u8 = 3;
/// Refused by authorization or verification.
pub const REFUSED: u8 = 4;
/// Could not tell: a probe failed, a policy had no answer.
pub const UNKNOWN: u8 = 5;

/// A head that the audit log was to be compared with is of another log, wrongly signed, or of an unknown key.
pub const UNPROVEN: u8 = 6;

/// Every code with its meaning, for help, manual and reference.
pub const ALL: &[(u8, &str)] = &[
    (FINE, "fine"),
    (OTHER, "anything else"),
    (USAGE, "wrong usage, manifest or configuration"),
    (UNHEALTHY, "something is wrong on the host and not healed"),
    (REFUSED, "refused by authorization or verification"),
    (UNKNOWN, "could not tell"),
    (UNPROVEN, "a head of the audit log proves nothing: of another log, wrongly signed, or of an unknown key"),
];
