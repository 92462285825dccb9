//! The users of processes.
#![expect(clippy::disallowed_methods, reason = "an adapter to /proc, /run/systemd and /etc/group")]

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use ansai_kit::host::Host;
use ansai_kit::program::{User, UserError};

use super::StartError;

/// The numbers that systemd gives to services without a user of their own. No distribution gives them to anybody else.
const FIRST: u32 = 61_184;
const LAST: u32 = 65_519;

/// The user of a process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    /// A user of `/etc/passwd`. If there is none of this name, or the file cannot be read, a number that nobody has is
    /// used.
    pub name: String,
    /// What the process is trusted with. Without a named user, each purpose has a number of its own, so that processes of
    /// one purpose cannot signal those of another.
    pub purpose: String,
}

impl Account {
    /// A user and what it is used for.
    pub fn new(name: &str, purpose: &str) -> Account {
        Account { name: name.to_owned(), purpose: purpose.to_owned() }
    }
}

/// The numbers that were given to purposes.
#[derive(Debug, Default)]
pub(super) struct Accounts(BTreeMap<Account, u32>);

impl Accounts {
    /// The user of an account.
    pub(super) fn user(&mut self, account: &Account, host: &Host) -> Result<User, StartError> {
        match User::named(host, &account.name) {
            Ok(user) => return Ok(user),
            // Nobody is known to have the name. The number is compared with all processes that run.
            Err(UserError::Unknown(_) | UserError::Unreadable(_)) => {}
            Err(error @ UserError::Root(_)) => return Err(error.into()),
        }
        if let Some(&number) = self.0.get(account) {
            return Ok(User { uid: number, gid: number });
        }
        let taken = taken(host);
        let number =
            candidates(account).find(|number| !taken.contains(number) && !self.0.values().any(|own| own == number));
        let number = number.ok_or(StartError::NoUser(FIRST, LAST))?;
        self.0.insert(account.clone(), number);
        Ok(User { uid: number, gid: number })
    }
}

/// All numbers of the range, beginning with one that depends on the account: mostly the same after a restart.
fn candidates(account: &Account) -> impl Iterator<Item = u32> {
    let mut hasher = DefaultHasher::new();
    account.hash(&mut hasher);
    let count = LAST - FIRST + 1;
    let start = u32::try_from(hasher.finish() % u64::from(count)).unwrap_or_default();
    (0..count).map(move |step| FIRST + (start + step) % count)
}

/// Numbers that a user, a group, a service of systemd or a running process has.
fn taken(host: &Host) -> BTreeSet<u32> {
    let mut taken = BTreeSet::new();
    for file in ["/etc/passwd", "/etc/group"] {
        let text = std::fs::read(host.path(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        taken.extend(text.lines().filter_map(|line| line.split(':').nth(2)?.parse::<u32>().ok()));
    }
    let services = std::fs::read_dir(host.path("/run/systemd/dynamic-uid")).into_iter().flatten().flatten();
    taken.extend(services.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()));
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    taken.extend(processes.filter_map(|entry| {
        // The owner of the directory is root where the process cannot be traced.
        let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_ascii_whitespace().next()?.parse::<u32>().ok()
    }));
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: a host without `/etc/passwd` on which root starts no process, so loads no policy.
    #[test]
    fn without_a_name_each_purpose_has_a_number_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::at(directory.path());
        let mut accounts = Accounts::default();
        let mut user = |name: &str, purpose: &str| accounts.user(&Account::new(name, purpose), &host);
        let [one, again, other] = ["one", "one", "other"].map(|purpose| user("ansai-guest", purpose).unwrap());
        assert!((FIRST..=LAST).contains(&one.uid) && one.uid == one.gid, "{one:?}");
        assert_eq!(one, again);
        assert_ne!(one, other);
        std::fs::create_dir(directory.path().join("etc")).unwrap();
        std::fs::write(directory.path().join("etc/passwd"), "ansai-guest:x:33:34::/:/x\ntoor:x:0:0::/:/x\n").unwrap();
        assert_eq!(user("ansai-guest", "one").unwrap(), User { uid: 33, gid: 34 });
        assert!(matches!(user("toor", "one"), Err(StartError::User(UserError::Root(_)))));
    }
}
