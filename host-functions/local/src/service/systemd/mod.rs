//! The calls of systemd's manager (org.freedesktop.systemd1(5)).

mod signals;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_core::text::inert;
use ansai_kit::host::Host;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zbus::{Connection, DynamicType, OwnedObjectPath, OwnedVariant, Type};

pub(crate) use signals::{StateChange, state_changes};

use super::state::{Unit, active};
use super::wire::ActiveState;
use crate::bus::{Bus, BusError, Open, Properties};

const DESTINATION: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const PATH: &str = "/org/freedesktop/systemd1";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
pub(super) const SERVICE: &str = "org.freedesktop.systemd1.Service";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// What sd_booted(3) looks for.
const BOOTED: &str = "/run/systemd/system";
pub(super) const NO_SUCH_JOB: &str = "org.freedesktop.systemd1.NoSuchJob";
/// Services that are read at the same time.
const AT_ONCE: usize = 16;

/// The manager of a host.
#[derive(Clone)]
pub(crate) struct Systemd(Arc<Bus>);

/// A unit in the list of the manager.
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) path: OwnedObjectPath,
}

type ListedText = (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

impl Systemd {
    /// The manager. Does not call it yet.
    ///
    /// # Errors
    /// `unsupported` if systemd does not manage this host; `unavailable` if that cannot be seen.
    pub(crate) fn of(host: &Host) -> Result<Systemd, Refusal> {
        use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
        use rustix::io::Errno;
        match statx(CWD, host.path(BOOTED), AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE) {
            Ok(_) => Ok(Systemd(Bus::of(host))),
            Err(Errno::NOENT | Errno::NOTDIR) => Err(Refusal::Unsupported("systemd does not manage this host".into())),
            Err(error) => Err(Refusal::io(BOOTED, &error.into())),
        }
    }

    /// Does something on the connection, and waits for it.
    pub(crate) fn ask<T, F, W>(&self, limit: Duration, work: W) -> Result<T, BusError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, BusError>> + Send + 'static,
        W: FnOnce(Open) -> F + Send + 'static,
    {
        self.0.ask(limit, work)
    }

    /// One service, by its name or an alias.
    ///
    /// # Errors
    /// `not-found` if there is no file, and no other unit needs it.
    pub(super) fn service(&self, limit: Duration, name: &str) -> Result<Unit, Refusal> {
        let asked = name.to_owned();
        let unit = self.ask(limit, async move |open: Open| {
            let path: OwnedObjectPath = manager(&open.connection, "LoadUnit", &(asked.as_str(),)).await?;
            service(&open, path).await
        })?;
        match unit.exists() {
            true => Ok(unit),
            false => Err(Refusal::NotFound(format!("there is no unit {}", inert(name, 255)))),
        }
    }

    /// Refuses a name that is an alias: systemd sends signals and writes entries under the canonical name only.
    ///
    /// # Errors
    /// `invalid` for an alias. A service that does not exist is no error.
    pub(crate) fn check_canonical(&self, limit: Duration, name: &str) -> Result<(), Refusal> {
        match self.service(limit, name) {
            Ok(unit) if unit.id() != name => Err(Refusal::Invalid(format!("{name} is an alias: watch {}", unit.id()))),
            Ok(_) | Err(Refusal::NotFound(_)) => Ok(()),
            Err(why) => Err(why),
        }
    }

    /// The first of these units that runs, or is being started or stopped.
    pub(super) fn first_running(&self, limit: Duration, names: Vec<String>) -> Result<Option<String>, BusError> {
        match names.is_empty() {
            true => Ok(None),
            false => self.ask(limit, async move |open: Open| first_running(&open, names).await),
        }
    }
}

async fn first_running(open: &Open, names: Vec<String>) -> Result<Option<String>, BusError> {
    for name in names {
        let found = unit(&open.connection, &name).await?;
        if !matches!(active(found.text("ActiveState")?), ActiveState::Inactive | ActiveState::Failed) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Calls the manager.
pub(super) async fn manager<B, R>(connection: &Connection, method: &'static str, body: &B) -> Result<R, BusError>
where
    B: Serialize + DynamicType + Sync,
    R: DeserializeOwned + Type + Send,
{
    let message = connection.call_method(Some(DESTINATION), PATH, Some(MANAGER), method, body).await?;
    message.body().deserialize::<R>().map_err(BusError::from)
}

/// All properties of an interface of a unit.
pub(super) async fn properties(
    connection: &Connection,
    path: &OwnedObjectPath,
    interface: &'static str,
) -> Result<Properties, BusError> {
    let message = connection.call_method(Some(DESTINATION), path, Some(PROPERTIES), "GetAll", &(interface,)).await?;
    Ok(Properties::new(message.body().deserialize::<HashMap<String, OwnedVariant>>()?))
}

/// One service by its path.
pub(super) async fn service(open: &Open, path: OwnedObjectPath) -> Result<Unit, BusError> {
    let of_unit = properties(&open.connection, &path, UNIT).await?;
    let of_service = properties(&open.connection, &path, SERVICE).await?;
    let job = of_unit.text("Id").ok().and_then(|id| open.jobs.of_unit(id));
    Unit::read(of_unit.and(of_service), job)
}

/// One unit of any type by its name, without what only services have.
pub(super) async fn unit(connection: &Connection, name: &str) -> Result<Properties, BusError> {
    let path: OwnedObjectPath = manager(connection, "LoadUnit", &(name,)).await?;
    properties(connection, &path, UNIT).await
}

/// All services in memory, without aliases.
pub(super) async fn services(connection: &Connection) -> Result<Vec<Listed>, BusError> {
    let (states, patterns): (&[&str], &[&str]) = (&[], &["*.service"]);
    let listed: Vec<ListedText> = manager(connection, "ListUnitsByPatterns", &(states, patterns)).await?;
    Ok(listed.into_iter().map(|(id, _, _, _, _, _, path, ..)| Listed { id, path }).collect())
}

/// Reads several services, each with its own result, in any order.
pub(super) async fn each(open: &Open, listed: Vec<Listed>) -> Vec<Result<Unit, BusError>> {
    // A task that panicked is an answer that cannot be read.
    let unreadable = || Err(BusError::Invalid("a message that cannot be handled".into()));
    let (mut reading, mut read) = (tokio::task::JoinSet::new(), Vec::with_capacity(listed.len()));
    let mut rest = listed.into_iter();
    loop {
        while reading.len() < AT_ONCE
            && let Some(Listed { path, .. }) = rest.next()
        {
            let open = open.clone();
            reading.spawn(async move { service(&open, path).await });
        }
        match reading.join_next().await {
            Some(one) => read.push(one.unwrap_or_else(|_| unreadable())),
            None => return read,
        }
    }
}

/// The version of systemd, for a person.
pub(super) async fn manager_version(connection: &Connection) -> Result<String, BusError> {
    let message =
        connection.call_method(Some(DESTINATION), PATH, Some(PROPERTIES), "Get", &(MANAGER, "Version")).await?;
    let version = message.body().deserialize::<OwnedVariant>()?;
    match &*version {
        zbus::Variant::Str(version) => Ok(inert(version, 80)),
        _ => Err(BusError::Invalid("the version of systemd".into())),
    }
}
