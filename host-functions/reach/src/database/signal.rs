//! `cancel` and `terminate`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_core::{Millis, Outcome, Preview, Refusal, Reversibility, Touch};
use ansai_kit::action::{Applied, Begun, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::engine::{self, Control, Identity};
use super::fields::{APPLICATIONS, MIN_MINUTES, USERS};
use super::names::{self, shown};
use super::seen::Seen;

/// One call of the executor.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a session may take to end.
const END: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// What a session is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Cancel,
    Terminate,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Arguments {
    target: String,
    session: String,
    reason: String,
}

/// The session of a step, as it was previewed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Targeted {
    target: String,
    identity: Identity,
    pub(crate) user: String,
    pub(crate) application: String,
    database: String,
    /// Where the server runs, by the labels of its target.
    unit: Option<String>,
    mount: Option<String>,
}

impl Signal {
    fn done(self) -> &'static str {
        match self {
            Signal::Cancel => "cancelled",
            Signal::Terminate => "ended",
        }
    }
}

impl Targeted {
    fn session(&self, doing: &StepContext<'_>) -> Result<Box<dyn Control>, Refusal> {
        engine::of(doing.reach, &self.target)?.session(doing.reach, &self.target, self.identity)
    }

    fn name(&self) -> String {
        let (pid, user, application) = (self.identity.number(), shown(&self.user), shown(&self.application));
        format!("{pid} of {user} ({application}) in {}", shown(&self.database))
    }

    fn applied(&self, outcome: Outcome, detail: String) -> Applied {
        Applied::of_one(self.name(), outcome, detail)
    }
}

impl TypedAction for Signal {
    type Arguments = Arguments;
    type Targets = Targeted;
    const NOUN: &'static str = "session";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { target, session, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Targeted), Refusal> {
        let engine = engine::of(ask.reach, &target)?;
        let identity = engine.identity(&session)?;
        let session = engine.session(ask.reach, &target, identity)?;
        let seen = session.seen(names::limit_of_preview(ask)?)?;
        seen.may_end(*self, identity.number(), ask.scope.minutes(&MIN_MINUTES))?;
        let Seen { user, application, database, .. } = seen;
        let labels = &session.target().target.labels;
        let (unit, mount) = (names::label(labels, names::UNIT), names::label(labels, names::MOUNT));
        let targeted = Targeted { target, identity, user, application, database, unit, mount };
        let mut preview = Preview::nothing(names::session(&targeted.target, identity.number()));
        preview.items = 1;
        preview.reversible = Reversibility::None;
        // The client loses its connection, and nobody knows for how long.
        preview.interrupts = if *self == Signal::Cancel { Some(Millis::ZERO) } else { None };
        preview.sample.push(targeted.name());
        Ok((preview, targeted))
    }

    fn touches(&self, preview: &Preview, what: &Targeted) -> Vec<Touch> {
        let mut touches = vec![Touch::exclusive(preview.about.clone()), Touch::shared(names::target(&what.target))];
        touches.extend(names::where_it_runs(what.unit.as_deref(), what.mount.as_deref()));
        touches
    }

    fn canonical(&self, _preview: &Preview, what: &Targeted) -> Vec<Canonical> {
        vec![Canonical::new(&USERS, shown(&what.user)), Canonical::new(&APPLICATIONS, shown(&what.application))]
    }

    fn describe(&self, what: Targeted) -> Described {
        Described { names: vec![what.name()], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Begun, Refusal> {
        let (number, min_minutes) = (targets.identity.number(), doing.scope.minutes(&MIN_MINUTES));
        let session = targets.session(doing)?;
        session.seen(LIMIT)?.may_end(*self, number, min_minutes)?;
        let unknown = |why: &Refusal| {
            Ok(Begun::Finished(Applied::unknown(format!("nobody knows whether {number} was signalled: {why}"))))
        };
        let sent = match session.send(LIMIT, *self, &targets, min_minutes) {
            Ok(sent) => sent,
            Err(why @ Refusal::TimedOut(_)) => return unknown(&why),
            Err(why) => return Err(why),
        };
        if !sent {
            return Err(Refusal::Changed(format!("session {number} changed meanwhile")));
        }
        let began = Instant::now();
        let name = targets.name();
        loop {
            match session.is_over(LIMIT, *self) {
                Ok(true) => {
                    let detail = format!("session {name} was {}", self.done());
                    return Ok(Begun::Finished(targets.applied(Outcome::Done, detail)));
                }
                Ok(false) if began.elapsed() < END => std::thread::sleep(PAUSE),
                Ok(false) => {
                    let detail = format!("session {name} was told to end, and still goes on");
                    return Ok(Begun::Finished(targets.applied(Outcome::Failed, detail)));
                }
                Err(why) => return unknown(&why),
            }
        }
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("a session that was ended cannot be restored".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        let name = targets.name();
        Ok(match targets.session(doing)?.is_over(LIMIT, *self)? {
            true => targets.applied(Outcome::Done, format!("session {name} is over")),
            false => targets.applied(Outcome::Failed, format!("session {name} was not {}", self.done())),
        })
    }
}
