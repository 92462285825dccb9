//! The process of a step.

use ansai_core::Refusal;
use ansai_core::text::{inert, path_text};
use ansai_kit::host::Host;
use rustix::fs::{AtFlags, StatxFlags, statx};
use serde::{Deserialize, Serialize};

use super::Sent;
use super::disposition::Disposition;
use crate::process::directory::Directory;
use crate::process::identity::Identity;
use crate::process::list::name;
use crate::process::procfs::{self, Stat, Status};
use crate::process::wire::ProcessState;
use crate::safety::holder::boot;
use crate::safety::processes::Unseen;
use crate::service::name::is_service;

/// The file with the names of accounts.
const CONFIGURATION: &str = "/etc";
const ACCOUNTS: &str = "passwd";

/// A process, as it was previewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Target {
    /// Number, start and boot.
    identity: String,
    pub(super) unit: String,
    user: u32,
    /// Device and inode number of the program that it runs.
    program: (u64, u64),
    /// For a person.
    name: String,
}

impl Target {
    /// The process as it is now, and its directory, which leads to no other process.
    ///
    /// # Errors
    /// `changed` if its number belongs to another process now, `not-found` if there is none. `denied` for what no step may
    /// end.
    pub(super) fn of(host: &Host, text: &str) -> Result<(Target, Directory), Refusal> {
        let asked = Identity::read(text)?;
        let pid = asked.pid;
        if pid == 1 {
            return Err(Refusal::Denied("process 1 gets no signals from ansai".into()));
        }
        let unseen = |Unseen| Refusal::Unavailable(format!("process {pid} cannot be read"));
        let gone = || Refusal::NotFound(format!("process {pid} has ended"));
        let process = procfs::open(host, pid).map_err(unseen)?.ok_or_else(gone)?;
        let stat = Stat::of(&process).map_err(unseen)?.ok_or_else(gone)?;
        if stat.is_of_kernel {
            return Err(Refusal::Denied(format!("process {pid} is a thread of the kernel")));
        }
        let boot = boot(host);
        if (stat.started, boot.as_str()) != (asked.started, asked.boot.as_str()) {
            return Err(Refusal::Changed(format!("process {pid} is another one meanwhile")));
        }
        if stat.state == ProcessState::Zombie {
            return Err(gone());
        }
        let unit = procfs::unit(&process).filter(|unit| is_service(unit));
        let unit = unit.ok_or_else(|| Refusal::Denied(format!("process {pid} runs in no service")))?;
        if is_own(&asked, &unit) {
            return Err(Refusal::Denied(format!("process {pid} is ansai, or runs in its unit")));
        }
        let status = Status::of(&process).map_err(unseen)?.ok_or_else(gone)?;
        let program = program(&process).ok_or_else(|| unseen(Unseen))?;
        let target = Target { identity: asked.to_string(), unit, user: status.user, program, name: name(&stat.name) };
        Ok((target, process))
    }

    /// The same process still, and what leads to it.
    ///
    /// # Errors
    /// As [`Target::of`], and `changed` if it runs another program, in another unit or for another user.
    pub(super) fn again(&self, host: &Host) -> Result<Directory, Refusal> {
        let (now, process) = Target::of(host, &self.identity)?;
        let what = match () {
            () if now.unit != self.unit => "runs in another unit",
            () if now.user != self.user => "runs for another user",
            () if now.program != self.program => "runs another program",
            () => return Ok(process),
        };
        Err(Refusal::Changed(format!("process {} {what} meanwhile", self.pid())))
    }

    fn pid(&self) -> &str {
        self.identity.split_once('.').map_or("", |(pid, _)| pid)
    }

    /// For a person. The name comes last, because the process has chosen it.
    pub(super) fn shown(&self, host: &Host) -> String {
        let user = account(host, self.user).map_or(self.user.to_string(), |name| format!("{name} ({})", self.user));
        format!("{}: process {} of user {user}, named `{}`", self.unit, self.pid(), self.name)
    }

    pub(super) fn short(&self) -> String {
        format!("process {} of {}", self.pid(), self.unit)
    }
}

/// Refuses a signal that would not do what it is for: without a handler, most of them end a process.
pub(super) fn check_handled(process: &Directory, sent: Sent) -> Result<(), Refusal> {
    if sent == Sent::Term {
        return Ok(());
    }
    let shown = sent.shown();
    match Disposition::of(process, sent.signal()) {
        Ok(Some(Disposition::Handled)) => Ok(()),
        Ok(Some(Disposition::Ignored)) => Err(Refusal::Unsupported(format!("the process ignores {shown}"))),
        Ok(Some(Disposition::Ends)) => {
            Err(Refusal::Unsupported(format!("the process does not handle {shown}: the kernel would end it")))
        }
        Ok(None) => Err(Refusal::NotFound("the process has ended".into())),
        Err(Unseen) => Err(Refusal::Unavailable(format!("whether the process handles {shown} cannot be read"))),
    }
}

/// The file that it runs.
fn program(process: &Directory) -> Option<(u64, u64)> {
    let stat = statx(process.fd(), "exe", AtFlags::empty(), StatxFlags::INO).ok()?;
    Some((rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor), stat.stx_ino))
}

/// Whether it is this process, or one beside it. If ansai cannot read what it is itself, it may be.
fn is_own(asked: &Identity, unit: &str) -> bool {
    let here = Host::at("/");
    let Ok(Some(own)) = procfs::open(&here, std::process::id()) else { return true };
    let Ok(Some(stat)) = Stat::of(&own) else { return true };
    if own.read_bytes("cgroup").is_err() {
        return true;
    }
    let is_same = asked.pid == std::process::id() && stat.started == asked.started && asked.boot == boot(&here);
    is_same || procfs::unit(&own).is_some_and(|own| own == unit)
}

/// The name of an account on the host.
fn account(host: &Host, user: u32) -> Option<String> {
    let bytes = Directory::open(&host.path(CONFIGURATION)).ok()??.read_bytes(ACCOUNTS).ok()??;
    let text = path_text(&bytes);
    let mut lines = text.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| inert(name, 40))
    })
}
