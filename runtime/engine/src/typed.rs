//! Reads wasmtime's dynamic values as Rust types, without JSON text in between. The mapping is that of [`crate::value`]: a
//! type reads from a value what it would read from the JSON text of that value.

use serde::de::value::{Error, MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, VariantAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use wasmtime::component::Val;

/// Reads a value as a type of the policy world. Numbers that are not finite are an error.
pub(crate) fn read<T: DeserializeOwned>(value: Val) -> Result<T, Error> {
    T::deserialize(Value(value))
}

struct Value(Val);

impl<'de> IntoDeserializer<'de, Error> for Value {
    type Deserializer = Value;

    fn into_deserializer(self) -> Value {
        self
    }
}

impl<'de> Deserializer<'de> for Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Val::Bool(v) => visitor.visit_bool(v),
            Val::S8(v) => visitor.visit_i8(v),
            Val::U8(v) => visitor.visit_u8(v),
            Val::S16(v) => visitor.visit_i16(v),
            Val::U16(v) => visitor.visit_u16(v),
            Val::S32(v) => visitor.visit_i32(v),
            Val::U32(v) => visitor.visit_u32(v),
            Val::S64(v) => visitor.visit_i64(v),
            Val::U64(v) => visitor.visit_u64(v),
            Val::Float32(v) if v.is_finite() => visitor.visit_f32(v),
            Val::Float64(v) if v.is_finite() => visitor.visit_f64(v),
            Val::Float32(_) | Val::Float64(_) => Err(Error::custom("a number is not finite")),
            Val::Char(v) => visitor.visit_char(v),
            Val::String(v) | Val::Enum(v) | Val::Variant(v, None) => visitor.visit_string(v),
            Val::List(list) | Val::Tuple(list) => visitor.visit_seq(SeqDeserializer::new(list.into_iter().map(Value))),
            Val::Flags(names) => visitor.visit_seq(SeqDeserializer::new(names.into_iter())),
            Val::Record(fields) => {
                visitor.visit_map(MapDeserializer::new(fields.into_iter().map(|(name, value)| (name, Value(value)))))
            }
            Val::Variant(case, Some(value)) => {
                visitor.visit_map(MapDeserializer::new(std::iter::once((case, Value(*value)))))
            }
            Val::Option(None) => visitor.visit_unit(),
            Val::Option(Some(value)) => Value(*value).deserialize_any(visitor),
            _ => Err(Error::custom("a value of a type that the contract does not have")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Val::Option(None) => visitor.visit_none(),
            Val::Option(Some(value)) => visitor.visit_some(Value(*value)),
            value => visitor.visit_some(Value(value)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Val::String(case) | Val::Enum(case) => visitor.visit_enum(Case { name: case, payload: None }),
            Val::Variant(name, payload) => visitor.visit_enum(Case { name, payload }),
            _ => Err(Error::custom("a case of a variant was expected")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Case {
    name: String,
    payload: Option<Box<Val>>,
}

impl<'de> EnumAccess<'de> for Case {
    type Error = Error;
    type Variant = Payload;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Payload), Error> {
        let name: StringDeserializer<Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Payload(self.payload)))
    }
}

struct Payload(Option<Box<Val>>);

impl Payload {
    fn value(self) -> Result<Value, Error> {
        self.0.map(|value| Value(*value)).ok_or_else(|| Error::custom("a case lacks its payload"))
    }
}

impl<'de> VariantAccess<'de> for Payload {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(Error::custom("a case has a payload that it does not have in the contract")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.value()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.value()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.value()?.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests;
