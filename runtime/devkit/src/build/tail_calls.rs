//! Replaces the tail calls in a component. The JavaScript engine is compiled with them, and ansai disables them. A call
//! followed by a return does the same but uses more stack, which that engine limits itself.

use wasm_encoder::Encode as _;
use wasmparser::{BinaryReader, BinaryReaderError, FunctionBody, Operator, Parser, Payload};

use super::BuildError;

/// Section ids of modules and of components.
const CODE: u8 = 10;
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;
/// Magic number, version and layer.
const HEADER: usize = 8;
/// Maximum nesting of components; three levels are usual.
const MOST_LEVELS: u32 = 8;

const RETURN: u8 = 0x0f;

/// Whether the component has tail calls.
pub(crate) fn found(component: &[u8]) -> Result<bool, BuildError> {
    in_any_function(component).map_err(|error| BuildError::Component(error.to_string()))
}

fn in_any_function(component: &[u8]) -> Result<bool, BinaryReaderError> {
    for payload in Parser::new(0).parse_all(component) {
        let Payload::CodeSectionEntry(body) = payload? else { continue };
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            if matches!(operators.read()?, Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. }) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Returns the same component without tail calls.
pub(crate) fn replaced(component: &[u8]) -> Result<Vec<u8>, BuildError> {
    in_component(component, 0).map_err(|error| BuildError::Component(error.to_string()))
}

fn in_component(bytes: &[u8], level: u32) -> Result<Vec<u8>, BinaryReaderError> {
    sections(bytes, |id, content| match id {
        CORE_MODULE => in_module(content).map(Some),
        COMPONENT if level < MOST_LEVELS => in_component(content, level + 1).map(Some),
        _ => Ok(None),
    })
}

fn in_module(bytes: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    sections(bytes, |id, content| if id == CODE { in_code(content).map(Some) } else { Ok(None) })
}

/// Copies each section, or replaces its content with the result of `changed`.
fn sections(
    bytes: &[u8],
    changed: impl Fn(u8, &[u8]) -> Result<Option<Vec<u8>>, BinaryReaderError>,
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut reader = BinaryReader::new(bytes, 0);
    let mut out = reader.read_bytes(HEADER)?.to_vec();
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        let content = reader.read_bytes(size as usize)?;
        out.push(id);
        match changed(id, content)? {
            Some(content) => content.as_slice().encode(&mut out),
            None => content.encode(&mut out),
        }
    }
    Ok(out)
}

fn in_code(bytes: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut reader = BinaryReader::new(bytes, 0);
    let count = reader.read_var_u32()?;
    let mut out = Vec::with_capacity(bytes.len());
    count.encode(&mut out);
    for _ in 0..count {
        let size = reader.read_var_u32()?;
        in_function(reader.read_bytes(size as usize)?)?.as_slice().encode(&mut out);
    }
    Ok(out)
}

fn in_function(bytes: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut operators = FunctionBody::new(BinaryReader::new(bytes, 0)).get_operators_reader()?;
    let mut out = Vec::with_capacity(bytes.len());
    let mut copied = 0;
    while !operators.eof() {
        let start = operators.original_position();
        let call = match operators.read()? {
            Operator::ReturnCall { .. } => 0x10,
            Operator::ReturnCallIndirect { .. } => 0x11,
            _ => continue,
        };
        let end = operators.original_position();
        out.extend_from_slice(bytes.get(copied..start).unwrap_or_default());
        out.push(call);
        // The operands have the same encoding.
        out.extend_from_slice(bytes.get(start + 1..end).unwrap_or_default());
        out.push(RETURN);
        copied = end;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use wasm_encoder::{
        CodeSection, Component, Function, FunctionSection, Instruction, Module, ModuleSection, NestedComponentSection,
        RefType, TableSection, TableType, TypeSection, ValType,
    };
    use wasmparser::{Validator, WasmFeatures};

    use super::*;

    /// A module in a component in a component.
    fn nested(body: &[Instruction<'_>]) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32], [ValType::I32]);
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: 1,
            maximum: None,
            shared: false,
        });
        let mut code = CodeSection::new();
        let mut function = Function::new([(2, ValType::I64)]);
        for instruction in body {
            function.instruction(instruction);
        }
        code.function(&function);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&tables).section(&code);
        let mut inner = Component::new();
        inner.section(&ModuleSection(&module));
        let mut outer = Component::new();
        outer.section(&NestedComponentSection(&inner));
        outer.finish()
    }

    fn valid(component: &[u8]) -> bool {
        Validator::new_with_features(WasmFeatures::all().difference(WasmFeatures::TAIL_CALL))
            .validate_all(component)
            .is_ok()
    }

    #[test]
    fn both_kinds_of_tail_calls_are_replaced() {
        let indirect = Instruction::ReturnCallIndirect { type_index: 0, table_index: 0 };
        let (zero, one, get) = (Instruction::I32Const(0), Instruction::I32Const(0x12_13_12), Instruction::LocalGet(0));
        for (tail, plain) in [
            (Instruction::ReturnCall(0), Instruction::Call(0)),
            (indirect, Instruction::CallIndirect { type_index: 0, table_index: 0 }),
        ] {
            let with = nested(&[one.clone(), zero.clone(), tail, Instruction::End]);
            assert!(!valid(&with) && found(&with).unwrap());
            let without = replaced(&with).unwrap();
            let expected = nested(&[one.clone(), zero.clone(), plain, Instruction::Return, Instruction::End]);
            assert_eq!(without, expected);
            assert!(valid(&without) || !valid(&expected));
        }
        let plain = nested(&[get, Instruction::End]);
        assert_eq!(replaced(&plain).unwrap(), plain);
        assert!(!found(&plain).unwrap());
    }

    #[test]
    fn a_truncated_component_is_refused() {
        let whole = nested(&[Instruction::LocalGet(0), Instruction::End]);
        assert!(replaced(&whole[..whole.len() - 1]).is_err());
        assert!(replaced(b"").is_err());
        assert!(found(&whole[..whole.len() - 1]).is_err());
    }
}
