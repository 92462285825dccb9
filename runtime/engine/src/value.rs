//! Between wasmtime's dynamic values and JSON text, guided by the component's own types.
//!
//! record → object; list, tuple → array; enum, variant without payload → text; variant with payload →
//! `{"case": …}`; option → null or the value; flags → array of texts. This is what serde derives, so that the
//! host's functions are plain Rust over plain structs. Options of options do not occur in the contract.

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Deserializer, Serialize, Serializer};
use wasmtime::component::{Type, Val};

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
    pub(crate) names: Vec<&'a str>,
    pub(crate) values: &'a [Val],
}

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (name, value) in self.names.iter().zip(self.values) {
            map.serialize_entry(name, &Json(value))?;
        }
        map.end()
    }
}

/// Reads JSON text as a value of this type.
pub(crate) fn parse(ty: &Type, text: &str) -> serde_json::Result<Val> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Seed(ty).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

struct Seed<'a>(&'a Type);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Val;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Val, D::Error> {
        use serde::Deserialize as _;
        Ok(match self.0 {
            Type::Bool => Val::Bool(bool::deserialize(deserializer)?),
            Type::S8 => Val::S8(i8::deserialize(deserializer)?),
            Type::U8 => Val::U8(u8::deserialize(deserializer)?),
            Type::S16 => Val::S16(i16::deserialize(deserializer)?),
            Type::U16 => Val::U16(u16::deserialize(deserializer)?),
            Type::S32 => Val::S32(i32::deserialize(deserializer)?),
            Type::U32 => Val::U32(u32::deserialize(deserializer)?),
            Type::S64 => Val::S64(i64::deserialize(deserializer)?),
            Type::U64 => Val::U64(u64::deserialize(deserializer)?),
            Type::Float32 => Val::Float32(f32::deserialize(deserializer)?),
            Type::Float64 => Val::Float64(f64::deserialize(deserializer)?),
            Type::Char => Val::Char(char::deserialize(deserializer)?),
            Type::String => Val::String(String::deserialize(deserializer)?),
            Type::Enum(_) => Val::Enum(String::deserialize(deserializer)?),
            Type::Flags(_) => Val::Flags(Vec::deserialize(deserializer)?),
            Type::Option(_) => return deserializer.deserialize_option(self),
            Type::List(_) | Type::Tuple(_) => return deserializer.deserialize_seq(self),
            Type::Record(_) | Type::Result(_) => return deserializer.deserialize_map(self),
            Type::Variant(_) => return deserializer.deserialize_any(self),
            _ => return Err(D::Error::custom("a type that is not in the contract")),
        })
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Val;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", crate::signature::of_type(self.0))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Val, E> {
        match self.0 {
            Type::Option(_) => Ok(Val::Option(None)),
            _ => Err(E::invalid_type(serde::de::Unexpected::Unit, &self)),
        }
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Val, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Val, D::Error> {
        match self.0 {
            Type::Option(option) => Ok(Val::Option(Some(Box::new(Seed(&option.ty()).deserialize(deserializer)?)))),
            _ => Err(D::Error::custom("null was not expected")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Val, E> {
        match self.0 {
            Type::Variant(variant) if variant.cases().any(|case| case.name == text && case.ty.is_none()) => {
                Ok(Val::Variant(text.to_owned(), None))
            }
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Val, A::Error> {
        match self.0 {
            Type::List(list) => {
                let ty = list.ty();
                let mut values = Vec::new();
                while let Some(value) = seq.next_element_seed(Seed(&ty))? {
                    values.push(value);
                }
                Ok(Val::List(values))
            }
            Type::Tuple(tuple) => {
                let mut values = Vec::with_capacity(tuple.types().len());
                for ty in tuple.types() {
                    let value = seq.next_element_seed(Seed(&ty))?;
                    values.push(value.ok_or_else(|| A::Error::invalid_length(values.len(), &"more"))?);
                }
                Ok(Val::Tuple(values))
            }
            _ => Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Val, A::Error> {
        match self.0 {
            Type::Record(record) => {
                // In the order of the type, whatever the order of the text; usually they agree.
                let mut values: Vec<(String, Option<Val>)> =
                    record.fields().map(|field| (field.name.to_owned(), None)).collect();
                let types: Vec<Type> = record.fields().map(|field| field.ty).collect();
                let mut next = 0;
                while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    let at = match values.get(next) {
                        Some((name, None)) if *name == key => Some(next),
                        _ => values.iter().position(|(name, value)| *name == key && value.is_none()),
                    };
                    let (Some(slot), Some(ty)) =
                        (at.and_then(|at| values.get_mut(at)), at.and_then(|at| types.get(at)))
                    else {
                        return Err(A::Error::custom(format_args!("`{key}` is no field here, or stands twice")));
                    };
                    slot.1 = Some(map.next_value_seed(Seed(ty))?);
                    next = at.unwrap_or(next) + 1;
                }
                values
                    .into_iter()
                    .zip(&types)
                    .map(|((name, value), ty)| match value {
                        Some(value) => Ok((name, value)),
                        // As serde has it: what is optional may be left out.
                        None if matches!(ty, Type::Option(_)) => Ok((name, Val::Option(None))),
                        None => Err(A::Error::custom(format_args!("field `{name}` is missing"))),
                    })
                    .collect::<Result<_, _>>()
                    .map(Val::Record)
            }
            Type::Variant(variant) => {
                let case: std::borrow::Cow<'de, str> =
                    map.next_key()?.ok_or_else(|| A::Error::custom("an empty variant"))?;
                let ty = variant
                    .cases()
                    .find(|known| known.name == case)
                    .and_then(|known| known.ty)
                    .ok_or_else(|| A::Error::custom(format_args!("`{case}` is no case with a payload here")))?;
                Ok(Val::Variant(case.into_owned(), Some(Box::new(map.next_value_seed(Seed(&ty))?))))
            }
            _ => Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self)),
        }
    }
}
