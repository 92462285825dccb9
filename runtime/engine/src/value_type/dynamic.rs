//! Makes one of wasmtime's dynamic values, for results that are not written into the memory of the component directly.

use std::slice::Iter;

use serde::de::Error as _;
use wasmtime::component::Val;

use super::{Node, ValueType};

impl ValueType {
    /// Reads JSON text.
    pub(crate) fn parse(&self, text: &str) -> serde_json::Result<Val> {
        let nodes = self.read(text)?;
        self.value(&mut nodes.iter()).ok_or_else(|| serde_json::Error::custom("a value does not have its type"))
    }

    /// `None` if the nodes are those of another type.
    fn value(&self, nodes: &mut Iter<'_, Node<'_>>) -> Option<Val> {
        match self {
            ValueType::Tuple(fields) => {
                let values = fields.iter().map(|field| field.ty.value(nodes)).collect::<Option<_>>();
                return values.map(Val::Tuple);
            }
            ValueType::Record(fields) => {
                let fields = fields.iter().map(|field| Some((field.name.to_string(), field.ty.value(nodes)?)));
                return fields.collect::<Option<_>>().map(Val::Record);
            }
            _ => {}
        }
        Some(match (self, nodes.next()?) {
            (ValueType::String, Node::Text(text)) => Val::String(text.to_string()),
            (ValueType::List(list), Node::Items(items)) => {
                Val::List((0..*items).map(|_| list.item.value(nodes)).collect::<Option<_>>()?)
            }
            (ValueType::Option(cases) | ValueType::Variant(cases), Node::Bits(number)) => {
                let case = cases.cases.get(usize::try_from(*number).ok()?)?;
                let payload = match &case.payload {
                    Some(payload) => Some(Box::new(payload.value(nodes)?)),
                    None => None,
                };
                match self {
                    ValueType::Option(_) => Val::Option(payload),
                    _ => Val::Variant(case.name.to_string(), payload),
                }
            }
            (ValueType::Enum(names), Node::Bits(number)) => {
                Val::Enum(names.get(usize::try_from(*number).ok()?)?.to_string())
            }
            (ValueType::Flags(names), Node::Bits(bits)) => {
                let set = names.iter().enumerate().filter(|(number, _)| bits >> number & 1 == 1);
                Val::Flags(set.map(|(_, name)| name.to_string()).collect())
            }
            (scalar, Node::Bits(bits)) => scalar.scalar(*bits)?,
            _ => return None,
        })
    }

    /// A number, flag or character from its bits.
    fn scalar(&self, bits: u64) -> Option<Val> {
        Some(match self {
            ValueType::Bool => Val::Bool(bits != 0),
            ValueType::S8 => Val::S8(bits as i8),
            ValueType::U8 => Val::U8(bits as u8),
            ValueType::S16 => Val::S16(bits as i16),
            ValueType::U16 => Val::U16(bits as u16),
            ValueType::S32 => Val::S32(bits as i32),
            ValueType::U32 => Val::U32(bits as u32),
            ValueType::S64 => Val::S64(bits.cast_signed()),
            ValueType::U64 => Val::U64(bits),
            ValueType::Float32 => Val::Float32(f32::from_bits(bits as u32)),
            ValueType::Float64 => Val::Float64(f64::from_bits(bits)),
            ValueType::Char => Val::Char(char::from_u32(bits as u32)?),
            _ => return None,
        })
    }
}
