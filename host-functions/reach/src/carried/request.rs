//! What crosses to the process that calls servers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ansai_core::{InstanceName, Millis, Refusal, Scope, Timestamp};
use ansai_kit::action::{Item, Proposed, StepContext};
use ansai_kit::authorities;
use ansai_kit::carrier::{Carrier, Octets, RequestText, written};
use ansai_kit::evaluation_state::Target;
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::passed::{self, Kept};
use ansai_kit::remote::Server;
use ansai_kit::secret::{Secret, SecretSource};
use ansai_kit::target::{Reach, TargetAccess};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Name;
use super::reply::Masks;
use crate::mysql::known_space;
use crate::postgresql::client::address::authorities_of;
use crate::process::servers;

/// The largest file of certificates that is passed, in bytes.
const MOST_FILE: u64 = 16 << 20;

/// A call, with all that it needs.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Request {
    pub(super) interface: String,
    pub(super) function: String,
    pub(super) task: Task,
    pub(super) arguments: Box<RawValue>,
    pub(super) scope: Scope,
    /// Milliseconds since 1970.
    pub(super) now: Timestamp,
    /// The root directory of the host.
    root: PathBuf,
    /// Only those that it is about.
    targets: Vec<Passed>,
    /// See [`Reach::call_limit`], in milliseconds.
    call_limit: Option<Millis>,
    files: Vec<File>,
    /// Free bytes of file systems of this machine that the call needs to know, by their paths.
    free: Vec<(PathBuf, Result<u64, Refusal>)>,
}

/// What is to be done.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Task {
    /// Part `part` of a call, counted from 0, within `limit` milliseconds.
    Probe { part: usize, limit: Millis },
    /// A preview, within `limit` milliseconds.
    Preview { earlier: Vec<Arc<Proposed>>, limit: Millis },
    /// Something about a step.
    Step { doing: Doing, step_id: String, targets: Box<RawValue>, is_stopping: bool },
}

/// What is done about a step.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum Doing {
    Begin,
    Confirm,
    Undo(Vec<Item>),
    Resolve,
    AfterUndo,
    Poll(Box<RawValue>),
    Cancel(Box<RawValue>),
}

/// A target with its secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Passed {
    target: Target,
    address: Option<String>,
    user: Option<String>,
    secret: Option<Octets>,
    call_limit: Option<Millis>,
}

/// A file of certificates.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    path: PathBuf,
    content: Octets,
}

/// Where a call is made, for whom, and of which targets.
pub(super) struct Around<'a> {
    pub(super) host: &'a Host,
    pub(super) scope: &'a Scope,
    pub(super) reach: &'a Reach,
    pub(super) now: Timestamp,
    pub(super) targets: Vec<&'a TargetAccess>,
}

impl<'a> Around<'a> {
    /// Of a probe or a preview of these targets.
    ///
    /// # Errors
    /// The instance may not use a target.
    pub(super) fn of_probe(ask: &ProbeContext<'a>, names: &[String]) -> Result<Self, Refusal> {
        let ProbeContext { host, scope, reach, now, .. } = *ask;
        Around { host, scope, reach, now, targets: Vec::new() }.with(names)
    }

    /// Of a step about these targets.
    ///
    /// # Errors
    /// The instance may not use a target.
    pub(super) fn of_step(doing: &StepContext<'a>, names: &[String]) -> Result<Self, Refusal> {
        let StepContext { host, scope, reach, now, .. } = *doing;
        Around { host, scope, reach, now, targets: Vec::new() }.with(names)
    }

    fn with(mut self, names: &[String]) -> Result<Self, Refusal> {
        let reach = self.reach;
        self.targets = names.iter().map(|name| reach.target(name)).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// What carries the call; `None` if this process makes it. Who connects to a local socket is who the server believes it
    /// is (`peer` of PostgreSQL), so the supervisor goes on to connect by itself.
    pub(super) fn carrier(&self) -> Option<&'a Arc<dyn Carrier>> {
        let is_socket = |target: &&TargetAccess| target.address.as_ref().is_some_and(|text| text.starts_with("unix:"));
        self.host.carrier().filter(|_| !self.targets.iter().any(is_socket))
    }

