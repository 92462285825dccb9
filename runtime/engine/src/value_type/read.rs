//! Reads JSON text as a value of a type, in one pass and without a copy of its names: the value is a flat sequence of
//! [`Node`]s in the order of the type.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Cases, Field, ValueType};

/// Room for so many nodes is made before a value is read. Small values have no more than the least; with room for all
/// nodes of a long list, they are not moved while they are read.
const ROOM: std::ops::RangeInclusive<usize> = 32..=4_096;
/// Bytes of JSON text for each node of a list of records.
const BYTES_OF_NODE: usize = 16;

/// A part of a value. Its type says what follows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'t> {
    /// The bits of a number, flag or character; the number of a case, which is followed by its payload.
    Bits(u64),
    /// A string, copied only where the JSON text has it escaped.
    Text(Cow<'t, str>),
    /// How many items of a list follow.
    Items(usize),
}

impl ValueType {
    /// Reads JSON text.
    pub(crate) fn read<'t>(&self, text: &'t str) -> serde_json::Result<Vec<Node<'t>>> {
        let mut nodes = Vec::with_capacity((text.len() / BYTES_OF_NODE).clamp(*ROOM.start(), *ROOM.end()));
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Reader { ty: self, nodes: &mut nodes }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(nodes)
    }
}

struct Reader<'n, 't> {
    ty: &'n ValueType,
    nodes: &'n mut Vec<Node<'t>>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let bits = match self.ty {
            ValueType::Bool => u64::from(bool::deserialize(deserializer)?),
            ValueType::S8 => i8::deserialize(deserializer)?.cast_unsigned().into(),
            ValueType::U8 => u8::deserialize(deserializer)?.into(),
            ValueType::S16 => i16::deserialize(deserializer)?.cast_unsigned().into(),
            ValueType::U16 => u16::deserialize(deserializer)?.into(),
            ValueType::S32 => i32::deserialize(deserializer)?.cast_unsigned().into(),
            ValueType::U32 => u32::deserialize(deserializer)?.into(),
            ValueType::S64 => i64::deserialize(deserializer)?.cast_unsigned(),
            ValueType::U64 => u64::deserialize(deserializer)?,
            ValueType::Float32 => f32::deserialize(deserializer)?.to_bits().into(),
            ValueType::Float64 => f64::deserialize(deserializer)?.to_bits(),
            ValueType::Char => u32::from(char::deserialize(deserializer)?).into(),
            ValueType::String => {
                let Text(text) = Text::deserialize(deserializer)?;
                self.nodes.push(Node::Text(text));
                return Ok(());
            }
            ValueType::Enum(names) => {
                let Text(name) = Text::deserialize(deserializer)?;
                number_of(names.iter().position(|known| **known == *name), &name)?
            }
            ValueType::Flags(names) => {
                let mut bits = 0;
                for Text(name) in Vec::<Text<'de>>::deserialize(deserializer)? {
                    let number = number_of(names.iter().position(|known| **known == *name), &name)?;
                    bits |= u32::try_from(number).ok().and_then(|number| 1u64.checked_shl(number)).unwrap_or(0);
                }
                bits
            }
            ValueType::Option(_) => return deserializer.deserialize_option(self),
            ValueType::List(_) | ValueType::Tuple(_) => return deserializer.deserialize_seq(self),
            ValueType::Record(_) => return deserializer.deserialize_map(self),
            ValueType::Variant(_) => return deserializer.deserialize_any(self),
            ValueType::Unsupported => return Err(D::Error::custom("a type that is not in the contract")),
        };
        self.nodes.push(Node::Bits(bits));
        Ok(())
    }
}

/// The number of a case that was looked up by its name.
fn number_of<E: Error>(place: Option<usize>, name: &str) -> Result<u64, E> {
    place.map(|place| place as u64).ok_or_else(|| E::custom(format_args!("unknown case `{name}`")))
}

impl<'de> Reader<'_, 'de> {
    /// The number of a case, and its payload if it has one.
    fn case<E: Error>(&self, cases: &Cases, name: &str, has_payload: bool) -> Result<usize, E> {
        let place = cases.cases.iter().position(|case| *case.name == *name && case.payload.is_some() == has_payload);
        place.ok_or_else(|| match has_payload {
            true => E::custom(format_args!("`{name}` is no case with a payload here")),
            false => E::invalid_value(Unexpected::Str(name), &Expected(self.ty)),
        })
    }
}

