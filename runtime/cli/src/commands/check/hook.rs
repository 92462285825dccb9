//! Hooks: whether each can be called on this host. Runs nothing.

use ansai_core::codes;
use ansai_core::hook::{Does, Hook, HookCall};
use ansai_daemon::{Configuration, Warning};
use ansai_kit::host::Host;

use super::Checked;
use crate::exit::Fault;

/// Each hook, with what keeps it from being called.
pub(super) fn check(configuration: &Configuration) -> Vec<Checked> {
    let mut problems = configuration.hook_problems(&Host::at("/")).into_iter().peekable();
    let hook = |(name, configured): (&String, &ansai_config::ConfiguredHook)| {
        let mut checked = Checked::new(format!("[hook.{name}], {}", described(&configured.hook)));
        while let Some((_, problem)) = problems.next_if(|(of, _)| of == name) {
            let code = problem.error.code();
            // Whether systemd passes a credential, only a start by systemd can tell. Of several faults, the first is shown
            // with its place.
            if code == codes::NO_CREDENTIAL || checked.fault.is_some() {
                checked.warnings.push(Warning::new(code, problem.error.to_string()));
            } else {
                let message = format!("[hook.{name}] cannot be called");
                checked.fault = Some(Fault::invalid(message, configuration.hook_diagnostics(name, &problem)));
            }
        }
        checked
    };
    configuration.config.hooks.iter().map(hook).collect()
}

fn described(hook: &Hook) -> String {
    let does = match hook.does {
        Does::Reads => "reads",
        Does::Acts => "acts",
    };
    match &hook.call {
        HookCall::Command { user, .. } => format!("{does} as {user}, limit {}", hook.limit),
        HookCall::Url { method, .. } => format!("{does} by {}, limit {}", method.word(), hook.limit),
    }
}
