//! Who asks, for the audit log.
#![expect(clippy::disallowed_methods, reason = "an adapter to the list of users")]

use std::io::Read as _;

/// The local users.
const USERS: &str = "/etc/passwd";
const MOST_BYTES: u64 = 4 << 20;

/// A user in words: `user 0 (root)`, or `user 4711` where the host has no local user of this number.
pub fn named(uid: u32) -> String {
    let mut text = String::new();
    let read = std::fs::File::open(USERS).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    let name = read.ok().and_then(|_| name_in(&text, uid));
    name.map_or_else(|| format!("user {uid}"), |name| format!("user {uid} ({})", ansai_core::text::inert(name, 64)))
}

/// The first name of a number in the form of passwd(5).
fn name_in(text: &str, uid: u32) -> Option<&str> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid) && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_their_first_name() {
        let text = "root:x:0:0:root:/root:/bin/sh\nbroken\ntoor:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n";
        assert_eq!([0, 1000, 7].map(|uid| name_in(text, uid)), [Some("root"), Some("alice"), None]);
        assert_eq!(named(u32::MAX - 7), format!("user {}", u32::MAX - 7));
    }
}
