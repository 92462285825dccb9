//! Users and groups by their names in `/etc/passwd` and `/etc/group`.
#![expect(clippy::disallowed_methods, reason = "an adapter to the two files")]

use std::io::Read as _;

use ansai_core::order::Person;
use ansai_core::text::inert;

/// Larger files are not read: then users have no names and groups no members.
const MOST_BYTES: u64 = 4 << 20;
const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

/// The user with this number.
pub(crate) fn person(uid: u32) -> Person {
    Person { uid, name: name_of(&read(PASSWD), uid) }
}

/// The user who runs this program.
pub fn myself() -> Person {
    person(rustix::process::getuid().as_raw())
}

/// The number of a group.
pub(crate) fn group(name: &str) -> Option<u32> {
    line_of(&read(GROUP), name).map(|(gid, _)| gid)
}

/// Whether a user is in a group: by the first group of the process, or by the list of members.
pub(crate) fn is_member(uid: u32, gid: u32, group: &str) -> bool {
    let groups = read(GROUP);
    let Some((number, members)) = line_of(&groups, group) else { return false };
    number == gid
        || name_of(&read(PASSWD), uid).is_some_and(|name| members.split(',').any(|member| member.trim() == name))
}

fn read(path: &str) -> String {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) => text,
        Err(error) => {
            tracing::debug!("{path}: {error}");
            String::new()
        }
    }
}

fn name_of(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| inert(name, 64))
    })
}

/// The number and the members of a group.
fn line_of<'t>(groups: &'t str, name: &str) -> Option<(u32, &'t str)> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()?;
        let (number, members) = (fields.nth(1)?.parse().ok()?, fields.next().unwrap_or_default());
        (found == name).then_some((number, members))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbroken\n:x:7:\n";
    const GROUPS: &str = "root:x:0:\nops:x:40:alice, bob\nempty:x:41:\nbroken:x\n";

    #[test]
    fn users_and_groups_are_found_by_name_and_number() {
        assert_eq!(name_of(PASSWD, 1_000).as_deref(), Some("alice"));
        assert_eq!((name_of(PASSWD, 1), name_of("", 0)), (None, None));
        assert_eq!(line_of(GROUPS, "ops"), Some((40, "alice, bob")));
        assert_eq!(line_of(GROUPS, "empty"), Some((41, "")));
        assert_eq!((line_of(GROUPS, "broken"), line_of(GROUPS, "op")), (None, None));
        assert_eq!(myself().uid, rustix::process::getuid().as_raw());
    }
}
