//! Writes a value into the memory of a component, as the canonical ABI has it and wasmtime does it: the component
//! allocates each list before its items, and each string when its place is reached.

use std::slice::Iter;

use wasmtime::component::__internal::{InterfaceType, LowerContext};
use wasmtime::component::Lower as _;
use wasmtime::{Result, bail, format_err};

use super::{Cases, Field, Node, ValueType};

impl ValueType {
    /// Writes the value at an offset of the memory, which has room for it.
    pub(crate) fn store<T>(
        &self,
        nodes: &mut Iter<'_, Node<'_>>,
        context: &mut LowerContext<'_, T>,
        offset: usize,
    ) -> Result<()> {
        match self {
            plain if plain.is_plain() => plain.put(nodes, context.as_slice_mut(), offset),
            ValueType::Tuple(fields) | ValueType::Record(fields) => {
                for run in fields.chunk_by(|before, after| before.is_plain && after.is_plain) {
                    match run {
                        [field] if !field.is_plain => field.ty.store(nodes, context, offset + field.offset)?,
                        plain => put_fields(plain, nodes, context.as_slice_mut(), offset)?,
                    }
                }
                Ok(())
            }
            ValueType::String => match nodes.next() {
                Some(Node::Text(text)) => text.linear_lower_to_memory(context, InterfaceType::String, offset),
                _ => bail!(MISMATCH),
            },
            ValueType::List(list) => {
                let Some(Node::Items(items)) = nodes.next() else { bail!(MISMATCH) };
                let size = items.checked_mul(list.item_size).ok_or_else(|| format_err!("a list is too long"))?;
                let start = context.realloc(0, 0, u32::try_from(list.item_alignment)?, size)?;
                let mut places = (0..*items).map(|item| start + item * list.item_size);
                if list.item.is_plain() {
                    let memory = context.as_slice_mut();
                    places.try_for_each(|place| list.item.put(nodes, memory, place))?;
                } else {
                    places.try_for_each(|place| list.item.store(nodes, context, place))?;
                }
                let memory = context.as_slice_mut();
                put(memory, offset, u32::try_from(start)?.to_le_bytes())?;
                put(memory, offset + 4, u32::try_from(*items)?.to_le_bytes())
            }
            ValueType::Option(cases) | ValueType::Variant(cases) => {
                let Some(Node::Bits(number)) = nodes.next() else { bail!(MISMATCH) };
                cases.store(usize::try_from(*number)?, nodes, context, offset)
            }
            _ => bail!("a type that is not in the contract"),
        }
    }

    /// Writes a plain value. wasmtime takes its time to look up the memory, so that is done once for many plain values.
    fn put(&self, nodes: &mut Iter<'_, Node<'_>>, memory: &mut [u8], offset: usize) -> Result<()> {
        if let ValueType::Tuple(fields) | ValueType::Record(fields) = self {
            return put_fields(fields, nodes, memory, offset);
        }
        let Some(Node::Bits(bits)) = nodes.next() else { bail!(MISMATCH) };
        match self {
            ValueType::Option(cases) | ValueType::Variant(cases) => {
                put_bits(memory, offset, cases.tag_bytes(), *bits)?;
                match cases.payload(usize::try_from(*bits)?) {
                    Some(payload) => payload.put(nodes, memory, offset + cases.payload_offset),
                    None => Ok(()),
                }
            }
            scalar => put_bits(memory, offset, scalar.size(), *bits),
        }
    }
}

const MISMATCH: &str = "a value does not have its type";

fn put_fields(fields: &[Field], nodes: &mut Iter<'_, Node<'_>>, memory: &mut [u8], offset: usize) -> Result<()> {
    fields.iter().try_for_each(|field| field.ty.put(nodes, memory, offset + field.offset))
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
        put_bits(context.as_slice_mut(), offset, self.tag_bytes(), number as u64)?;
        match self.payload(number) {
            Some(payload) => payload.store(nodes, context, offset + self.payload_offset),
            None => Ok(()),
        }
    }
}

fn put_bits(memory: &mut [u8], offset: usize, size: usize, bits: u64) -> Result<()> {
    match size {
        1 => put(memory, offset, (bits as u8).to_le_bytes()),
        2 => put(memory, offset, (bits as u16).to_le_bytes()),
        4 => put(memory, offset, (bits as u32).to_le_bytes()),
        8 => put(memory, offset, bits.to_le_bytes()),
        _ => bail!("a type that is not in the contract"),
    }
}

fn put<const N: usize>(memory: &mut [u8], offset: usize, bytes: [u8; N]) -> Result<()> {
    let place = memory.get_mut(offset..).and_then(|rest| rest.first_chunk_mut());
    *place.ok_or_else(|| format_err!("a value is outside the memory"))? = bytes;
    Ok(())
}
