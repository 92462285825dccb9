//! Writes wasmtime's dynamic values as JSON text. [`crate::value_type`] reads the text as values. Answers and
//! findings have Rust types instead, see [`crate::exports`].
//!
//! record → object; list, tuple → array; enum, case without payload → string; case with payload → `{"case": …}`;
//! option → null or the value; flags → array of strings. This is what serde derives, so that the functions of the host are
//! plain Rust with plain structs. The contract has no options of options.

use std::io::Write;
use std::sync::Arc;

use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use wasmtime::component::Val;

/// A value as JSON. Numbers that are not finite are an error.
pub(crate) struct Json<'a>(pub(crate) &'a Val);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Val::Bool(v) => serializer.serialize_bool(*v),
            Val::S8(v) => serializer.serialize_i8(*v),
            Val::U8(v) => serializer.serialize_u8(*v),
            Val::S16(v) => serializer.serialize_i16(*v),
            Val::U16(v) => serializer.serialize_u16(*v),
            Val::S32(v) => serializer.serialize_i32(*v),
            Val::U32(v) => serializer.serialize_u32(*v),
            Val::S64(v) => serializer.serialize_i64(*v),
            Val::U64(v) => serializer.serialize_u64(*v),
            Val::Float32(v) if v.is_finite() => serializer.serialize_f32(*v),
            Val::Float64(v) if v.is_finite() => serializer.serialize_f64(*v),
            Val::Float32(_) | Val::Float64(_) => Err(S::Error::custom("a number is not finite")),
            Val::Char(v) => serializer.serialize_char(*v),
            Val::String(v) | Val::Enum(v) => serializer.serialize_str(v),
            Val::List(list) | Val::Tuple(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for value in list {
                    seq.serialize_element(&Json(value))?;
                }
                seq.end()
            }
            Val::Record(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, &Json(value))?;
                }
                map.end()
            }
            Val::Variant(case, None) => serializer.serialize_str(case),
            Val::Variant(case, Some(value)) => entry(serializer, case, &Json(value)),
            Val::Option(None) => serializer.serialize_unit(),
            Val::Option(Some(value)) => Json(value).serialize(serializer),
            Val::Result(Ok(value)) => entry(serializer, "ok", &value.as_deref().map(Json)),
            Val::Result(Err(value)) => entry(serializer, "err", &value.as_deref().map(Json)),
            Val::Flags(flags) => flags.serialize(serializer),
            _ => Err(S::Error::custom("a value of a type that the contract does not have")),
        }
    }
}

/// An object with one entry.
fn entry<S: Serializer>(serializer: S, name: &str, value: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(name, value)?;
    map.end()
}

/// Arguments as a JSON object by parameter name.
pub(crate) struct Arguments<'a> {
    pub(crate) names: &'a [Box<str>],
    pub(crate) values: &'a [Val],
}

impl Arguments<'_> {
    /// Of a function without parameters.
    pub(crate) const NONE: Arguments<'static> = Arguments { names: &[], values: &[] };
}

/// Arguments as text that a recording can share.
pub(crate) fn write(arguments: &Arguments<'_>) -> serde_json::Result<Arc<RawValue>> {
    serde_json::value::to_raw_value(arguments).map(Arc::from)
}

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (name, value) in self.names.iter().zip(self.values) {
            map.serialize_entry(&**name, &Json(value))?;
        }
        map.end()
    }
}

/// Counts bytes that are written.
struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The size of a value in bytes of JSON.
pub(crate) fn json_bytes(value: &impl Serialize) -> serde_json::Result<usize> {
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value)?;
    Ok(counter.0)
}

/// The bytes of JSON that were written until a value turned out not to be JSON.
pub(crate) fn json_bytes_until_error(value: &impl Serialize) -> usize {
    let mut counter = Counter(0);
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_size_is_counted_without_writing() {
        let text = |text: &str| Val::String(text.into());
        let some = |value: Val| Some(Box::new(value));
        for value in [
            text(""),
            text("\u{1}\u{1f}\"\\\u{1f600}"),
            Val::Char('\u{1}'),
            Val::Char('\u{10ffff}'),
            Val::U64(u64::MAX),
            Val::S64(i64::MIN),
            Val::Float64(-f64::MIN_POSITIVE),
            Val::Float64(-1.234_567_890_123_456_7e-300),
            Val::Bool(false),
            Val::Option(None),
            Val::Option(some(Val::Option(None))),
            Val::List(vec![]),
            Val::List(vec![Val::U8(255), Val::U8(255)]),
            Val::Tuple(vec![text("a"), Val::S8(-128)]),
            Val::Record(vec![("name".into(), text("\n")), ("other".into(), Val::Bool(false))]),
            Val::Variant("case".into(), None),
            Val::Variant("case".into(), some(text("\n"))),
            Val::Result(Ok(None)),
            Val::Result(Err(some(text("\u{2}")))),
            Val::Flags(vec!["one".into(), "two".into()]),
        ] {
            let exact = serde_json::to_string(&Json(&value)).unwrap().len();
            assert_eq!(json_bytes(&Json(&value)).unwrap(), exact);
        }
        let broken = Val::List(vec![text("abc"), Val::Float64(f64::NAN)]);
        assert!(json_bytes(&Json(&broken)).is_err());
        assert_eq!(json_bytes_until_error(&Json(&broken)), "[\"abc\",".len());
    }
}
