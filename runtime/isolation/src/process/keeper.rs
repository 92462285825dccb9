//! The one thread that starts, follows and reaps all processes. It lives as long as this program: a child ends with the
//! thread that started it. If it panics, all children end, and no other is started.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ansai_kit::host::Host;
use ansai_kit::program::User;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use rustix::thread::{CapabilitySet, capabilities};

use super::account::{Account, Accounts};
use super::launch::{Launch, Launched};
use super::standard_error::StandardError;
use super::{Ended, StartError};

/// Lines of standard error that are kept of each process.
const LINES: usize = 20;

/// What is known of a process.
#[derive(Debug)]
pub(super) struct State {
    pub(super) id: i32,
    pub(super) pidfd: OwnedFd,
    name: String,
    ended: OnceLock<Ended>,
    lines: Mutex<VecDeque<String>>,
}

impl State {
    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended.get().copied()
    }

    pub(super) fn last_lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn take_line(&self, line: String) {
        tracing::warn!(process = %self.name, pid = self.id, "{line}");
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

type Answer = Result<(Arc<State>, OwnedFd), StartError>;

struct Order {
    launch: Launch,
    answer: Sender<Answer>,
}

pub(super) struct Keeper {
    orders: Sender<Order>,
    wake: Arc<OwnedFd>,
    accounts: Mutex<Accounts>,
}

impl Keeper {
    /// The keeper of this program, which is started with the first process.
    pub(super) fn get() -> Result<&'static Keeper, StartError> {
        static KEEPER: Mutex<Option<&'static Keeper>> = Mutex::new(None);
        let mut keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
        match *keeper {
            Some(keeper) => Ok(keeper),
            None => {
                let started: &'static Keeper = Box::leak(Box::new(Keeper::spawn().map_err(|_| StartError::Keeper)?));
                Ok(keeper.insert(started))
            }
        }
    }

    fn spawn() -> std::io::Result<Keeper> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (orders, incoming) = channel();
        let theirs = wake.clone();
        std::thread::Builder::new().name("processes".into()).spawn(move || Loop::new(theirs, incoming).run())?;
        Ok(Keeper { orders, wake, accounts: Mutex::default() })
    }

    /// The user for an account; `None` if this process may not start programs as another user.
    pub(super) fn user(&self, account: &Account) -> Result<Option<User>, StartError> {
        let needed = CapabilitySet::SETUID | CapabilitySet::SETGID;
        if !capabilities(None).is_ok_and(|sets| sets.effective.contains(needed)) {
            return Ok(None);
        }
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.user(account, &Host::at("/")).map(Some)
    }

    pub(super) fn start(&self, launch: Launch) -> Answer {
        let (answer, answered) = channel();
        self.orders.send(Order { launch, answer }).map_err(|_| StartError::Keeper)?;
        // Cannot fail: the counter of the descriptor does not come near its end.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        answered.recv().map_err(|_| StartError::Keeper)?
    }
}

struct Child {
    state: Arc<State>,
    standard_error: StandardError,
}

struct Loop {
    wake: Arc<OwnedFd>,
    orders: Receiver<Order>,
    children: Vec<Child>,
}

impl Loop {
    fn new(wake: Arc<OwnedFd>, orders: Receiver<Order>) -> Self {
        Loop { wake, orders, children: Vec::new() }
    }

    fn run(mut self) {
        loop {
            self.wait();
            let _ = rustix::io::read(&*self.wake, &mut [0_u8; 8][..]);
            while let Ok(order) = self.orders.try_recv() {
                let answer = self.start(order.launch);
                // If nobody waits any more, the process ends: its channel is dropped here.
                let _ = order.answer.send(answer);
            }
            self.children.retain_mut(|child| !child.follow());
        }
    }

    /// Waits until there is something to do.
    fn wait(&self) {
        let mut wanted = vec![PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN)];
        for child in &self.children {
            wanted.push(PollFd::from_borrowed_fd(child.state.pidfd.as_fd(), PollFlags::IN));
            wanted.extend(child.standard_error.pipe().map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
        }
        let pause = self.children.iter().filter_map(|child| child.standard_error.pause()).min();
        let pause = pause.map(|pause| Timespec {
            tv_sec: i64::try_from(pause.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: pause.subsec_nanos().into(),
        });
        // An interruption is no harm: nothing is ready then.
        let _ = poll(&mut wanted, pause.as_ref());
    }

    fn start(&mut self, launch: Launch) -> Answer {
        let name = launch.name.clone();
        let Launched { id, pidfd, socket, standard_error } = launch.run()?;
        let id = id.as_raw_pid();
        let state = Arc::new(State { id, pidfd, name, ended: OnceLock::new(), lines: Mutex::default() });
        self.children.push(Child { state: state.clone(), standard_error: StandardError::new(standard_error) });
        Ok((state, socket))
    }
}

impl Child {
    /// Takes its lines, and reaps it. Whether it has ended.
    fn follow(&mut self) -> bool {
        let state = self.state.clone();
        let mut take = |line| state.take_line(line);
        if self.standard_error.pause().is_none() {
            self.standard_error.read(&mut take);
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let ended = match waitid(WaitId::PidFd(state.pidfd.as_fd()), options) {
            Ok(None) => return false,
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Ended::Exited(code),
                (None, Some(signal)) => Ended::Signalled(signal),
                (None, None) => Ended::Unknown,
            },
            Err(rustix::io::Errno::INTR) => return false,
            Err(_) => Ended::Unknown,
        };
        self.standard_error.finish(&mut take);
        let _ = state.ended.set(ended);
        true
    }
}
