//! What crosses to the process that calls servers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ansai_core::{InstanceName, Millis, Refusal, Scope, Timestamp};
use ansai_kit::action::{Item, Proposed, StepContext};
use ansai_kit::authorities;
use ansai_kit::carrier::{Carrier, RequestText};
use ansai_kit::evaluation_state::Target;
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::passed::{self, Kept};
use ansai_kit::remote::Server;
use ansai_kit::secret::{Secret, SecretSource};
use ansai_kit::target::{Reach, TargetAccess};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Name;
use super::reply::Masks;
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

/// A target with its secret in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Passed {
    target: Target,
    address: Option<String>,
    user: Option<String>,
    secret: Option<Wipes>,
    call_limit: Option<Millis>,
}

/// A text that is wiped when it is dropped, also if its request is never answered.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Wipes(String);

impl Drop for Wipes {
    fn drop(&mut self) {
        drop(RequestText::new(std::mem::take(&mut self.0)));
    }
}

/// A file of certificates, in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    path: PathBuf,
    content: String,
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
        };
        let servers = self.targets.iter().filter_map(|target| servers::of_target(target));
        Ok((request.text()?.reaching(servers), Masks::of(&secrets)))
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
            Some(File { path, content: STANDARD.encode(content) })
        };
        Ok(paths.into_iter().filter_map(read).collect())
    }
}

fn passed_of(target: &TargetAccess, secrets: &mut Vec<Secret>) -> Result<Passed, Refusal> {
    let secret = target.secret.as_ref().map(SecretSource::read).transpose()?;
    let encoded = secret.as_ref().map(|secret| Wipes(STANDARD.encode(secret.expose())));
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
    fn text(&self) -> Result<RequestText, Refusal> {
        /// Written twice, so that the text does not grow and leave copies of secrets behind.
        struct Count(usize);
        impl std::io::Write for Count {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0 = self.0.saturating_add(bytes.len());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let failed = |why: String| Refusal::Other(format!("the request cannot be written: {why}"));
        let mut count = Count(0);
        serde_json::to_writer(&mut count, self).map_err(|error| failed(error.to_string()))?;
        let mut text = Vec::with_capacity(count.0);
        serde_json::to_writer(&mut text, self).map_err(|error| failed(error.to_string()))?;
        String::from_utf8(text).map(RequestText::new).map_err(|error| failed(error.to_string()))
    }

    /// The targets for the call, and what keeps that which was passed until the call ends.
    ///
    /// # Errors
    /// What was passed is not base64.
    pub(super) fn unpack(&mut self) -> Result<(Host, Reach, Vec<Kept>), Refusal> {
        let invalid = |_| Refusal::Invalid("a request has no base64 where it must".into());
        let decode = |text: &str| {
            let bytes = STANDARD.decode(text).map_err(invalid)?;
            Ok::<_, Refusal>(Secret::of(&passed::Wiped::from(bytes)))
        };
        let (mut kept, mut all) = (Vec::new(), BTreeMap::new());
        for Passed { target, address, user, secret, call_limit } in std::mem::take(&mut self.targets) {
            let mut access = TargetAccess::new(&target.name, &target.kind, target.labels);
            if let Some(text) = secret {
                let (number, keep) = passed::secret(decode(&text.0)?);
                access.secret = Some(SecretSource::Passed(number));
                kept.push(keep);
            }
            access = TargetAccess { address, user, call_limit: call_limit.map(Into::into), ..access };
            all.insert(target.name, access);
        }
        for File { path, content } in std::mem::take(&mut self.files) {
            kept.push(passed::file(path, decode(&content)?));
        }
        let names: Vec<String> = all.keys().cloned().collect();
        // Which instance asks is none of its business.
        let reach = Reach::new(InstanceName::from_static("reach"), Arc::new(all), names);
        let reach = reach.calling_within(self.call_limit.map(Into::into));
        Ok((Host::at(std::mem::take(&mut self.root)), reach, kept))
    }
}
