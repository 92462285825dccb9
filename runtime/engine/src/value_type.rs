//! A component's types as a tree that is made once, when it is linked, and reads JSON text as values of them.
//! wasmtime's own types are handles: every look at a field counts references and copies its name.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as _, Deserializer};
use wasmtime::component::types::Case;
use wasmtime::component::{Type, Val};

/// What a list is first given room for; a longer one grows.
const FIRST_ITEMS: usize = 4;

/// A type of the contract.
#[derive(Debug)]
pub(crate) enum ValueType {
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    Float32,
    Float64,
    Char,
    String,
    Enum,
    Flags,
    Option(Box<ValueType>),
    List(Box<ValueType>),
    Tuple(Box<[ValueType]>),
    Record(Box<[Field]>),
    Variant(Box<[VariantCase]>),
    /// Resources and whatever else the contract never has.
    Unsupported,
}

#[derive(Debug)]
pub(crate) struct Field {
    name: Box<str>,
    ty: ValueType,
}

#[derive(Debug)]
pub(crate) struct VariantCase {
    name: Box<str>,
    payload: Option<ValueType>,
}

impl ValueType {
    /// Of a type that was compared with the contract before, which bounds its depth.
    pub(crate) fn of(ty: &Type) -> ValueType {
        match ty {
            Type::Bool => ValueType::Bool,
            Type::S8 => ValueType::S8,
            Type::U8 => ValueType::U8,
            Type::S16 => ValueType::S16,
            Type::U16 => ValueType::U16,
            Type::S32 => ValueType::S32,
            Type::U32 => ValueType::U32,
            Type::S64 => ValueType::S64,
            Type::U64 => ValueType::U64,
            Type::Float32 => ValueType::Float32,
            Type::Float64 => ValueType::Float64,
            Type::Char => ValueType::Char,
            Type::String => ValueType::String,
            Type::Enum(_) => ValueType::Enum,
            Type::Flags(_) => ValueType::Flags,
            Type::Option(option) => ValueType::Option(Box::new(ValueType::of(&option.ty()))),
            Type::List(list) => ValueType::List(Box::new(ValueType::of(&list.ty()))),
            Type::Tuple(tuple) => ValueType::Tuple(tuple.types().map(|ty| ValueType::of(&ty)).collect()),
            Type::Record(record) => {
                let field = |field: wasmtime::component::types::Field<'_>| Field {
                    name: field.name.into(),
                    ty: ValueType::of(&field.ty),
                };
                ValueType::Record(record.fields().map(field).collect())
            }
            Type::Variant(variant) => {
                let alternative = |case: Case<'_>| VariantCase {
                    name: case.name.into(),
                    payload: case.ty.map(|ty| ValueType::of(&ty)),
                };
                ValueType::Variant(variant.cases().map(alternative).collect())
            }
            _ => ValueType::Unsupported,
        }
    }

    /// Reads JSON text.
    pub(crate) fn parse(&self, text: &str) -> serde_json::Result<Val> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = self.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }

    fn kind(&self) -> &'static str {
        match self {
            ValueType::Option(_) => "an option",
            ValueType::List(_) => "a list",
            ValueType::Tuple(_) => "a tuple",
            ValueType::Record(_) => "a record",
            ValueType::Variant(_) => "a case of a variant",
            _ => "a plain value",
        }
    }
}

impl<'de> DeserializeSeed<'de> for &ValueType {
    type Value = Val;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Val, D::Error> {
        Ok(match self {
            ValueType::Bool => Val::Bool(bool::deserialize(deserializer)?),
            ValueType::S8 => Val::S8(i8::deserialize(deserializer)?),
            ValueType::U8 => Val::U8(u8::deserialize(deserializer)?),
            ValueType::S16 => Val::S16(i16::deserialize(deserializer)?),
            ValueType::U16 => Val::U16(u16::deserialize(deserializer)?),
            ValueType::S32 => Val::S32(i32::deserialize(deserializer)?),
            ValueType::U32 => Val::U32(u32::deserialize(deserializer)?),
            ValueType::S64 => Val::S64(i64::deserialize(deserializer)?),
            ValueType::U64 => Val::U64(u64::deserialize(deserializer)?),
            ValueType::Float32 => Val::Float32(f32::deserialize(deserializer)?),
            ValueType::Float64 => Val::Float64(f64::deserialize(deserializer)?),
            ValueType::Char => Val::Char(char::deserialize(deserializer)?),
            ValueType::String => Val::String(String::deserialize(deserializer)?),
            ValueType::Enum => Val::Enum(String::deserialize(deserializer)?),
            ValueType::Flags => Val::Flags(Vec::deserialize(deserializer)?),
            ValueType::Option(_) => return deserializer.deserialize_option(self),
            ValueType::List(_) | ValueType::Tuple(_) => return deserializer.deserialize_seq(self),
            ValueType::Record(_) => return deserializer.deserialize_map(self),
            ValueType::Variant(_) => return deserializer.deserialize_any(self),
            ValueType::Unsupported => return Err(D::Error::custom("a type that is not in the contract")),
        })
    }
}

