//! Writes a value into the memory of a component, as the canonical ABI has it and wasmtime does it: the component
//! allocates each list before its items, and each string when its place is reached.

use std::slice::Iter;

use wasmtime::component::__internal::{InterfaceType, LowerContext};
use wasmtime::component::Lower as _;
use wasmtime::{Result, bail, format_err};

use super::{Cases, Node, ValueType};

impl ValueType {
    /// Writes the value at an offset of the memory, which has room for it.
    pub(crate) fn store<T>(
        &self,
        nodes: &mut Iter<'_, Node<'_>>,
        context: &mut LowerContext<'_, T>,
        offset: usize,
    ) -> Result<()> {
        if let ValueType::Tuple(fields) | ValueType::Record(fields) = self {
            return fields.iter().try_for_each(|field| field.ty.store(nodes, context, offset + field.offset));
        }
        match (self, nodes.next()) {
            (ValueType::String, Some(Node::Text(text))) => {
                text.linear_lower_to_memory(context, InterfaceType::String, offset)
            }
            (ValueType::List(list), Some(Node::Items(items))) => {
                let size = items.checked_mul(list.item_size).ok_or_else(|| format_err!("a list is too long"))?;
                let start = context.realloc(0, 0, u32::try_from(list.item_alignment)?, size)?;
                for item in 0..*items {
                    list.item.store(nodes, context, start + item * list.item_size)?;
                }
                put(context, offset, u32::try_from(start)?.to_le_bytes())?;
                put(context, offset + 4, u32::try_from(*items)?.to_le_bytes())
            }
            (ValueType::Option(cases) | ValueType::Variant(cases), Some(Node::Bits(number))) => {
                cases.store(usize::try_from(*number)?, nodes, context, offset)
            }
            (ValueType::String | ValueType::List(_) | ValueType::Option(_) | ValueType::Variant(_), _)
            | (_, None | Some(Node::Text(_) | Node::Items(_))) => bail!("a value does not have its type"),
            (scalar, Some(Node::Bits(bits))) => put_bits(context, offset, scalar.size(), *bits),
        }
    }
}

impl Cases {
    /// Writes a case with its payload.
    pub(crate) fn store<T>(
        &self,
        number: usize,
        nodes: &mut Iter<'_, Node<'_>>,
        context: &mut LowerContext<'_, T>,
        offset: usize,
    ) -> Result<()> {
        put_bits(context, offset, self.tag_bytes(), number as u64)?;
        match self.payload(number) {
            Some(payload) => payload.store(nodes, context, offset + self.payload_offset),
            None => Ok(()),
        }
    }
}

fn put_bits<T>(context: &mut LowerContext<'_, T>, offset: usize, size: usize, bits: u64) -> Result<()> {
    match size {
        1 => put(context, offset, (bits as u8).to_le_bytes()),
        2 => put(context, offset, (bits as u16).to_le_bytes()),
        4 => put(context, offset, (bits as u32).to_le_bytes()),
        8 => put(context, offset, bits.to_le_bytes()),
        _ => bail!("a type that is not in the contract"),
    }
}

fn put<const N: usize, T>(context: &mut LowerContext<'_, T>, offset: usize, bytes: [u8; N]) -> Result<()> {
    let place = context.as_slice_mut().get_mut(offset..).and_then(|rest| rest.first_chunk_mut());
    *place.ok_or_else(|| format_err!("a value is outside the memory"))? = bytes;
    Ok(())
}
