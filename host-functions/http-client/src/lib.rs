//! What all clients of HTTP in ansai have in common: how they connect, which authorities they trust, what failed.

mod connector;
mod failure;
mod trust;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::config::{AutoHeaderValue, Config, ConfigBuilder};
use ureq::tls::TlsConfig;
use ureq::typestate::AgentScope;

pub use connector::{HttpConnector, agent, connector, endpoint};
pub use failure::{Failure, is_time_limit};
pub use trust::{NoTrust, certificates, tls, trust, trusted_file};
pub use wait::retry_after;

/// The most bytes of the headers of an answer.
pub const MOST_HEADERS: usize = 16 << 10;

/// The longest that a connection is kept between two requests of one command.
const MOST_IDLE: Duration = Duration::from_secs(5);

/// Settings of one request. It follows no redirect, keeps no connection, and ends after `limit`. With `tls` it speaks nothing
/// else. `accept` is the header of that name.
pub fn config(limit: Duration, tls: Option<TlsConfig>, accept: Option<&str>) -> Config {
    builder(tls, accept).timeout_global(Some(limit)).max_idle_connections(0).build()
}

/// The same for several requests to one server, which keep one connection. Each request brings its own limit.
pub fn keeping(tls: Option<TlsConfig>) -> Config {
    builder(tls, None).max_idle_connections(1).max_idle_connections_per_host(1).max_idle_age(MOST_IDLE).build()
}

fn builder(tls: Option<TlsConfig>, accept: Option<&str>) -> ConfigBuilder<AgentScope> {
    let agent = concat!("ansai/", env!("CARGO_PKG_VERSION")).to_owned();
    let builder = Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(MOST_HEADERS)
        // Ignore the proxy of the environment: a request goes only where the configuration says.
        .proxy(None)
        .user_agent(AutoHeaderValue::Provided(Arc::new(agent)))
        .accept(accept.map_or(AutoHeaderValue::None, |types| AutoHeaderValue::Provided(Arc::new(types.to_owned()))));
    match tls {
        Some(tls) => builder.https_only(true).tls_config(tls),
        None => builder,
    }
}
