//! Calls a hook.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::hook::{Does, HookCall, Linked, Parameter, Values};
use ansai_core::text::inert;
use ansai_core::{Refusal, Subject};
use ansai_kit::carrier::Carrier;
use ansai_kit::hook::HookAccess;
use ansai_kit::host::Host;
use ansai_kit::program::User;
use ansai_kit::secret::SecretSource;
use ansai_kit::target::Reach;

use super::answer::Answer;
use super::command;
use super::request::{self, Request};
use super::resolved::{Resolved, What};
use super::subject;

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// It did not begin.
    NotBegun(Refusal),
    /// It exceeded its limit; with what it had said.
    TimeLimit(Answer),
    /// Nobody waited any more.
    Stopped(Answer),
    /// It began, and the server gave no whole answer.
    NoAnswer(String),
    /// It began, and the system does not say how it ended.
    Unknown(String),
}

/// A call that was looked up: what it means, and what it needs.
pub(super) struct Call<'a> {
    pub(super) resolved: Resolved,
    secret: Option<&'a SecretSource>,
    about: Subject,
    /// What sends its request; `None`: this process does.
    carrier: Option<Arc<dyn Carrier>>,
}

/// A hook by its name, if it does this.
pub(super) fn hook<'a>(reach: &'a Reach, name: &str, does: Does) -> Result<&'a HookAccess, Refusal> {
    let access = reach.hook(name)?;
    match (access.hook.does, does) {
        (Does::Acts, Does::Reads) => {
            Err(Refusal::Denied(format!("the hook {name} acts, so no probe asks it; propose hook-actions.run")))
        }
        (Does::Reads, Does::Acts) => {
            Err(Refusal::Denied(format!("the hook {name} only reads, so no step runs it; ask it with hook-probe.ask")))
        }
        _ => Ok(access),
    }
}

impl<'a> Call<'a> {
    /// The call of a hook with these parameters.
    pub(super) fn of(host: &Host, access: &'a HookAccess, name: &str, chosen: &[Parameter]) -> Result<Self, Refusal> {
        let values = access.hook.values(name, chosen)?;
        Call::with(host, access, name, &access.hook.call, &values)
    }

    fn with(
        host: &Host,
        access: &'a HookAccess,
        name: &str,
        call: &HookCall,
        values: &Values,
    ) -> Result<Self, Refusal> {
        let resolved = Resolved::of(host, name, call, access.hook.limit, values)?;
        let carrier = host.carrier().cloned();
        Ok(Call { resolved, secret: access.secret.as_ref(), about: subject(name), carrier })
    }

    /// The undo or the check of a hook, with the parameters of the hook.
    pub(super) fn linked(
        host: &Host,
        reach: &'a Reach,
        (access, name): (&'a HookAccess, &str),
        linked: &Linked,
        chosen: &[Parameter],
    ) -> Result<Self, Refusal> {
        let values = access.hook.values(name, chosen)?;
        match linked {
            Linked::Own(call) => Call::with(host, access, name, call, &values),
            // The operator has named it here, so it needs no grant of its own.
            Linked::Hook(other) => {
                let to = reach.hook(other)?;
                let wanted = |parameter: &&Parameter| to.hook.parameters.contains_key(&parameter.name);
                let chosen: Vec<Parameter> = chosen.iter().filter(wanted).cloned().collect();
                Call::of(host, to, other, &chosen)
            }
        }
    }

    /// Calls it: until it ends, exceeds its limit or `most`, or `is_over`.
    pub(super) fn run(&self, most: Duration, is_over: &dyn Fn() -> bool) -> Result<Answer, Failed> {
        let limit = Duration::from(self.resolved.limit).min(most);
        let about = self.about.clone();
        match &self.resolved.what {
            What::Command { words, uid, gid, .. } => {
                command::run(about, words, User { uid: *uid, gid: *gid }, limit, is_over)
            }
            What::Request { method, url, body, secret_header, .. } => {
                let secret = self.secret.map(SecretSource::read).transpose().map_err(|error| {
                    // Without the path: it is not the policy's business.
                    Failed::NotBegun(Refusal::Unavailable(format!("its secret cannot be used ({})", error.code())))
                })?;
                let secret = secret.map(|secret| (secret_header.clone(), secret));
                request::send(
                    about,
                    Request { method: *method, url: url.clone(), body: body.clone(), secret },
                    (limit, is_over),
                    self.carrier.clone(),
                )
            }
        }
    }
}

/// A call that has no answer, as a refusal of a probe.
pub(super) fn refusal(name: &str, failed: Failed) -> Refusal {
    let said = |answer: &Answer| match answer.message.as_str() {
        "" => String::new(),
        message => format!(": {}", inert(message, 200)),
    };
    match failed {
        Failed::NotBegun(refusal) => refusal,
        Failed::TimeLimit(answer) | Failed::Stopped(answer) => {
            Refusal::TimedOut(format!("the hook {name} did not end within {}{}", answer.took, said(&answer)))
        }
        Failed::NoAnswer(why) | Failed::Unknown(why) => Refusal::Unavailable(format!("the hook {name}: {why}")),
    }
}