/// What a type expects, for messages.
struct Expected<'a>(&'a ValueType);

impl serde::de::Expected for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind())
    }
}

impl<'de> Visitor<'de> for Reader<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ty.kind())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.ty {
            ValueType::Option(_) => {
                self.nodes.push(Node::Bits(0));
                Ok(())
            }
            _ => Err(E::invalid_type(Unexpected::Unit, &self)),
        }
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let some = match self.ty {
            ValueType::Option(cases) => cases.payloads().next(),
            _ => None,
        };
        let some = some.ok_or_else(|| D::Error::custom("null was not expected"))?;
        self.nodes.push(Node::Bits(1));
        Reader { ty: some, nodes: self.nodes }.deserialize(deserializer)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        match self.ty {
            ValueType::Variant(cases) => {
                let case = self.case(cases, name, false)?;
                self.nodes.push(Node::Bits(case as u64));
                Ok(())
            }
            _ => Err(E::invalid_value(Unexpected::Str(name), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        match self.ty {
            ValueType::List(list) => {
                let start = self.nodes.len();
                self.nodes.push(Node::Items(0));
                let mut items = 0;
                while seq.next_element_seed(Reader { ty: &list.item, nodes: self.nodes })?.is_some() {
                    items += 1;
                }
                if let Some(node) = self.nodes.get_mut(start) {
                    *node = Node::Items(items);
                }
                Ok(())
            }
            ValueType::Tuple(fields) => {
                for (index, field) in fields.iter().enumerate() {
                    let value = seq.next_element_seed(Reader { ty: &field.ty, nodes: self.nodes })?;
                    value.ok_or_else(|| A::Error::invalid_length(index, &"more"))?;
                }
                Ok(())
            }
            _ => Err(A::Error::invalid_type(Unexpected::Seq, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match self.ty {
            ValueType::Record(fields) => record(fields, self.nodes, map),
            ValueType::Variant(cases) => {
                let Text(name) = map.next_key()?.ok_or_else(|| A::Error::custom("an empty variant"))?;
                let place = self.case(cases, &name, true)?;
                self.nodes.push(Node::Bits(place as u64));
                let ty = cases.payload(place).ok_or_else(|| A::Error::custom("a case lacks its payload"))?;
                map.next_value_seed(Reader { ty, nodes: self.nodes })
            }
            _ => Err(A::Error::invalid_type(Unexpected::Map, &self)),
        }
    }
}

/// Text in the order of the type, which is what the host writes, is read in one go; from the first field on that has
/// another place, what comes is kept until its place is reached.
fn record<'de, A: MapAccess<'de>>(fields: &[Field], nodes: &mut Vec<Node<'de>>, mut map: A) -> Result<(), A::Error> {
    let mut next = 0;
    let mut early: Vec<Option<Vec<Node<'de>>>> = Vec::new();
    while let Some(Text(key)) = map.next_key()? {
        match fields.get(next) {
            Some(field) if early.is_empty() && *field.name == *key => {
                map.next_value_seed(Reader { ty: &field.ty, nodes })?;
                next += 1;
            }
            _ => {
                early.resize_with(fields.len(), || None);
                let place = fields.iter().enumerate().skip(next).find(|(_, field)| *field.name == *key);
                let free = place.and_then(|(at, field)| Some((early.get_mut(at)?, field)));
                match free {
                    Some((slot @ None, field)) => {
                        let mut nodes = Vec::new();
                        map.next_value_seed(Reader { ty: &field.ty, nodes: &mut nodes })?;
                        *slot = Some(nodes);
                    }
                    _ => return Err(A::Error::custom(format_args!("unknown or duplicate field `{key}`"))),
                }
            }
        }
    }
    for (at, field) in fields.iter().enumerate().skip(next) {
        match early.get_mut(at).and_then(Option::take) {
            Some(mut value) => nodes.append(&mut value),
            // As serde has it: what is optional may be left out.
            None if matches!(field.ty, ValueType::Option(_)) => nodes.push(Node::Bits(0)),
            None => return Err(A::Error::custom(format_args!("field `{}` is missing", field.name))),
        }
    }
    Ok(())
}

/// A string, copied only where the text has it escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
