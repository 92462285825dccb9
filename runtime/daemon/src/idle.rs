//! A supervisor that evaluates nothing: it does what a person asks for while no daemon runs.

use std::path::Path;
use std::sync::Arc;

use ansai_core::Mode;
use ansai_events::Stream;
use ansai_supervisor::authority::Authority;
use ansai_supervisor::{Options, Supervisor};

use crate::configuration::Configuration;
use crate::error::Error;
use crate::{host, state};

/// Opens the state of a daemon that is stopped. Needs a tokio runtime.
///
/// # Errors
/// There is no state, it is damaged or untrusted, or an ansai uses it.
pub(crate) fn open(
    configuration: Option<&Configuration>,
    state_dir: &Path,
    mode: Mode,
    authority: Arc<dyn Authority>,
) -> Result<Supervisor, Error> {
    let directory = state::existing(state_dir)?.ok_or_else(|| Error::NoState(state_dir.to_owned()))?;
    let options = Options {
        state_dir: directory,
        mode,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accept_clock: false,
        audit: configuration.map(|configuration| configuration.config.audit.clone()).unwrap_or_default(),
        events: Stream::new(),
    };
    let live = host::live(ansai_host_functions::builtin(), state_dir);
    Supervisor::open(options, Arc::new(live), authority, Vec::new())
        .map_err(|error| Error::Open { state_dir: state_dir.to_owned(), error })
}
