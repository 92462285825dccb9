//! Who may ask for what.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::people;

/// Connections of one user at the same time, apart from root and the user of the daemon.
const MOST_OF_ONE: usize = 8;
/// Connections at the same time.
const MOST: usize = 32;

/// The groups that may use the socket beside root and the user of the daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Who may read.
    pub readers: Option<String>,
    /// Who may also change something.
    pub operators: Option<String>,
}

/// What a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Nothing,
    Read,
    Change,
}

impl Access {
    /// Whether only root and the user of the daemon may use the socket.
    pub(crate) fn is_private(&self) -> bool {
        self.readers.is_none() && self.operators.is_none()
    }

    /// What a process of this user may ask for, with this first group.
    pub(crate) fn of(&self, uid: u32, gid: u32) -> Right {
        let is_in = |group: &Option<String>| group.as_ref().is_some_and(|name| people::is_member(uid, gid, name));
        match () {
            () if is_own(uid) || is_in(&self.operators) => Right::Change,
            () if is_in(&self.readers) => Right::Read,
            () => Right::Nothing,
        }
    }
}

/// Whether it is root or the user of the daemon.
fn is_own(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// The connections that are open, by user.
#[derive(Clone, Default)]
pub(crate) struct Connections(Arc<Mutex<HashMap<u32, usize>>>);

/// The place of an open connection.
#[must_use]
pub(crate) struct Connected {
    all: Connections,
    uid: u32,
}

impl Connections {
    /// A place, unless too many are taken. Others leave some for root and the user of the daemon.
    pub(crate) fn take(&self, uid: u32) -> Option<Connected> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, count) = (all.get(&uid).copied().unwrap_or(0), all.values().sum::<usize>());
        let has_room = if is_own(uid) { count < MOST } else { own < MOST_OF_ONE && count < MOST - MOST_OF_ONE };
        has_room.then(|| {
            *all.entry(uid).or_default() += 1;
            Connected { all: self.clone(), uid }
        })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: u32 = 4_242;

    #[test]
    fn root_and_the_user_may_change_and_others_nothing() {
        let access = Access::default();
        assert_eq!(access.of(0, 0), Right::Change);
        assert_eq!(access.of(rustix::process::geteuid().as_raw(), OTHER), Right::Change);
        assert_eq!(access.of(OTHER, OTHER), Right::Nothing);
        // By the first group of the process: the group `root` is everywhere.
        let readers = Access { readers: Some("root".into()), operators: None };
        assert_eq!((readers.of(OTHER, 0), readers.of(OTHER, OTHER)), (Right::Read, Right::Nothing));
        let operators = Access { readers: None, operators: Some("root".into()) };
        assert_eq!(operators.of(OTHER, 0), Right::Change);
        let unknown = Access { readers: Some("no-such-group".into()), operators: Some("no-such-group".into()) };
        assert_eq!(unknown.of(OTHER, 0), Right::Nothing);
    }

    #[test]
    fn nobody_takes_the_places_of_the_operator() {
        let all = Connections::default();
        let of_other: Vec<_> = (0..20).map_while(|_| all.take(OTHER)).collect();
        assert_eq!(of_other.len(), MOST_OF_ONE);
        let of_many: Vec<_> = (0..1_000).map_while(|uid| all.take(OTHER + 1 + uid)).collect();
        assert_eq!(of_other.len() + of_many.len(), MOST - MOST_OF_ONE);
        let own: Vec<_> = (0..100).map_while(|_| all.take(0)).collect();
        assert_eq!(own.len(), MOST_OF_ONE);
        drop((of_other, of_many));
        assert!(all.take(OTHER).is_some() && all.take(0).is_some());
    }
}
