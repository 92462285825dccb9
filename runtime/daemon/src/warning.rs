//! What is probably not meant, and keeps nothing from running.

use ansai_config::{Diagnostics, LimitsChange, Manifest};
use ansai_core::watch::{Wanted, WantedBy};
use ansai_core::{Code, InstanceName, Shares, codes};
use ansai_kit::authorize::Scopes;

/// A warning with its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// A word that stays the same from version to version.
    pub code: Code,
    /// A fragment without full stop.
    pub message: String,
}

impl Warning {
    /// With this message.
    pub fn new(code: Code, message: impl Into<String>) -> Warning {
        Warning { code, message: message.into() }
    }

    /// Those of a file that people wrote.
    pub fn of(diagnostics: &Diagnostics) -> impl Iterator<Item = Warning> {
        diagnostics.entries().into_iter().map(|entry| Warning::new(entry.code, entry.message))
    }

    /// Limits that an author asks for and that the operator does not set: only the operator raises a limit.
    pub fn of_asked_limits(instance: &str, manifest: &Manifest, operator: &LimitsChange) -> Vec<Warning> {
        let warning = |one: ansai_config::RaisedLimit| {
            let message = format!(
                "the author of {instance} asks for {key} = {value}, which is not in force; to raise it, write \
                 {key} = {value} below [policy.{instance}.limits]: {cost}",
                key = one.key,
                value = one.value,
                cost = one.cost,
            );
            Warning::new(codes::RAISED_LIMIT, message)
        };
        manifest.limits.raised_beyond(operator).into_iter().map(warning).collect()
    }

    /// What a policy wants to watch and the scopes in force do not permit. It is evaluated by time all the same.
    pub fn of_watches(instance: &InstanceName, watches: &[Wanted], scopes: &Scopes) -> Vec<Warning> {
        let registry = ansai_host_functions::builtin();
        let warning = |wanted: &Wanted| {
            let refusal = ansai_host_functions::may_watch(&registry, instance, &wanted.watch, scopes).err()?;
            let message = format!("{instance} is not woken by {}: {refusal}", wanted.watch);
            Some(Warning::new(codes::WATCH_NOT_GRANTED, message))
        };
        watches.iter().filter(|wanted| wanted.by == WantedBy::Policy).filter_map(warning).collect()
    }

    /// What limits cost that the operator raised above the defaults.
    pub fn of_raised_limits(limits: &LimitsChange) -> Vec<Warning> {
        Warning::of_raised(limits.raised())
    }

    /// What shares cost that the operator raised above the defaults.
    pub fn of_raised_shares(shares: &Shares) -> Vec<Warning> {
        Warning::of_raised(ansai_config::raised_shares(shares))
    }

    fn of_raised(raised: Vec<ansai_config::RaisedLimit>) -> Vec<Warning> {
        let warning = |one: ansai_config::RaisedLimit| {
            let message = format!("{} = {} is above the default {}: {}", one.key, one.value, one.default, one.cost);
            Warning::new(codes::RAISED_LIMIT, message)
        };
        raised.into_iter().map(warning).collect()
    }
}
