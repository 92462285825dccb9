//! How requests of this machine are sent: the settings of the client that hooks and container engines share.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::config::{AutoHeaderValue, ConfigBuilder, IpFamily};
use ureq::typestate::AgentScope;

/// Follows no redirects, uses no proxy and no connection twice. The limit is for the whole call, so that a server that
/// sends one byte a second ends with it.
pub(crate) fn settings(limit: Duration, most_headers: usize) -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .timeout_global(Some(limit))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(most_headers)
        .max_idle_connections(0)
        // Ignore the proxy from the environment: requests go only where the configuration says.
        .proxy(None)
        .ip_family(IpFamily::Any)
        .user_agent(AutoHeaderValue::Provided(Arc::new(concat!("ansai/", env!("CARGO_PKG_VERSION")).to_owned())))
        .accept(AutoHeaderValue::None)
}
