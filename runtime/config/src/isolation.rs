//! Which process runs the code of a policy.

/// Which process runs the code of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// A worker process without rights, which policies of the same trust level share.
    Process,
    /// A worker process that serves this instance alone.
    Own,
    /// The process of ansai itself.
    Thread,
}

/// The words of `isolation` in `[policy.NAME]`.
pub(crate) const OF_POLICY: &[(&str, Isolation)] =
    &[("process", Isolation::Process), ("own", Isolation::Own), ("thread", Isolation::Thread)];

/// The words of `isolation` in `[daemon]`.
pub(crate) const OF_DAEMON: &[(&str, Isolation)] = &[("process", Isolation::Process), ("thread", Isolation::Thread)];