    /// The request, and what masks the secrets that it has.
    ///
    /// # Errors
    /// A secret or a file of certificates cannot be read.
    pub(super) fn request(
        &self,
        Name { interface, function }: Name,
        arguments: &RawValue,
        task: Task,
    ) -> Result<(RequestText, Masks), Refusal> {
        let mut secrets = Vec::new();
        let targets = self.targets.iter().map(|target| passed_of(target, &mut secrets)).collect::<Result<_, _>>()?;
        let needs_space = matches!(task, Task::Preview { .. } | Task::Step { doing: Doing::Begin, .. });
        let free = self.targets.iter().filter(|_| needs_space);
        let free = free.filter_map(|target| known_space(interface, self.host, &target.target)).collect();
        let request = Request {
            interface: interface.to_owned(),
            function: function.to_owned(),
            task,
            arguments: arguments.to_owned(),
            scope: self.scope.clone(),
            now: self.now,
            root: self.host.root().to_owned(),
            targets,
            call_limit: self.reach.call_limit(&Server::Address(String::new()))?.map(Millis::from),
            files: self.files()?,
            free,
        };
        let servers = self.targets.iter().filter_map(|target| servers::of_target(target));
        Ok((written(&request)?.reaching(servers), Masks::of(&secrets)))
    }

    /// The files of certificates that the other process cannot read by itself.
    fn files(&self) -> Result<Vec<File>, Refusal> {
        let mut paths: Vec<PathBuf> = self.targets.iter().filter_map(|target| authorities_of(target)).collect();
        if !self.host.is_this_machine() {
            paths.extend(authorities::file(|path| self.host.path(path)));
        }
        let read = |path: PathBuf| {
            // A file that is missing is missed by who needs it.
            let content = authorities::read(&path, MOST_FILE).ok()?;
            Some(File { path, content: Octets::of(&content) })
        };
        Ok(paths.into_iter().filter_map(read).collect())
    }
}

fn passed_of(target: &TargetAccess, secrets: &mut Vec<Secret>) -> Result<Passed, Refusal> {
    let secret = target.secret.as_ref().map(SecretSource::read).transpose()?;
    let encoded = secret.as_ref().map(|secret| Octets::of(secret.expose()));
    secrets.extend(secret);
    Ok(Passed {
        target: target.target.clone(),
        address: target.address.clone(),
        user: target.user.clone(),
        secret: encoded,
        call_limit: target.call_limit.map(Millis::from),
    })
}

impl Request {
    /// The targets for the call, and what keeps that which was passed until the call ends.
    pub(super) fn unpack(&mut self) -> (Host, Reach, Vec<Kept>) {
        let (mut kept, mut all) = (Vec::new(), BTreeMap::new());
        for Passed { target, address, user, secret, call_limit } in std::mem::take(&mut self.targets) {
            let mut access = TargetAccess::new(&target.name, &target.kind, target.labels);
            if let Some(secret) = secret {
                let (number, keep) = passed::secret(Secret::of(secret.expose()));
                access.secret = Some(SecretSource::Passed(number));
                kept.push(keep);
            }
            access = TargetAccess { address, user, call_limit: call_limit.map(Into::into), ..access };
            all.insert(target.name, access);
        }
        for File { path, content } in std::mem::take(&mut self.files) {
            kept.push(passed::file(path, Secret::of(content.expose())));
        }
        for (path, bytes) in std::mem::take(&mut self.free) {
            kept.push(passed::free_space(path, &bytes));
        }
        let names: Vec<String> = all.keys().cloned().collect();
        // Which instance asks is none of its business.
        let reach = Reach::new(InstanceName::from_static("reach"), Arc::new(all), names);
        let reach = reach.calling_within(self.call_limit.map(Into::into));
        (Host::at(std::mem::take(&mut self.root)), reach, kept)
    }
}
