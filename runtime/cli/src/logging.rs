//! The log of the program, on standard error or in the journal.

use ansai_core::codes;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::exit::Fault;
use crate::output::colour;
use crate::service_manager::journal;
use crate::service_manager::trace_log::TraceLog;

/// Starts logging: as `-v` asks, else as the configuration says, else warnings only.
pub(crate) fn start(verbosity: u8, configured: Option<&str>) -> Result<(), Fault> {
    let filter = match (verbosity, configured) {
        (0, Some(filter)) => filter,
        (0, None) => "warn",
        (1, _) => "info",
        (2, _) => "debug",
        _ => "trace",
    };
    // Cranelift logs a lot, and nothing about the host.
    let own = |filter: &str| match verbosity {
        0 => filter.to_owned(),
        _ => format!("{filter},cranelift_codegen=warn,wasmtime=warn,wasmtime_internal_cranelift=warn,regalloc2=warn"),
    };
    let filter = EnvFilter::try_new(own(filter)).map_err(|error| {
        Fault::usage(codes::LOG_FILTER, format!("invalid `log` filter in [daemon]: {error}"))
            .hint("for example, log = \"info\"")
    })?;
    let journal = journal::of_stderr();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colour::on_stderr())
        .with_target(verbosity > 1);
    let started = tracing_subscriber::registry()
        .with(filter)
        .with(journal.map(TraceLog))
        .with(journal.is_none().then_some(lines))
        .try_init();
    started.map_err(|error| Fault::other(codes::LOG_FILTER, format!("cannot start logging: {error}")))
}
