//! What plans and steps have in use: a thing is used by one of them alone, or shared by several.
//!
//! A plan waits until it can have everything that its steps touch, and then gets all of it at once. It holds nothing
//! while it waits, so no two plans can wait for each other. Plans that want the same thing get it in the order in which
//! they asked.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_core::{Access, Subject, Touch};
use tokio::sync::Notify;

/// The kind of the host as a whole. There is one host, so its name does not matter.
pub(crate) const HOST: &str = "host";

/// Everything that is in use. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Leases(Arc<Shared>);

#[derive(Default)]
struct Shared {
    table: Mutex<Table>,
    /// Something is free again, or nobody waits for it any more.
    changed: Notify,
}

#[derive(Default)]
struct Table {
    /// The number of the next request.
    next: u64,
    held: BTreeMap<u64, Request>,
    /// In the order of the requests.
    waiting: BTreeMap<u64, Request>,
}

/// What a plan or a step wants to use.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    holder: String,
    /// The plan that has it, or whose step does.
    plan: Option<String>,
    /// It is held for hours: nobody should wait for it.
    lasts: bool,
    /// The host is shared by everybody, also by requests that do not name it.
    uses: BTreeMap<Subject, Access>,
    host: Access,
}

impl Request {
    /// For a plan or a step, of these things. If a thing is named twice, exclusive applies.
    pub(crate) fn new(holder: impl Into<String>, touches: impl IntoIterator<Item = Touch>) -> Request {
        let (holder, uses) = (holder.into(), BTreeMap::new());
        let mut request = Request { holder, plan: None, lasts: false, uses, host: Access::Shared };
        for Touch { subject, access } in touches {
            let known = match subject.kind == HOST {
                true => &mut request.host,
                false => request.uses.entry(subject).or_insert(access),
            };
            *known = access.max(*known);
        }
        request
    }

    /// For a step of which nobody knows what it touches.
    pub(crate) fn of_everything(holder: impl Into<String>) -> Request {
        Request { host: Access::Exclusive, ..Request::new(holder, []) }
    }

    /// For this plan or a step of it.
    pub(crate) fn of_plan(self, plan: &str) -> Request {
        Request { plan: Some(plan.to_owned()), ..self }
    }

    /// For so long that nobody should wait for it.
    pub(crate) fn lasting(self) -> Request {
        Request { lasts: true, ..self }
    }

    fn is_of_same_plan(&self, other: &Request) -> bool {
        self.plan.is_some() && self.plan == other.plan
    }

    fn in_the_way_of(&self, request: &Request) -> Option<InUse> {
        let thing = request.conflict(self)?;
        Some(InUse { thing, holder: self.holder.clone() })
    }

    /// A thing that both use, and that one of them wants alone.
    fn conflict(&self, other: &Request) -> Option<String> {
        if self.host.max(other.host) == Access::Exclusive {
            return Some("the host".to_owned());
        }
        let collides = |(subject, access): &(&Subject, &Access)| {
            other.uses.get(*subject).is_some_and(|other| (*other).max(**access) == Access::Exclusive)
        };
        self.uses.iter().find(collides).map(|(subject, _)| subject.to_string())
    }
}

/// Why something cannot be used now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{thing} is in use by {holder}")]
pub(crate) struct InUse {
    thing: String,
    /// A plan or a step.
    holder: String,
}

impl Table {
    /// Who is in the way of a request that waits: who has something of it, or asked for it earlier.
    fn in_use(&self, number: u64, request: &Request) -> Option<InUse> {
        let earlier = self.waiting.range(..number).map(|(_, earlier)| earlier);
        self.held.values().chain(earlier).find_map(|other| other.in_the_way_of(request))
    }

    /// Who has something of a request. Its own plan is not in the way, and neither is who only waits.
    fn has(&self, request: &Request) -> Option<InUse> {
        let mut others = self.held.values().filter(|other| !request.is_of_same_plan(other));
        others.find_map(|other| other.in_the_way_of(request))
    }

    /// Who has something of a request for hours.
    fn has_for_long(&self, request: &Request) -> Option<InUse> {
        let mut lasting = self.held.values().filter(|other| other.lasts && !request.is_of_same_plan(other));
        lasting.find_map(|other| other.in_the_way_of(request))
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leases {
    /// Waits until everything can be used. Whoever drops the future waits no longer.
    ///
    /// # Errors
    /// Somebody has something of it for hours. To wait for that would hold up everybody who asks later.
    pub(crate) async fn take(&self, request: Request) -> Result<Lease, InUse> {
        let number = {
            let mut table = self.0.table();
            let number = table.number();
            table.waiting.insert(number, request);
            number
        };
        let waiting = Waiting { shared: self.0.clone(), number };
        loop {
            let mut changed = pin!(self.0.changed.notified());
            // From here on, no change is missed.
            changed.as_mut().enable();
            match waiting.try_take() {
                Ok(lease) => return Ok(lease),
                Err(Obstacle::Lasts(in_use)) => return Err(in_use),
                Err(Obstacle::Now(in_use)) => tracing::debug!("a plan waits: {in_use}"),
            }
            changed.await;
        }
    }

    /// Takes everything if it can be used now. Who only waits is not in the way: an undo, and the end of a step, may be what
    /// others wait for.
    ///
    /// # Errors
    /// Who uses something of it.
    pub(crate) fn try_take(&self, request: Request) -> Result<Lease, InUse> {
        let mut table = self.0.table();
        let number = table.number();
        match table.has(&request) {
            Some(in_use) => Err(in_use),
            None => Ok(self.hold(&mut table, number, request)),
        }
    }

    /// Who uses something of it now; `None` if it could be taken.
    pub(crate) fn in_use(&self, request: &Request) -> Option<InUse> {
        self.0.table().has(request)
    }

    /// Takes what a step has that runs already, whoever else has it.
    pub(crate) fn take_over(&self, request: Request) -> Lease {
        let mut table = self.0.table();
        let number = table.number();
        self.hold(&mut table, number, request)
    }

    fn hold(&self, table: &mut Table, number: u64, request: Request) -> Lease {
        let lasts = request.lasts;
        table.held.insert(number, request);
        if lasts {
            // Whoever waits for it learns that now.
            self.0.changed.notify_waiters();
        }
        Lease { shared: self.0.clone(), number }
    }
}

/// What is in the way of a request that waits.
enum Obstacle {
    /// To be waited for.
    Now(InUse),
    /// For hours.
    Lasts(InUse),
}

/// A request that waits.
struct Waiting {
    shared: Arc<Shared>,
    number: u64,
}

impl Waiting {
    /// Takes everything if it can be used now. `Err` with who is in the way.
    fn try_take(&self) -> Result<Lease, Obstacle> {
        let mut table = self.shared.table();
        if let Some(request) = table.waiting.get(&self.number) {
            if let Some(in_use) = table.has_for_long(request) {
                return Err(Obstacle::Lasts(in_use));
            }
            if let Some(in_use) = table.in_use(self.number, request) {
                return Err(Obstacle::Now(in_use));
            }
        }
        if let Some(request) = table.waiting.remove(&self.number) {
            table.held.insert(self.number, request);
        }
        Ok(Lease { shared: self.shared.clone(), number: self.number })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let gave_up = self.shared.table().waiting.remove(&self.number).is_some();
        if gave_up {
            self.shared.changed.notify_waiters();
        }
    }
}

/// What a plan or a step has; dropped, it is free.
#[must_use]
pub(crate) struct Lease {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.table().held.remove(&self.number);
        self.shared.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
