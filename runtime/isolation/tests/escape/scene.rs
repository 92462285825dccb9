//! A child and the channel to it.

use std::time::Duration;

use ansai_isolation::{Account, BlockingChannel, Ended, Process, Profile, Report, Start};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const MOST: usize = 1 << 20;

pub(crate) struct Child {
    pub(crate) process: Process,
    pub(crate) channel: BlockingChannel,
    pub(crate) report: Report,
}

pub(crate) fn start(profile: Profile, purpose: &str, arguments: &[&str]) -> Child {
    let mut start = Start::new("", profile, purpose);
    start.account = Account::new("ansai-test-nobody-has-this-name", purpose);
    start.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let (process, socket) = Process::start(&start).unwrap();
    let mut channel = BlockingChannel::new(socket);
    let frame = channel.receive(MOST, Some(PATIENCE));
    let frame = frame.unwrap_or_else(|error| panic!("{error}: {:?}", process.last_lines()));
    Child { process, channel, report: serde_json::from_slice(&frame.payload).unwrap() }
}

impl Child {
    pub(crate) fn receive(&mut self) -> String {
        let frame = self.channel.receive(MOST, Some(PATIENCE));
        let frame = frame.unwrap_or_else(|error| panic!("{error}: {:?}", self.process.last_lines()));
        String::from_utf8(frame.payload).unwrap()
    }

    pub(crate) fn wait(&self) -> Ended {
        wait(&self.process)
    }
}

pub(crate) fn wait(process: &Process) -> Ended {
    until(|| process.ended())
}

/// Waits for a result.
pub(crate) fn until<T>(result: impl FnMut() -> Option<T>) -> T {
    ansai_harness::until("the child gets there", PATIENCE, result)
}
