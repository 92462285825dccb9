//! A program and the processes that it starts, as long as they stay in its process group.
#![expect(clippy::disallowed_methods, reason = "reads /proc, where the members of a group are listed")]

use std::io;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpgid, kill_process_group, waitid};

use super::POLL;

/// How long killed processes may take to end.
const KILLED: Duration = Duration::from_secs(5);

/// A process group. All of it is killed when this value is dropped.
pub(super) struct Group {
    leader: Child,
    has_ended: bool,
}

impl Group {
    /// The group of a process that leads it.
    pub(super) fn of(leader: Child) -> Group {
        Group { leader, has_ended: false }
    }

    /// Whether the program has ended. It is not waited for yet: until then, neither its id nor that of its group is used
    /// again, so a signal reaches nobody else.
    pub(super) fn leader_has_ended(&self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.id()), options)?.is_some())
    }

    /// Ends all that still runs: SIGTERM, and SIGKILL after `patience`. Meanwhile calls `pause`. `None` if the program
    /// does not even end when it is killed.
    pub(super) fn end(
        &mut self,
        patience: Duration,
        pause: &mut dyn FnMut(Duration),
    ) -> io::Result<Option<ExitStatus>> {
        let is_running = self.is_running()?;
        if is_running {
            self.signal(Signal::TERM);
            self.wait(patience, pause)?;
        }
        // Also if nothing seems to run: the list of processes is not of one instant.
        self.signal(Signal::KILL);
        if is_running {
            self.wait(KILLED, pause)?;
        }
        let status = self.leader.try_wait()?;
        self.has_ended = true;
        Ok(status)
    }

    fn wait(&self, limit: Duration, pause: &mut dyn FnMut(Duration)) -> io::Result<()> {
        let began = Instant::now();
        while began.elapsed() < limit && self.is_running()? {
            pause(POLL);
        }
        Ok(())
    }

    fn is_running(&self) -> io::Result<bool> {
        Ok(!self.leader_has_ended()? || has_members(self.id()))
    }

    fn signal(&self, signal: Signal) {
        // Cannot fail: the group has at least its leader, which was not waited for.
        let _ = kill_process_group(self.id(), signal);
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.leader)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.has_ended {
            let _ = self.end(Duration::ZERO, &mut |pause| std::thread::sleep(pause));
        }
    }
}

/// Whether a process of the group runs. Without `/proc` it is unknown, and SIGKILL is sent in any case.
fn has_members(group: Pid) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let number = |entry: std::fs::DirEntry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?);
    // The file `stat` is not read: it waits for a process that waits for a server while it starts a program.
    let mut members = processes.flatten().filter_map(number).filter(|pid| getpgid(Some(*pid)) == Ok(group));
    members.any(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_pid()));
        status.is_ok_and(|status| has_not_ended(&status))
    })
}

/// Whether `/proc/PID/status` is that of a process that has not ended. A line break in its name is escaped there.
fn has_not_ended(status: &str) -> bool {
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    state.is_some_and(|state| !matches!(state.trim_start().as_bytes().first(), Some(b'Z' | b'X')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_process_is_no_member_whatever_it_is_called() {
        assert!(has_not_ended("Name:\tState: Z\nUmask:\t0022\nState:\tS (sleeping)\n"));
        assert!(has_not_ended("Name:\ta\nState:\tD (disk sleep)\n"));
        for ended in ["Name:\ta\nState:\tZ (zombie)\n", "Name:\ta\nState:\tX (dead)\n", "Name:\ta\n", ""] {
            assert!(!has_not_ended(ended), "{ended}");
        }
    }
}
