//! `[host.storm]`, `[host.budget]` and `[policy.NAME.budget]`.

use ansai_config::{Diagnostics, HostConfig, HostSafety};
use ansai_core::storm::StormPolicy;
use ansai_core::{Millis, TotalBound, TotalBudget};

use super::INTERFACES;

fn parse(text: &str) -> Result<HostConfig, Diagnostics> {
    HostConfig::parse("ansai.toml", text, INTERFACES)
}

#[test]
fn a_host_is_bounded_without_any_configuration() {
    let config = parse("[policy.a]\n").unwrap();
    assert_eq!(config.safety, HostSafety { storm: StormPolicy::default(), budget: TotalBudget::of_host() });
    assert_eq!(config.safety.budget.limits.get(&TotalBound::Restarts), Some(&50));
    assert_eq!(config.policies["a"].budget, TotalBudget::unlimited());
}

#[test]
fn what_is_written_replaces_the_default_and_leaves_the_rest() {
    let config = parse(
        "[host.storm]\nincidents = 100\nwithin = \"1h\"\n[host.budget]\nmax_restarts = 0\nmax_bytes = \"1GiB\"\n\
         per_hours = 744\n[policy.a.budget]\nmax_files = 5\nmax_interruption = \"0s\"\n",
    );
    let config = config.unwrap();
    let expected = StormPolicy { incidents: 100, within: Millis::from_hours(1), ..StormPolicy::default() };
    assert_eq!(config.safety.storm, expected);
    let host = &config.safety.budget;
    let limits = [(TotalBound::Bytes, 1 << 30), (TotalBound::Restarts, 0), (TotalBound::Interruption, 3_600_000)];
    assert_eq!((&host.limits, host.window), (&limits.into(), Millis::from_hours(744)));
    let own = [(TotalBound::Files, 5), (TotalBound::Interruption, 0)];
    assert_eq!(config.policies["a"].budget, TotalBudget { limits: own.into(), ..TotalBudget::unlimited() });
}

#[test]
fn bad_numbers_are_refused_with_their_codes() {
    for (text, code) in [
        ("[host.storm]\nincidents = 0", "out-of-range"),
        ("[host.storm]\nincidents = -1", "out-of-range"),
        ("[host.storm]\nfailed_steps = 0", "out-of-range"),
        ("[host.storm]\nwithin = \"0s\"", "out-of-range"),
        ("[host.storm]\nwithin = \"-10m\"", "bad-quantity"),
        ("[host.storm]\nquiet = \"10 years\"", "bad-quantity"),
        ("[host.storm]\nquiet = \"4000d\"", "out-of-range"),
        ("[host.storm]\nquiet = 10", "wrong-type"),
        ("[host.storm]\nincident = 10", "unknown-key"),
        ("[host]\nstorm = 5", "wrong-type"),
        ("[host.budget]\nmax_restarts = -1", "out-of-range"),
        ("[host.budget]\nmax_restarts = \"many\"", "wrong-type"),
        ("[host.budget]\nmax_interruption = \"-5m\"", "bad-quantity"),
        ("[host.budget]\nmax_interruption = \"900d\"", "out-of-range"),
        ("[host.budget]\nper_hours = 0", "out-of-range"),
        ("[host.budget]\nper_hours = 745", "out-of-range"),
        ("[policy.a.budget]\nmax_units = 3", "unknown-key"),
    ] {
        let problems = parse(text).unwrap_err();
        assert_eq!(problems.entries()[0].code.to_string(), code, "{text}");
    }
}