impl<'de> Visitor<'de> for &ValueType {
    type Value = Val;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Val, E> {
        match self {
            ValueType::Option(_) => Ok(Val::Option(None)),
            _ => Err(E::invalid_type(serde::de::Unexpected::Unit, &self)),
        }
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Val, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Val, D::Error> {
        match self {
            ValueType::Option(shape) => Ok(Val::Option(Some(Box::new(shape.deserialize(deserializer)?)))),
            _ => Err(D::Error::custom("null was not expected")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Val, E> {
        match self {
            ValueType::Variant(cases) if cases.iter().any(|case| *case.name == *text && case.payload.is_none()) => {
                Ok(Val::Variant(text.to_owned(), None))
            }
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Val, A::Error> {
        match self {
            ValueType::List(shape) => {
                let mut values = Vec::with_capacity(FIRST_ITEMS);
                while let Some(value) = seq.next_element_seed(&**shape)? {
                    values.push(value);
                }
                Ok(Val::List(values))
            }
            ValueType::Tuple(shapes) => {
                let mut values = Vec::with_capacity(shapes.len());
                for shape in shapes {
                    let value = seq.next_element_seed(shape)?;
                    values.push(value.ok_or_else(|| A::Error::invalid_length(values.len(), &"more"))?);
                }
                Ok(Val::Tuple(values))
            }
            _ => Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Val, A::Error> {
        match self {
            ValueType::Record(fields) => record(fields, map),
            ValueType::Variant(cases) => {
                let name: Cow<'de, str> = map.next_key()?.ok_or_else(|| A::Error::custom("an empty variant"))?;
                let payload = cases.iter().find(|case| *case.name == *name).and_then(|case| case.payload.as_ref());
                let payload =
                    payload.ok_or_else(|| A::Error::custom(format_args!("`{name}` is no case with a payload here")))?;
                Ok(Val::Variant(name.into_owned(), Some(Box::new(map.next_value_seed(payload)?))))
            }
            _ => Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self)),
        }
    }
}

/// In the order of the type, as wasmtime wants it. Text in the same order, which is what the host writes, is read in
/// one go; from the first field on that stands elsewhere, what comes is kept until its place is reached.
fn record<'de, A: MapAccess<'de>>(fields: &[Field], mut map: A) -> Result<Val, A::Error> {
    let mut values: Vec<(String, Val)> = Vec::with_capacity(fields.len());
    let mut early: Vec<Option<Val>> = Vec::new();
    while let Some(Key(key)) = map.next_key()? {
        let next = values.len();
        match fields.get(next) {
            Some(field) if early.is_empty() && *field.name == *key => {
                values.push((String::from(&*field.name), map.next_value_seed(&field.ty)?));
            }
            _ => {
                early.resize_with(fields.len(), || None);
                let place = fields.iter().enumerate().skip(next).find(|(_, field)| *field.name == *key);
                let free = place.and_then(|(at, field)| Some((early.get_mut(at)?, field)));
                match free {
                    Some((slot @ None, field)) => *slot = Some(map.next_value_seed(&field.ty)?),
                    _ => return Err(A::Error::custom(format_args!("unknown or duplicate field `{key}`"))),
                }
            }
        }
    }
    for (at, field) in fields.iter().enumerate().skip(values.len()) {
        let value = match early.get_mut(at).and_then(Option::take) {
            Some(value) => value,
            // As serde has it: what is optional may be left out.
            None if matches!(field.ty, ValueType::Option(_)) => Val::Option(None),
            None => return Err(A::Error::custom(format_args!("field `{}` is missing", field.name))),
        };
        values.push((String::from(&*field.name), value));
    }
    Ok(Val::Record(values))
}

/// A field's name, copied only where the text has it escaped.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a field")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    fn disk() -> ValueType {
        let field = |name: &str, ty| Field { name: name.into(), ty };
        ValueType::Record(Box::new([
            field("name", ValueType::String),
            field("note", ValueType::Option(Box::new(ValueType::String))),
            field("sizes", ValueType::List(Box::new(ValueType::U32))),
        ]))
    }

    fn read(text: &str) -> Result<Vec<(String, Val)>, String> {
        match disk().parse(text) {
            Ok(Val::Record(fields)) => Ok(fields),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_record_is_the_same_in_any_order_of_its_text() {
        let wanted = vec![
            ("name".to_owned(), Val::String("a".into())),
            ("note".to_owned(), Val::Option(None)),
            ("sizes".to_owned(), Val::List(vec![Val::U32(1), Val::U32(2)])),
        ];
        for text in [
            r#"{"name":"a","note":null,"sizes":[1,2]}"#,
            r#"{"name":"a","sizes":[1,2]}"#,
            r#"{"sizes":[1,2],"name":"a"}"#,
            r#"{"note":null,"name":"a","sizes":[1,2]}"#,
            r#"{"n\u0061me":"a","sizes":[1,2]}"#,
        ] {
            assert_eq!(read(text).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_missing_foreign_or_twice_is_named() {
        for (text, why) in [
            (r#"{"name":"a"}"#, "`sizes` is missing"),
            (r#"{"sizes":[1]}"#, "`name` is missing"),
            (r#"{"name":"a","size":[1]}"#, "duplicate field `size`"),
            (r#"{"name":"a","name":"b","sizes":[]}"#, "unknown or duplicate field"),
            (r#"{"sizes":[],"sizes":[],"name":"b"}"#, "unknown or duplicate field"),
            (r#"{"name":"a","sizes":[-1]}"#, "invalid value"),
            (r#"{"name":"a","sizes":7}"#, "expected a list"),
            (r#"[]"#, "expected a record"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn a_case_has_its_payload_or_none() {
        let alternative = |name: &str, payload| VariantCase { name: name.into(), payload };
        let shape =
            ValueType::Variant(Box::new([alternative("none", None), alternative("some", Some(ValueType::Bool))]));
        assert_eq!(shape.parse(r#""none""#).unwrap(), Val::Variant("none".into(), None));
        let some = Val::Variant("some".into(), Some(Box::new(Val::Bool(true))));
        assert_eq!(shape.parse(r#"{"some":true}"#).unwrap(), some);
        for wrong in [r#""some""#, r#"{"none":null}"#, r#"{"other":1}"#, r#"{}"#, r#"{"some":true,"none":1}"#] {
            assert!(shape.parse(wrong).is_err(), "{wrong}");
        }
    }
}
