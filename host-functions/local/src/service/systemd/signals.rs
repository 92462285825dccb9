//! Signals about states of units.

use std::collections::HashMap;

use zbus::{MatchRule, Message, OwnedVariant, message};

use super::{DESTINATION, PROPERTIES, UNIT};
use crate::bus::{BusError, Properties};

/// Where the objects of units are.
const UNITS: &str = "/org/freedesktop/systemd1/unit";
/// The longest text that is passed on, in bytes.
const MOST_BYTES: usize = 64;

/// A unit has another state now.
pub(crate) struct StateChange {
    /// Its canonical name.
    pub(crate) id: String,
    /// `failed`.
    pub(crate) active: String,
    /// `auto-restart`.
    pub(crate) sub: String,
}

/// The signals about properties of units.
pub(crate) fn state_changes() -> Result<MatchRule<'static>, BusError> {
    Ok(MatchRule::builder()
        .msg_type(message::Type::Signal)
        .sender(DESTINATION)
        .interface(PROPERTIES)
        .member("PropertiesChanged")
        .path_namespace(UNITS)
        .add_arg(UNIT)
        .build()?)
}

impl StateChange {
    /// What such a signal says; `None` if it is about other properties, or not as documented.
    pub(crate) fn read(message: &Message) -> Option<StateChange> {
        let header = message.header();
        let id = unescaped(header.path()?.as_str().strip_prefix(UNITS)?.strip_prefix('/')?)?;
        let body = message.body();
        let (interface, changed, _) =
            body.deserialize::<(String, HashMap<String, OwnedVariant>, Vec<String>)>().ok()?;
        if interface != UNIT {
            return None;
        }
        let changed = Properties::new(changed);
        let short = |name: &str| changed.text(name).ok().filter(|text| text.len() <= MOST_BYTES).map(str::to_owned);
        Some(StateChange { id, active: short("ActiveState")?, sub: short("SubState")? })
    }
}

/// The name behind a part of a path: `nginx_2eservice` is `nginx.service`.
fn unescaped(part: &str) -> Option<String> {
    let mut bytes = part.bytes();
    let mut name = Vec::with_capacity(part.len());
    while let Some(byte) = bytes.next() {
        if byte != b'_' {
            name.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
        name.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_paths() {
        for (part, name) in [
            ("nginx_2eservice", Some("nginx.service")),
            ("getty_40tty1_2eservice", Some("getty@tty1.service")),
            ("a_5fb", Some("a_b")),
            ("a_", None),
            ("a_2", None),
            ("a_zz", None),
            ("a_ff", None),
            ("", Some("")),
        ] {
            assert_eq!(unescaped(part).as_deref(), name, "{part}");
        }
    }
}
