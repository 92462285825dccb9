//! A program and the processes that it starts, as long as they stay in its process group.
#![expect(clippy::disallowed_methods, reason = "reads /proc, where the members of a group are listed")]

use std::io;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

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
    let is_process = |name: &[u8]| name.iter().all(u8::is_ascii_digit);
    let processes = processes.flatten().filter(|entry| is_process(entry.file_name().as_encoded_bytes()));
    processes
        .filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok())
        .any(|stat| is_member(&stat, group))
}

/// Whether `/proc/PID/stat` is that of a process of the group that has not ended. The name of the program, in
/// parentheses, can contain spaces and parentheses.
fn is_member(stat: &str, group: Pid) -> bool {
    let Some((_, fields)) = stat.rsplit_once(") ") else { return false };
    let mut fields = fields.split(' ');
    let (state, _parent, of) = (fields.next(), fields.next(), fields.next());
    !matches!(state, Some("Z" | "X")) && of.and_then(|of| of.parse().ok()) == Some(group.as_raw_pid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_their_group_whatever_they_are_called() {
        let group = Pid::from_raw(7).unwrap();
        assert!(is_member("9 (sleep) S 1 7 7 0 -1", group));
        assert!(is_member("9 (a) Z 1 8) R 1 7 7 0 -1", group));
        for other in ["9 (sleep) S 7 8 7 0 -1", "7 (sh) Z 1 7 7 0 -1", "9 (7) S 1 70 7 0", "", "9"] {
            assert!(!is_member(other, group), "{other}");
        }
    }
}
