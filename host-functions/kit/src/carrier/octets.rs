//! Bytes as they cross.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Bytes that cross as base64. They may be a secret, so they are wiped when they are dropped, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Octets(Zeroizing<Vec<u8>>);

impl Octets {
    /// A copy of these bytes.
    pub fn of(bytes: &[u8]) -> Octets {
        Octets(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(&*self.0)))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Octets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64")
            }

            // The error must not have the text.
            fn visit_str<E: Error>(self, text: &str) -> Result<Octets, E> {
                STANDARD.decode(text).map(|bytes| Octets(Zeroizing::new(bytes))).map_err(|_| E::custom("not base64"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn bytes_cross_and_are_not_printed() {
        let all: Vec<u8> = (0..=255).collect();
        let text = serde_json::to_string(&Octets::of(&all)).unwrap();
        assert_eq!(serde_json::from_str::<Octets>(&text).unwrap().expose(), all);
        assert_eq!(format!("{:?}", Octets::of(b"hunter2")), "7 bytes");
        let wrong = serde_json::from_str::<Octets>("\"hunter2!\"").unwrap_err().to_string();
        assert!(wrong.contains("not base64") && !wrong.contains("hunter2"), "{wrong}");
    }
}
