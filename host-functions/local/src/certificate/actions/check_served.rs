//! `check-served`.

use std::sync::Arc;
use std::time::Duration;

use ansai_certificates::Bundle;
use ansai_certificates::client::{self, Endpoint};
use ansai_core::text::inert;
use ansai_core::{Millis, Outcome, Preview, Refusal, Scope, Timestamp, Touch};
use ansai_kit::action::{
    Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction, read_handle,
};
use ansai_kit::call::to_text;
use ansai_kit::carrier::{Carrier, Handler, Lost, Masks, Octets, ask};
use ansai_kit::host::{Deadline, ProbeContext};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::applied;
use super::reload::subject;
use crate::certificate::fields::ENDPOINTS;
use crate::certificate::server::{self, Place};
use crate::certificate::site::Site;
use crate::check_step;

const AGAIN: Millis = Millis::new(500);
/// One handshake.
const LIMIT: Duration = Duration::from_secs(3);
/// The kind of requests to the process that calls servers.
const KIND: &str = "served-certificate";
/// The longest answer of the process, in bytes: one certificate in base64.
const MOST_ANSWER: usize = 256 << 10;

pub(super) struct CheckServed;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    target: String,
    endpoint: Endpoint,
    within: Millis,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handle {
    target: String,
    endpoint: Endpoint,
    until: Timestamp,
}

impl TypedAction for CheckServed {
    type Arguments = Arguments;
    type Targets = ();
    const NOUN: &'static str = "check";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, ()), Refusal> {
        check_step::require(arguments.within)?;
        Site::of(ask.host).require_this_machine()?;
        server::files(ask.reach, &arguments.target)?;
        arguments.endpoint.name()?;
        let mut preview = Preview::nothing(subject(&arguments.target));
        preview.takes = Some(arguments.within);
        let address = &arguments.endpoint.address;
        preview.sample = vec![format!("{address} presents the installed certificate within {}", arguments.within)];
        Ok((preview, ()))
    }

    /// It only looks.
    fn touches(&self, preview: &Preview, _targets: &()) -> Vec<Touch> {
        vec![Touch::shared(preview.about.clone())]
    }

    fn describe(&self, _targets: ()) -> Described {
        Described::default()
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Arguments { target, endpoint, within, .. } = what.arguments;
        let within = within.min(check_step::LONGEST);
        let handle = Handle { target, endpoint, until: doing.now + within };
        check_step::running(&handle, within)
    }

    fn undo(&self, _doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Ok(applied(&what.arguments.target, Outcome::Done, "a check changed nothing", Value::Null))
    }

    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(applied(&what.arguments.target, Outcome::Failed, "ansai ended before the check did", Value::Null))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Leave
    }

    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        let Handle { target, endpoint, until } = match read_handle(handle) {
            Ok(handle) => handle,
            Err(why) => return Progress::Finished(Applied::unknown(why)),
        };
        let why = match is_served(doing, &target, &endpoint) {
            Ok(true) => {
                let detail = format!("{} presents the installed certificate", endpoint.address);
                return Progress::Finished(applied(&target, Outcome::Done, detail, Value::Null));
            }
            Ok(false) => Refusal::TimedOut(format!("{} presents another certificate", endpoint.address)),
            Err(why) => why,
        };
        let detail = why.to_string();
        match doing.now >= until || matches!(why, Refusal::Denied(_)) {
            true => Progress::Finished(Applied {
                reason: Some(why),
                ..applied(&target, Outcome::Failed, detail, Value::Null)
            }),
            false => Progress::Running { note: detail, again_in: AGAIN },
        }
    }

    fn cancel(&self, _doing: &StepContext<'_>, _handle: &RawValue) -> Applied {
        check_step::cancelled()
    }
}

/// Whether the server presents the certificate in the target's file, and has its key.
fn is_served(doing: &StepContext<'_>, target: &str, endpoint: &Endpoint) -> Result<bool, Refusal> {
    // A check that runs since before a restart is authorized by nobody else.
    let denied = |_| Refusal::Denied(format!("{} is not granted any more", inert(&endpoint.address, 100)));
    doing.scope.covers(&ENDPOINTS, &endpoint.address).map_err(denied)?;
    let installed = Place::of(&server::files(doing.reach, target)?.certificate)?.read()?;
    let installed = Bundle::read(&installed).map_err(|error| Refusal::Unavailable(error.to_string()))?;
    let (leaf, has_key) = match doing.host.carrier() {
        Some(carrier) => carried(carrier.as_ref(), doing.scope, endpoint)?,
        None => presented(doing.scope, endpoint, LIMIT)?,
    };
    Ok(has_key && leaf.is_some() && leaf.as_deref() == installed.leaf().map(|leaf| leaf.as_ref()))
}

/// The certificate that a server presents, and that it has not shown to lack the key.
fn presented(scope: &Scope, endpoint: &Endpoint, within: Duration) -> Result<(Option<Vec<u8>>, bool), Refusal> {
    let permit = |address| client::permit(scope, &ENDPOINTS, endpoint, address);
    let presented = client::look(endpoint, within, &permit)?;
    Ok((presented.certificates.first().map(|leaf| leaf.to_vec()), presented.has_key != Some(false)))
}

/// As [`presented`], by the process that calls servers. A server could present the same, so an untrue answer wins nothing.
fn carried(carrier: &dyn Carrier, scope: &Scope, endpoint: &Endpoint) -> Result<(Option<Vec<u8>>, bool), Refusal> {
    let request = Looks { endpoint: endpoint.clone(), scope: scope.clone() };
    let deadline = Deadline::after(LIMIT);
    let server = client::reached(scope, &ENDPOINTS, endpoint);
    let (leaf, has_key): (Option<Octets>, bool) =
        ask(carrier, (KIND, &request), server, &Masks::of(&[]), (&deadline, false), MOST_ANSWER)
            .map_err(Lost::into_refusal)?;
    Ok((leaf.map(|leaf| leaf.expose().to_vec()), has_key))
}

/// A request as it crosses.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Looks {
    endpoint: Endpoint,
    scope: Scope,
}

/// Looks in the process that was asked to.
#[derive(Debug)]
pub(crate) struct LooksAtServer;

impl Handler for LooksAtServer {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn answer(&self, request: &str, deadline: &Deadline) -> Result<Box<RawValue>, Refusal> {
        let Looks { endpoint, scope } =
            serde_json::from_str(request).map_err(|error| Refusal::Invalid(error.to_string()))?;
        let (leaf, has_key) = presented(&scope, &endpoint, deadline.remaining())?;
        to_text(&(leaf.map(|leaf| Octets::of(&leaf)), has_key))
    }
}
