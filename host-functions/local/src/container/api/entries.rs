//! A list of an answer, entry by entry: one that cannot be read hides no other.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The most entries of a list that are kept.
const MOST: usize = 16_384;
/// A longer list is refused: to look at millions of bad entries takes seconds.
const MOST_SEEN: usize = 4 * MOST;

/// The entries that could be read, and how many could not.
#[derive(Debug)]
pub(crate) struct Entries<T> {
    pub(crate) read: Vec<T>,
    pub(crate) skipped: u32,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries { read: Vec::new(), skipped: 0 }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<T>(PhantomData<T>);
        impl<'de, T: DeserializeOwned> Visitor<'de> for Each<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            /// An empty list, as Go writes it.
            fn visit_unit<E>(self) -> Result<Entries<T>, E> {
                Ok(Entries::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries<T>, A::Error> {
                let (mut found, mut seen) = (Entries::default(), 0_usize);
                while let Some(entry) = list.next_element::<&RawValue>()? {
                    seen = seen.saturating_add(1);
                    if seen > MOST_SEEN {
                        return Err(A::Error::custom("too many entries"));
                    }
                    match serde_json::from_str(entry.get()) {
                        Ok(entry) if found.read.len() < MOST => found.read.push(entry),
                        _ => found.skipped = found.skipped.saturating_add(1),
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_any(Each(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn one_bad_entry_hides_no_other() {
        let read: Entries<u8> = serde_json::from_str(r#"[1, "x", 300, null, {"a":[1]}, 2]"#).unwrap();
        assert_eq!((read.read, read.skipped), (vec![1, 2], 4));
        assert_eq!(serde_json::from_str::<Entries<u8>>("null").unwrap().skipped, 0);
        let many = format!("[{}1]", "1,".repeat(20_000));
        let read: Entries<u8> = serde_json::from_str(&many).unwrap();
        assert_eq!((read.read.len(), read.skipped), (MOST, 20_001 - MOST as u32));
        assert!(serde_json::from_str::<Entries<u8>>(&format!("[{}1]", "{},".repeat(MOST_SEEN))).is_err());
        let deep = format!("[1,{}{}]", "[".repeat(100_000), "]".repeat(100_000));
        let read: Entries<u8> = serde_json::from_str(&deep).unwrap();
        assert_eq!((read.read, read.skipped), (vec![1], 1));
        assert!(serde_json::from_str::<Entries<u8>>("{}").is_err());
    }
}
