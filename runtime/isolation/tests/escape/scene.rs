//! A child and the channel to it.

use std::time::Duration;

use ansai_isolation::{Account, BlockingChannel, Ended, Process, Profile, Report, Start};

pub const PATIENCE: Duration = Duration::from_secs(10);
pub const MOST: usize = 1 << 20;

pub struct Child {
    pub process: Process,
    pub channel: BlockingChannel,
    pub report: Report,
}

pub fn start(profile: Profile, purpose: &str, arguments: &[&str]) -> Child {
    let account = Account::new("ansai-test-nobody-has-this-name", purpose);
    let mut start = Start::new("", profile, account);
    start.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let (process, socket) = Process::start(&start).unwrap();
    let mut channel = BlockingChannel::new(socket);
    let frame = channel.receive(MOST, Some(PATIENCE));
    let frame = frame.unwrap_or_else(|error| panic!("{error}: {:?}", process.last_lines()));
    Child { process, channel, report: serde_json::from_slice(&frame.payload).unwrap() }
}

impl Child {
    pub fn receive(&mut self) -> String {
        String::from_utf8(self.channel.receive(MOST, Some(PATIENCE)).unwrap().payload).unwrap()
    }

    pub fn wait(&self) -> Ended {
        wait(&self.process)
    }
}

pub fn wait(process: &Process) -> Ended {
    until(|| process.ended())
}

/// Waits for a result, for at most ten seconds.
pub fn until<T>(mut result: impl FnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(result) = result() {
            return result;
        }
        assert!(began.elapsed() < PATIENCE, "nothing within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
