//! Settings that are tables, and lists of them.

use crate::{Failure, Json, Setting, text};

/// A setting that is a list of tables. [`entries!`](crate::entries!) defines the type of its entries; what they expect is what the
/// list expects.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries<E>(pub Vec<E>);

impl<E> Default for Entries<E> {
    fn default() -> Self {
        Entries(Vec::new())
    }
}

impl<E> Entries<E> {
    /// Checks the keys that findings about an entry get, without a prefix: none is longer than so many bytes, and the first key of
    /// an entry is that of no other one. `setting` is the name of the list.
    ///
    /// # Errors
    /// [`Failure::InvalidSettings`], with the key.
    pub fn check_keys<const N: usize>(
        &self,
        setting: &str,
        most: usize,
        keys: impl Fn(&E) -> [String; N],
    ) -> Result<(), Failure> {
        let mut known: Vec<String> = Vec::new();
        for entry in &self.0 {
            let own = keys(entry);
            if let Some(long) = own.iter().find(|key| key.len() > most) {
                let words = format!("`{setting}`: `{}…` is longer than {most} bytes", text::cut(long, 40));
                return Err(Failure::InvalidSettings(words));
            }
            let Some(key) = own.into_iter().next() else { continue };
            if known.contains(&key) {
                return Err(Failure::InvalidSettings(format!("`{setting}` has `{key}` twice")));
            }
            known.push(key);
        }
        Ok(())
    }
}

impl<E: Setting> Setting for Entries<E> {
    const EXPECTED: &'static str = E::EXPECTED;

    fn read(value: &Json) -> Option<Self> {
        match value {
            Json::List(list) => list.iter().map(E::read).collect::<Option<_>>().map(Entries),
            _ => None,
        }
    }
}

/// Defines a struct for a setting that is a table, or for one entry of a list of tables. Each field is read from the key of the
/// same name, or from the one after `=`. What comes after `=>` counts if the key is missing; without it, the key is required.
///
/// ```
/// use ansai_sdk::{Entries, Json, Setting as _};
///
/// ansai_sdk::entries! {
///     /// One entry of `servers`.
///     #[derive(PartialEq)]
///     pub struct Server: "a list of tables with `address`" {
///         address: String,
///         /// In seconds.
///         wait: u32 = "wait_seconds" => 30,
///         file: Option<String> => None,
///     }
/// }
///
/// let read = |text| Entries::<Server>::read(&Json::parse(text).unwrap());
/// let one = Server { address: "a".into(), wait: 30, file: None };
/// assert_eq!(read(r#"[{"address": "a"}]"#), Some(Entries(vec![one])));
/// assert_eq!(read(r#"[{"wait_seconds": 5}]"#), None);
/// ```
#[macro_export]
macro_rules! entries {
    (
        $(#[$meta:meta])* $visibility:vis struct $name:ident: $expected:literal {
            $($(#[$field_meta:meta])* $field:ident: $type:ty $(= $key:literal)? $(=> $default:expr)?),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $visibility struct $name { $($(#[$field_meta])* $visibility $field: $type),* }

        impl $crate::Setting for $name {
            const EXPECTED: &'static str = $expected;

            fn read(value: &$crate::Json) -> ::core::option::Option<Self> {
                ::core::option::Option::Some($name {
                    $($field: match value.get($crate::setting_path!($field $($key)?)) {
                        ::core::option::Option::Some(found) => <$type as $crate::Setting>::read(found)?,
                        ::core::option::Option::None => $crate::entry_default!($($default)?),
                    }),*
                })
            }
        }
    };
}

/// Used by [`entries!`].
#[doc(hidden)]
#[macro_export]
macro_rules! entry_default {
    () => {
        return ::core::option::Option::None
    };
    ($default:expr) => {
        $default
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    crate::entries! {
        #[derive(PartialEq)]
        struct Own: "a list of tables with `name`" {
            name: String,
            least: u16 => 200,
            note: Option<String> = "remark" => None,
        }
    }

    fn read(text: &str) -> Option<Vec<(String, u16, Option<String>)>> {
        let found = Entries::<Own>::read(&Json::parse(text).unwrap())?;
        Some(found.0.into_iter().map(|own| (own.name, own.least, own.note)).collect())
    }

    /// Would break: a key of another type that counts as missing, or an entry that is dropped without a word.
    #[test]
    fn an_entry_is_read_whole_or_the_list_is_refused() {
        let two = read(r#"[{"name": "a"}, {"name": "b", "least": 401, "remark": "x"}]"#).unwrap();
        assert_eq!(two, [("a".into(), 200, None), ("b".into(), 401, Some("x".into()))]);
        assert_eq!(read("[]"), Some(vec![]));
        for bad in [
            "{}",
            r#"["a"]"#,
            r#"[{"name": "a"}, {}]"#,
            r#"[{"name": 1}]"#,
            r#"[{"name": "a", "least": 70000}]"#,
            r#"[{"name": "a", "remark": 1}]"#,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
