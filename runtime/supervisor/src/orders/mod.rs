//! What people ordered while ansai runs: pauses and silences. They are stored, recorded in the audit log, and end by
//! themselves.

mod error;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_core::control::{NewPause, NewSilence, Resume};
use ansai_core::incident::Permission;
use ansai_core::order::{
    LONGEST, MOST_KEY, MOST_REASON, MOST_SILENCES, Order, Orders, Pause, Person, SHORTEST, Silence,
};
use ansai_core::text::inert;
use ansai_core::{Event, Incident, InstanceName, Millis, Timestamp};

pub use self::error::OrderError;
use crate::clock;
use crate::clock_watch::ClockWatch;
use crate::permits::{Permit, PermitRequest, PermitSource};
use crate::recording::Journal;
use crate::state::{State, StateError};

/// So many pauses, and so many silences, are ended at once.
const MOST_ENDED: usize = 16;

/// The orders of this host.
pub(crate) struct StandingOrders {
    state: Arc<State>,
    journal: Arc<Journal>,
    clocks: Arc<ClockWatch>,
    orders: Mutex<Orders>,
}

impl StandingOrders {
    /// Those of the last run that are in force.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(crate) fn open(
        state: Arc<State>,
        journal: Arc<Journal>,
        clocks: Arc<ClockWatch>,
    ) -> Result<StandingOrders, StateError> {
        let orders = Mutex::new(state.orders()?);
        Ok(StandingOrders { state, journal, clocks, orders })
    }

    /// Those that are in force.
    pub(crate) fn in_force(&self) -> Orders {
        let (now, doubt) = self.time();
        let mut orders = self.lock().clone();
        orders.pauses.retain(|one| one.order.is_in_force(now, doubt));
        orders.silences.retain(|one| one.order.is_in_force(now, doubt));
        orders
    }

    /// The pause that holds an instance.
    pub(crate) fn pause_of(&self, instance: &InstanceName) -> Option<Pause> {
        let (now, doubt) = self.time();
        self.lock().pause_of(instance, now, doubt).cloned()
    }

    /// The silence of an incident.
    pub(crate) fn silence_of(&self, incident: &Incident) -> Option<Silence> {
        // Almost never is there one: incidents are not compared, and no clock is read.
        if self.lock().silences.is_empty() {
            return None;
        }
        let (now, doubt) = self.time();
        self.lock().silence_of(&incident.instance, &incident.finding.key, now, doubt).cloned()
    }

    /// Pauses an instance, or all: stored first, so that no step begins even if the log refuses the record.
    ///
    /// # Errors
    /// The duration or the reason is out of bounds, or it cannot be stored or recorded.
    pub(crate) fn pause(&self, new: &NewPause, by: &Person) -> Result<Pause, OrderError> {
        let order = self.order(new.duration, &new.reason, by)?;
        let pause = Pause { instance: new.instance.clone(), order };
        let mut orders = self.lock();
        self.state.put_pause(&pause)?;
        orders.pauses.retain(|one| one.instance != pause.instance);
        orders.pauses.push(pause.clone());
        orders.pauses.sort_by(|a, b| a.instance.cmp(&b.instance));
        // With the lock: the log has its end after its beginning.
        self.journal.durable(pause.order.since, Event::Paused(pause.clone()))?;
        Ok(pause)
    }

    /// Silences the incidents with a key.
    ///
    /// # Errors
    /// As [`StandingOrders::pause`]; or the key is too long, or there are too many.
    pub(crate) fn silence(&self, new: &NewSilence, by: &Person) -> Result<Silence, OrderError> {
        if new.key.is_empty() || new.key.len() > MOST_KEY {
            return Err(OrderError::Key);
        }
        let order = self.order(new.duration, &new.reason, by)?;
        let silence = Silence { instance: new.instance.clone(), key: new.key.clone(), order };
        let is_same = |one: &Silence| one.instance == silence.instance && one.key == silence.key;
        let mut orders = self.lock();
        if orders.silences.len() >= MOST_SILENCES && !orders.silences.iter().any(is_same) {
            return Err(OrderError::TooMany);
        }
        self.state.put_silence(&silence)?;
        orders.silences.retain(|one| !is_same(one));
        orders.silences.push(silence.clone());
        orders.silences.sort_by(|a, b| (&a.instance, &a.key).cmp(&(&b.instance, &b.key)));
        self.journal.durable(silence.order.since, Event::Silenced(silence.clone()))?;
        Ok(silence)
    }

    /// Ends what is named: recorded first, so that no step begins without a record of why.
    ///
    /// # Errors
    /// Nothing of this name is paused or silenced, or the end cannot be recorded or stored.
    pub(crate) fn resume(&self, what: &Resume, by: &Person) -> Result<Orders, OrderError> {
        let mut orders = self.lock();
        let is_pause = |one: &Pause| match what {
            Resume::All => one.instance.is_none(),
            Resume::Named { name } => one.instance.as_ref().is_some_and(|instance| instance.as_str() == name),
        };
        let is_silence = |one: &Silence| matches!(what, Resume::Named { name } if one.key == *name);
        let ended = Orders {
            pauses: orders.pauses.iter().filter(|one| is_pause(one)).cloned().collect(),
            silences: orders.silences.iter().filter(|one| is_silence(one)).cloned().collect(),
            ..Orders::default()
        };
        if ended == Orders::default() {
            return Err(match what {
                Resume::All => OrderError::NothingPaused,
                Resume::Named { name } => OrderError::NothingToResume(inert(name, 200)),
            });
        }
        self.end(&mut orders, &ended, Some(by))?;
        Ok(ended)
    }

    /// Ends those whose time is over, and answers them.
    pub(crate) fn expire(&self) -> Orders {
        let mut orders = self.lock();
        if *orders == Orders::default() {
            return Orders::default();
        }
        let (now, doubt) = self.time();
        let over = Orders {
            // A few at a time, because each waits for the disk. The others are out of force all the same.
            pauses: orders
                .pauses
                .iter()
                .filter(|one| !one.order.is_in_force(now, doubt))
                .take(MOST_ENDED)
                .cloned()
                .collect(),
            silences: orders
                .silences
                .iter()
                .filter(|one| !one.order.is_in_force(now, doubt))
                .take(MOST_ENDED)
                .cloned()
                .collect(),
            ..Orders::default()
        };
        match self.end(&mut orders, &over, None) {
            Ok(()) => over,
            Err(error) => {
                tracing::error!("a pause or silence that is over cannot be removed, ansai tries again: {error}");
                Orders::default()
            }
        }
    }

    fn end(&self, orders: &mut Orders, ended: &Orders, by: Option<&Person>) -> Result<(), OrderError> {
        let now = clock::now();
        for Pause { instance, .. } in &ended.pauses {
            self.journal.durable(now, Event::PauseEnded { instance: instance.clone(), by: by.cloned() })?;
            self.state.remove_pause(instance.as_ref())?;
            orders.pauses.retain(|one| one.instance != *instance);
        }
        for Silence { instance, key, .. } in &ended.silences {
            let event = Event::SilenceEnded { instance: instance.clone(), key: key.clone(), by: by.cloned() };
            self.journal.durable(now, event)?;
            self.state.remove_silence(instance.as_ref(), key)?;
            orders.silences.retain(|one| one.instance != *instance || one.key != *key);
        }
        Ok(())
    }

    fn order(&self, duration: Millis, reason: &str, by: &Person) -> Result<Order, OrderError> {
        if !(SHORTEST..=LONGEST).contains(&duration) {
            return Err(OrderError::Duration(duration));
        }
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > MOST_REASON {
            return Err(OrderError::Reason);
        }
        let since = clock::now();
        // As one safe line: logs and terminals show it.
        let reason = ansai_core::text::prose(reason, MOST_REASON);
        Ok(Order { since, until: since + duration, reason, by: by.clone() })
    }

    /// Now, and whether that is in doubt.
    fn time(&self) -> (Timestamp, bool) {
        (clock::now(), self.clocks.doubt().is_some())
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds every plan of an instance that is paused.
impl PermitSource for StandingOrders {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit {
        match self.pause_of(&request.incident.instance) {
            Some(pause) => Permit::Hold(Permission::Paused(Box::new(pause))),
            None => Permit::Go,
        }
    }
}
