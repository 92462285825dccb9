//! Properties of an object on the bus.

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant};

use super::BusError;

/// The properties of one interface or several. What has another type than documented is as if it were missing.
pub(crate) struct Properties(HashMap<String, OwnedVariant>);

impl Properties {
    pub(crate) fn new(all: HashMap<String, OwnedVariant>) -> Properties {
        Properties(all)
    }

    /// All of both.
    #[must_use]
    pub(crate) fn and(mut self, more: Properties) -> Properties {
        self.0.extend(more.0);
        self
    }

    fn get(&self, name: &str) -> Option<&Variant<'static>> {
        self.0.get(name).map(|value| &**value)
    }

    /// A text; an error if it is missing.
    pub(crate) fn text(&self, name: &str) -> Result<&str, BusError> {
        match self.get(name) {
            Some(Variant::Str(text)) => Ok(text.as_str()),
            _ => Err(BusError::Invalid(format!("no text {name}"))),
        }
    }

    /// A text; empty if it is missing.
    pub(crate) fn text_or_empty(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// A switch; off if it is missing.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Variant::Bool(true)))
    }

    /// A number without sign.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Variant::U32(number) => Some(u64::from(*number)),
            Variant::U64(number) => Some(*number),
            _ => None,
        }
    }

    /// A number with sign.
    pub(crate) fn signed(&self, name: &str) -> Option<i32> {
        match self.get(name)? {
            Variant::I32(number) => Some(*number),
            _ => None,
        }
    }

    /// The number of a job: a structure of a number and a path.
    pub(crate) fn job(&self, name: &str) -> Option<u32> {
        let Some(Variant::Structure(job)) = self.get(name) else { return None };
        match job.fields().first() {
            Some(Variant::U32(number)) => Some(*number),
            _ => None,
        }
    }

    /// A list of texts; empty if it is missing.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let Some(Variant::Array(list)) = self.get(name) else { return Vec::new() };
        let text = |value: &Variant<'_>| match value {
            Variant::Str(text) => Some(text.as_str().to_owned()),
            _ => None,
        };
        list.iter().filter_map(text).collect()
    }

    /// A list of bytes as hexadecimal digits; empty if it is missing.
    pub(crate) fn hex(&self, name: &str) -> String {
        let Some(Variant::Array(list)) = self.get(name) else { return String::new() };
        let byte = |value: &Variant<'_>| match value {
            Variant::U8(byte) => Some(format!("{byte:02x}")),
            _ => None,
        };
        list.iter().filter_map(byte).collect()
    }
}
