//! Calls of servers: how many run at once, how long each may take, and what becomes of one that hangs.
//!
//! A call that does not end in time is abandoned: the evaluation goes on, and the thread is left behind. It keeps its
//! places until it really ends, so that servers that hang never get more threads than there are places. A server has
//! few places of its own. If abandoned calls hold all of them, further calls of it are refused at once.

mod places;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::call::Reply;
use ansai_kit::host::Deadline;
use ansai_kit::remote::{Part, PartCall, Parts, Server};
use ansai_kit::target::DEFAULT_CALL_LIMIT;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use self::places::{Abandons, AllHang, Ends, Places, Watched};
use crate::work::{Asker, EndsWork};

/// The limits of calls of servers.
#[derive(Debug, Clone)]
pub struct RemoteLimits {
    /// Calls at the same time.
    pub calls: usize,
    /// Of these, calls of one server.
    pub calls_of_one: usize,
    /// How long one call may take if the configuration does not say; see [`ansai_kit::target::Reach::call_limit`].
    pub call: Duration,
}

impl Default for RemoteLimits {
    fn default() -> Self {
        RemoteLimits { calls: 16, calls_of_one: 2, call: DEFAULT_CALL_LIMIT }
    }
}

/// The calls of servers of all evaluations. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RemoteCalls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: RemoteLimits,
    all: Arc<Places>,
    /// Only servers that are being called.
    servers: Mutex<HashMap<Server, Arc<Places>>>,
}

impl RemoteCalls {
    /// With these limits.
    pub fn new(limits: RemoteLimits) -> Self {
        let all = Arc::new(Places::new(limits.calls));
        RemoteCalls(Arc::new(Shared { limits, all, servers: Mutex::default() }))
    }

    /// Calls that hold a thread, abandoned ones included.
    pub fn in_use(&self) -> usize {
        self.0.all.in_use()
    }

    /// Calls that were abandoned and have not ended yet.
    pub fn hanging(&self) -> usize {
        self.0.all.hanging()
    }

    /// How long one call of a server may take.
    ///
    /// # Errors
    /// The instance may not use the target.
    pub(crate) fn limit(&self, asker: &Asker, server: &Server) -> Result<Duration, Refusal> {
        Ok(asker.reach.call_limit(server)?.unwrap_or(self.0.limits.call))
    }

    /// Answers a call within `most`.
    pub(crate) async fn answer(self, asker: Asker, parts: Parts, most: Duration) -> Reply {
        let asker = Arc::new(asker);
        let until = Instant::now() + most;
        let parts = match parts {
            Parts::One(Part { server, call, refused }) => {
                return self.part(&asker, &server, call, until).await.or_else(refused);
            }
            Parts::Each(parts) => parts,
        };
        let mut running = JoinSet::new();
        for (index, Part { server, call, refused }) in parts.into_iter().enumerate() {
            let (calls, asker) = (self.clone(), asker.clone());
            running.spawn(async move {
                let reply = calls.part(&asker, &server, call, until).await;
                (index, reply.or_else(refused))
            });
        }
        let mut answers = Vec::with_capacity(running.len());
        while let Some(ended) = running.join_next().await {
            let (index, reply) = ended.map_err(|_| asker.failed())?;
            answers.push((index, reply?));
        }
        answers.sort_unstable_by_key(|(index, _)| *index);
        Parts::join(answers.iter().map(|(_, answer)| answer.as_ref()))
    }

    async fn part(&self, asker: &Arc<Asker>, server: &Server, call: PartCall, until: Instant) -> Reply {
        let limit = self.limit(asker, server)?;
        let (own, all) = (self.places_of(server), self.0.all.clone());
        let permits = match timeout_at(until, self.wait(server, &own)).await {
            Ok(permits) => permits?,
            Err(_) => {
                let why = format!("{}: {server} was not called in time: earlier calls still run", asker.interface);
                return Err(Refusal::TimedOut(why));
            }
        };
        let limit = limit.min(until.saturating_duration_since(Instant::now()));
        // A call that watches its deadline ends by itself, before it is abandoned.
        let deadline = Deadline::after(limit - limit / 10);
        let _over = EndsWork(deadline.clone());
        let watched = Watched::new([own, all]);
        let ends = Ends(watched.clone());
        let who = asker.clone();
        let work = tokio::task::spawn_blocking(move || {
            let reply = call(&who.until(&deadline));
            // Before the places are free, so that none of them counts as held by an abandoned call.
            drop(ends);
            drop(permits);
            reply
        });
        let _abandons = Abandons(watched);
        match timeout(limit, work).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Err(asker.failed()),
            Err(_) => {
                let why = format!("{}: {server} did not answer within {} ms", asker.interface, limit.as_millis());
                Err(Refusal::TimedOut(why))
            }
        }
    }

    /// First the place of the server: who waits for a slow server keeps no other server waiting.
    async fn wait(&self, server: &Server, own: &Arc<Places>) -> Result<[OwnedSemaphorePermit; 2], Refusal> {
        let not_called =
            |of: &str, AllHang(calls)| format!("{server} is not called: earlier calls of {of} still hang ({calls})");
        let own = own.place().await.map_err(|all| Refusal::Unavailable(not_called("it", all)))?;
        let all = self.0.all.place().await.map_err(|all| Refusal::Busy(not_called("other servers", all)))?;
        Ok([own, all])
    }

    fn places_of(&self, server: &Server) -> Arc<Places> {
        let mut servers = self.0.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.retain(|_, places| Arc::strong_count(places) > 1);
        let places = servers.entry(server.clone());
        places.or_insert_with(|| Arc::new(Places::new(self.0.limits.calls_of_one))).clone()
    }
}
