//! Typed settings.

use serde::de::DeserializeOwned;

use crate::{Failure, Host, Json, Size, Span};

/// The requirement for [`Policy::Settings`](crate::Policy::Settings): a type that derives `serde::Deserialize`, or one
/// that [`settings!`](crate::settings!) defines.
pub trait FromSettings: Sized {
    /// Reads the settings from the host's JSON.
    ///
    /// # Errors
    /// [`Failure::InvalidSettings`] that names the setting.
    fn from_settings(json: &str) -> Result<Self, Failure>;
}

impl<S: DeserializeOwned> FromSettings for S {
    fn from_settings(json: &str) -> Result<S, Failure> {
        serde_json::from_str(json).map_err(|error| Failure::InvalidSettings(error.to_string()))
    }
}

/// Settings of which some differ for one target. [`settings!`](crate::settings!) implements it.
pub trait ForTarget: Sized {
    /// These settings, with the values that the operator set for a target.
    ///
    /// # Errors
    /// [`Failure::InvalidSettings`] that names the setting.
    fn for_target(&self, host: &Host, target: &str) -> Result<Self, Failure>;

    /// Checks each setting by itself, such as the order of [`Levels`](crate::Levels). For
    /// [`Policy::check`](crate::Policy::check); settings [`for_target`](ForTarget::for_target) need it, too.
    ///
    /// # Errors
    /// [`Failure::InvalidSettings`] that begins with the name of the setting.
    fn check_each(&self) -> Result<(), Failure>;
}

/// Used by [`settings!`](crate::settings!): the value for a target, or `other` if it has none.
#[doc(hidden)]
pub fn setting_of_target<T: Setting + Clone>(host: &Host, target: &str, path: &str, other: &T) -> Result<T, Failure> {
    T::of_target(host, target, path, other)
}

/// Used by [`settings!`](crate::settings!): checks one setting.
#[doc(hidden)]
pub fn check_setting<T: Setting>(path: &str, setting: &T) -> Result<(), Failure> {
    setting.check().map_err(|failure| match failure {
        Failure::InvalidSettings(why) => {
            let name = path.split('.').next().unwrap_or(path);
            Failure::InvalidSettings(format!("`{name}`: {why}"))
        }
        other => other,
    })
}

/// The settings as JSON, readable by path.
#[derive(Debug)]
pub struct SettingsReader(Json);

impl SettingsReader {
    /// Parses the text of `context.settings`.
    ///
    /// # Errors
    /// If the text is not JSON.
    pub fn parse(json: &str) -> Result<SettingsReader, Failure> {
        Json::parse(json)
            .map(SettingsReader)
            .ok_or_else(|| Failure::InvalidSettings("the settings are not JSON".into()))
    }

    /// Reads the setting at a path such as `thresholds.warning`.
    ///
    /// ```
    /// use ansai_sdk::{Failure, SettingsReader};
    ///
    /// let settings = SettingsReader::parse(r#"{"thresholds": {"warning": 80}}"#).unwrap();
    /// assert_eq!(settings.get::<f64>("thresholds.warning"), Ok(80.0));
    /// let text = "setting `thresholds.critical` is missing or not a number";
    /// assert_eq!(settings.get::<f64>("thresholds.critical"), Err(Failure::InvalidSettings(text.into())));
    /// ```
    ///
    /// # Errors
    /// [`Failure::InvalidSettings`] if it is missing or has another type.
    pub fn get<T: Setting>(&self, path: &str) -> Result<T, Failure> {
        let found = path.split('.').try_fold(&self.0, |value, name| value.get(name));
        found.and_then(T::read).ok_or_else(|| mismatch(path, T::EXPECTED))
    }
}

fn mismatch(path: &str, expected: &str) -> Failure {
    Failure::InvalidSettings(format!("setting `{path}` is missing or not {expected}"))
}

/// A type of a setting.
pub trait Setting: Sized {
    /// Name of the type, with an article: `a number`.
    const EXPECTED: &'static str;

