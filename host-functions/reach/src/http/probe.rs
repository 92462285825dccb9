//! `look`.

use ansai_core::{Millis, Refusal};
use ansai_kit::host::ProbeContext;
use ansai_kit::remote::Server;

use super::exchange::{Exchange, ask};
use super::wire::{Answer, Look, Outcome, Request};

pub(super) fn parts(Look { requests }: Look) -> Vec<Request> {
    requests
}

pub(super) fn server(request: &Request) -> Server {
    Server::Target(request.target.clone())
}

pub(super) fn look(context: &ProbeContext<'_>, request: &Request) -> Result<Answer, Refusal> {
    let limit = context.deadline.remaining();
    ask(&Exchange { host: context.host, reach: context.reach, now: context.now, limit }, request)
}

pub(super) fn refused(_: &Request, refusal: Refusal) -> Answer {
    Answer::of(Outcome::Refused(refusal), Millis::ZERO)
}
