//! Users by their names.
#![expect(clippy::disallowed_methods, reason = "reads /etc/passwd")]

use std::io::Read as _;

use super::User;
use crate::host::Host;

const FILE: &str = "/etc/passwd";
const MOST_BYTES: u64 = 16 << 20;

/// Why a name is no user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// `/etc/passwd` does not name it. Users of a directory service are not there.
    #[error("no user is named `{0}` in {FILE}")]
    Unknown(String),
    /// It is root under another name.
    #[error("the user `{0}` is root under another name: write \"root\" to run a program as root")]
    Root(String),
    /// The file cannot be read.
    #[error("{FILE} cannot be read: {0}")]
    Unreadable(String),
}

impl User {
    /// The user of this name in `/etc/passwd` of the host, with its own group.
    ///
    /// # Errors
    /// There is none, or it is root and is not called so.
    pub fn named(host: &Host, name: &str) -> Result<User, UserError> {
        let bytes = passwd(host).map_err(|error| UserError::Unreadable(error.to_string()))?;
        let user = find(&String::from_utf8_lossy(&bytes), name);
        match user {
            None => Err(UserError::Unknown(name.to_owned())),
            Some(User { uid: 0, .. }) if name != "root" => Err(UserError::Root(name.to_owned())),
            Some(user) => Ok(user),
        }
    }

    /// The user with this number, with its own group. A user of a directory service or of a container is not in
    /// `/etc/passwd`: it gets a group of nobody's.
    pub fn numbered(host: &Host, uid: u32) -> User {
        let gid = passwd(host).ok().and_then(|bytes| gid_of(&String::from_utf8_lossy(&bytes), uid));
        User { uid, gid: gid.unwrap_or(NO_GROUP) }
    }
}

/// The group `nogroup` or `nobody` everywhere.
const NO_GROUP: u32 = 65_534;

fn passwd(host: &Host) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(host.path(FILE)).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))?;
    Ok(bytes)
}

/// The group of a user by its number. The group of root is never one: a program would read what only root's group may.
fn gid_of(text: &str, uid: u32) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut numbers = line.split(':').skip(2).map(|field| field.parse::<u32>().ok());
        (numbers.next()? == Some(uid)).then(|| numbers.next()?.filter(|gid| *gid != 0))?
    })
}

/// The first line `name:password:uid:gid:…` of this name, as the system reads it.
fn find(text: &str, name: &str) -> Option<User> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(name);
        let (_, uid, gid) = (fields.next()?, fields.next()?, fields.next()?);
        is_it.then_some(User { uid: uid.parse().ok()?, gid: gid.parse().ok()? })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_number_has_the_group_of_its_user() {
        let text = "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/:/x\nadmin:x:7:0::/:/x\nbroken:x:8:\n";
        assert_eq!((gid_of(text, 33), gid_of(text, 7), gid_of(text, 8), gid_of(text, 9)), (Some(34), None, None, None));
    }

    #[test]
    fn root_is_only_what_is_called_root() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("etc")).unwrap();
        let file = "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nzero:x:00:5::/:/x\nweb:x:33:34::/:/x\n\
                    broken:x:a:1::\nweb:x:0:0::/:/x\n+::::\n";
        std::fs::write(directory.path().join("etc/passwd"), file).unwrap();
        let host = Host::at(directory.path());
        assert_eq!(User::named(&host, "web"), Ok(User { uid: 33, gid: 34 }));
        assert_eq!(User::named(&host, "root"), Ok(User { uid: 0, gid: 0 }));
        for name in ["toor", "zero"] {
            assert_eq!(User::named(&host, name), Err(UserError::Root(name.into())));
        }
        for name in ["", "broken", "+", "we", "web:x", "x", "33"] {
            assert!(matches!(User::named(&host, name), Err(UserError::Unknown(_))), "{name}");
        }
        let none = Host::at(directory.path().join("none"));
        assert!(matches!(User::named(&none, "web"), Err(UserError::Unreadable(_))));
    }
}
