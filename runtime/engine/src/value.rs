//! From wasmtime's dynamic values to JSON text; [`crate::shape`] is the way back.
//!
//! record → object; list, tuple → array; enum, variant without payload → text; variant with payload →
//! `{"case": …}`; option → null or the value; flags → array of texts. This is what serde derives, so that the
//! host's functions are plain Rust over plain structs. Options of options do not occur in the contract.

use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
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
            Val::Variant(case, Some(value)) => one(serializer, case, value),
            Val::Option(None) => serializer.serialize_unit(),
            Val::Option(Some(value)) => Json(value).serialize(serializer),
            Val::Result(Ok(value)) => result(serializer, "ok", value.as_deref()),
            Val::Result(Err(value)) => result(serializer, "err", value.as_deref()),
            Val::Flags(flags) => flags.serialize(serializer),
            _ => Err(S::Error::custom("a value of a kind that is not in the contract")),
        }
    }
}

fn one<S: Serializer>(serializer: S, case: &str, value: &Val) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(case, &Json(value))?;
    map.end()
}

fn result<S: Serializer>(serializer: S, case: &str, value: Option<&Val>) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(case, &value.map(Json))?;
    map.end()
}

/// Arguments as a JSON object by parameter name.
pub(crate) struct Arguments<'a> {
    pub(crate) names: &'a [Box<str>],
    pub(crate) values: &'a [Val],
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