    /// Converts the value; `None` if it has another type.
    fn read(value: &Json) -> Option<Self>;

    /// Checks what the schema cannot express about one setting. By default, there is nothing.
    ///
    /// # Errors
    /// [`Failure::InvalidSettings`] with the reason.
    fn check(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// The value for a target, or `other` if it has none of its own.
    ///
    /// # Errors
    /// [`Failure::InvalidSettings`] if it has another type.
    fn of_target(host: &Host, target: &str, path: &str, other: &Self) -> Result<Self, Failure>
    where
        Self: Clone,
    {
        let Some(text) = host.target_setting(target, path) else { return Ok(other.clone()) };
        // A text is not quoted.
        let found = Json::parse(&text).and_then(|value| Self::read(&value)).or_else(|| Self::read(&Json::Text(text)));
        found.ok_or_else(|| mismatch(path, Self::EXPECTED))
    }
}

impl Setting for f64 {
    const EXPECTED: &'static str = "a number";
    fn read(value: &Json) -> Option<f64> {
        match value {
            Json::Count(count) => Some(*count as f64),
            Json::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl Setting for u64 {
    const EXPECTED: &'static str = "a whole number";
    fn read(value: &Json) -> Option<u64> {
        value.count()
    }
}

impl Setting for u32 {
    const EXPECTED: &'static str = "a whole number below 2^32";
    fn read(value: &Json) -> Option<u32> {
        u32::try_from(value.count()?).ok()
    }
}

impl Setting for u16 {
    const EXPECTED: &'static str = "a whole number below 65536";
    fn read(value: &Json) -> Option<u16> {
        u16::try_from(value.count()?).ok()
    }
}

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";
    fn read(value: &Json) -> Option<bool> {
        match value {
            Json::Flag(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl Setting for String {
    const EXPECTED: &'static str = "a text";
    fn read(value: &Json) -> Option<String> {
        value.text().map(str::to_owned)
    }
}

impl<T: Setting> Setting for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn read(value: &Json) -> Option<Option<T>> {
        T::read(value).map(Some)
    }
}

impl Setting for Vec<String> {
    const EXPECTED: &'static str = "a list of texts";
    fn read(value: &Json) -> Option<Vec<String>> {
        match value {
            Json::List(list) => list.iter().map(String::read).collect(),
            _ => None,
        }
    }
}

impl Setting for Size {
    const EXPECTED: &'static str = "a size in bytes";
    fn read(value: &Json) -> Option<Size> {
        value.count().map(Size)
    }
}

impl Setting for Span {
    const EXPECTED: &'static str = "a duration in milliseconds";
    fn read(value: &Json) -> Option<Span> {
        value.count().map(Span)
    }
}

/// Defines a struct for the settings. Each field is read from the setting of the same name, or from the path after `=`.
///
/// It does the same as `#[derive(serde::Deserialize)]` with a tenth of the code in the component. The derive supports
/// more types.
///
/// ```
/// use ansai_sdk::{FromSettings as _, Span};
///
/// ansai_sdk::settings! {
///     /// As settings.schema.json describes them.
///     pub struct Settings {
///         /// Percent.
///         warning: f64 = "thresholds.warning",
///         log_dirs: Vec<String>,
///         min_age: Span,
///     }
/// }
///
/// let json = r#"{"thresholds": {"warning": 80}, "log_dirs": ["/var/log"], "min_age": 3600000}"#;
/// let settings = Settings::from_settings(json).unwrap();
/// assert_eq!((settings.warning, settings.min_age.hours()), (80.0, 1));
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])* $visibility:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty $(= $path:literal)?),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $visibility struct $name { $($(#[$field_meta])* $visibility $field: $type),* }

        impl $crate::FromSettings for $name {
            fn from_settings(json: &str) -> ::core::result::Result<Self, $crate::Failure> {
                let reader = $crate::SettingsReader::parse(json)?;
                ::core::result::Result::Ok($name {
                    $($field: reader.get($crate::setting_path!($field $($path)?))?),*
                })
            }
        }

        impl $crate::ForTarget for $name {
            fn for_target(
                &self, host: &$crate::Host, target: &str,
            ) -> ::core::result::Result<Self, $crate::Failure> {
                ::core::result::Result::Ok($name {
                    $($field: $crate::setting_of_target(
                        host, target, $crate::setting_path!($field $($path)?), &self.$field,
                    )?),*
                })
            }

            fn check_each(&self) -> ::core::result::Result<(), $crate::Failure> {
                $($crate::check_setting($crate::setting_path!($field $($path)?), &self.$field)?;)*
                ::core::result::Result::Ok(())
            }
        }
    };
}

/// Used by [`settings!`].
#[doc(hidden)]
#[macro_export]
macro_rules! setting_path {
    ($field:ident) => {
        ::core::stringify!($field)
    };
    ($field:ident $path:literal) => {
        $path
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Derived {
        percent: f64,
        size: Size,
    }

    #[test]
    fn a_derived_type_names_the_missing_setting() {
        let read = Derived::from_settings(r#"{"percent":85,"size":1024}"#);
        assert_eq!(read, Ok(Derived { percent: 85.0, size: Size(1024) }));
        let error = Derived::from_settings(r#"{"percent":85}"#);
        assert!(matches!(&error, Err(Failure::InvalidSettings(why)) if why.contains("`size`")), "{error:?}");
    }

    crate::settings! {
        struct Own {
            percent: f64 = "levels.percent",
            wait: Span,
            name: String,
            names: Vec<String>,
        }
    }

    /// Would break: a value of one target that counts for all, or that is ignored.
    #[test]
    fn a_target_has_the_values_that_differ_for_it() {
        let all = r#"{"levels": {"percent": 80}, "wait": 5, "name": "a", "names": ["x"]}"#;
        let all = Own::from_settings(all).unwrap();
        let own = [("levels.percent", "90"), ("name", "12"), ("names", r#"["y"]"#)];
        let host = crate::testing::StandIn::default().with_target("main", "postgresql", &own).host();
        let main = all.for_target(&host, "main").unwrap();
        assert_eq!((main.percent, main.wait, &*main.name, &*main.names), (90.0, Span(5), "12", &["y".to_owned()][..]));
        let other = all.for_target(&host, "other").unwrap();
        assert_eq!(
            (other.percent, other.wait, &*other.name, &*other.names),
            (80.0, Span(5), "a", &["x".to_owned()][..])
        );
        let bad = crate::testing::StandIn::default().with_target("main", "postgresql", &[("wait", "soon")]).host();
        let error = all.for_target(&bad, "main").unwrap_err();
        assert!(matches!(&error, Failure::InvalidSettings(why) if why.contains("`wait`")), "{error:?}");
    }

    #[test]
    fn every_type_refuses_the_others() {
        let all = r#"{"a": -0.5, "b": 4294967296, "c": true, "d": "x", "e": ["x", 1], "f": null}"#;
        let reader = SettingsReader::parse(all).unwrap();
        assert_eq!(reader.get::<f64>("a"), Ok(-0.5));
        assert_eq!(reader.get::<f64>("b"), Ok(4_294_967_296.0));
        assert!(reader.get::<f64>("d").is_err());
        assert_eq!(reader.get::<u64>("b"), Ok(4_294_967_296));
        assert!(reader.get::<u64>("a").is_err() && reader.get::<u32>("b").is_err());
        assert_eq!(reader.get::<bool>("c"), Ok(true));
        assert!(reader.get::<bool>("f").is_err() && reader.get::<String>("c").is_err());
        assert_eq!(reader.get::<String>("d"), Ok("x".into()));
        assert!(reader.get::<Vec<String>>("e").is_err() && reader.get::<Vec<String>>("d").is_err());
        assert_eq!(reader.get::<Size>("b"), Ok(Size(1 << 32)));
        assert!(reader.get::<Span>("a").is_err() && reader.get::<f64>("a.b").is_err());
        assert!(SettingsReader::parse("{").is_err());
    }
}
