//! Joins the data segments of a Go module. Go's linker starts a new segment after every few zeros, so a program has
//! tens of thousands. If the host copies them one by one instead of mapping an image, each costs time and fuel at every
//! start, and compiling them takes 1 GiB of memory. With the zeros included, only a few segments are left.

use wasm_encoder::{ConstExpr, DataCountSection, DataSection, Module, RawSection};
use wasmparser::{BinaryReaderError, DataKind, DataSectionReader, Operator, Parser, Payload};

/// Longer runs of zeros still separate two segments.
const MOST_ZEROS: usize = 4096;
/// Maximum number of zeros added in total, in bytes.
const MOST_FILLED: usize = 16 << 20;

/// Returns the same module with neighbouring segments joined.
pub(super) fn joined(module: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut result = Module::new();
    let mut segments = None;
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::DataSection(reader) = payload? {
            segments = segments_of(reader)?;
        }
    }
    let Some(segments) = segments else { return Ok(module.to_owned()) };
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::DataSection(_) => {
                let mut section = DataSection::new();
                for Segment { at, bytes } in &segments {
                    section.active(0, &ConstExpr::i32_const(at.cast_signed()), bytes.iter().copied());
                }
                result.section(&section);
            }
            Payload::DataCountSection { .. } => {
                let count = u32::try_from(segments.len()).unwrap_or(u32::MAX);
                result.section(&DataCountSection { count });
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let data = module.get(range).unwrap_or_default();
                    result.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(result.finish())
}

struct Segment {
    at: u32,
    bytes: Vec<u8>,
}

/// Reads the segments; `None` if one of them is not active in the first memory. Then the module stays unchanged.
fn segments_of(reader: DataSectionReader<'_>) -> Result<Option<Vec<Segment>>, BinaryReaderError> {
    let mut joined: Vec<Segment> = Vec::new();
    let mut filled = 0;
    for data in reader {
        let data = data?;
        let DataKind::Active { memory_index: 0, offset_expr } = data.kind else { return Ok(None) };
        let mut operators = offset_expr.get_operators_reader().into_iter();
        let (Some(Ok(Operator::I32Const { value })), Some(Ok(Operator::End)), None) =
            (operators.next(), operators.next(), operators.next())
        else {
            return Ok(None);
        };
        let at = value.cast_unsigned();
        let gap = joined.last().and_then(|last| (at as usize).checked_sub(last.at as usize + last.bytes.len()));
        match (joined.last_mut(), gap) {
            (Some(last), Some(gap)) if gap <= MOST_ZEROS && filled + gap <= MOST_FILLED => {
                filled += gap;
                last.bytes.resize(last.bytes.len() + gap, 0);
                last.bytes.extend_from_slice(data.data);
            }
            // Keeps the order of the segments, so that overlapping ones overwrite each other as before.
            _ => joined.push(Segment { at, bytes: data.data.to_vec() }),
        }
    }
    Ok(Some(joined))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn segments(text: &str) -> Vec<(u32, Vec<u8>)> {
        let module = joined(&wat::parse_str(text).unwrap()).unwrap();
        wasmparser::validate(&module).unwrap();
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(&module) {
            if let Payload::DataSection(reader) = payload.unwrap() {
                for segment in reader {
                    let segment = segment.unwrap();
                    let DataKind::Active { offset_expr, .. } = segment.kind else {
                        found.push((u32::MAX, segment.data.to_vec()));
                        continue;
                    };
                    let Operator::I32Const { value } = offset_expr.get_operators_reader().read().unwrap() else {
                        continue;
                    };
                    found.push((value.cast_unsigned(), segment.data.to_vec()));
                }
            }
        }
        found
    }

    #[test]
    fn neighbouring_segments_are_joined_with_the_zeros_between_them() {
        let module = r#"(module (memory 1) (func (drop (i32.const 1)))
            (data (i32.const 8) "ab") (data (i32.const 12) "c") (data (i32.const 60000) "d") (data (i32.const 10) "e"))"#;
        let expected = [(8, b"ab\0\0c".to_vec()), (60_000, b"d".to_vec()), (10, b"e".to_vec())];
        assert_eq!(segments(module), expected);
    }

    #[test]
    fn other_segments_are_unchanged() {
        let module = r#"(module (memory 1) (data "passive") (data (i32.const 0) "a") (data (i32.const 2) "b"))"#;
        assert_eq!(segments(module).len(), 3);
        assert!(segments("(module (memory 1))").is_empty());
    }

    #[test]
    fn the_segment_count_is_updated() {
        let module =
            r#"(module (memory 1) (data $d (i32.const 0) "a") (data (i32.const 2) "b") (func (data.drop $d)))"#;
        assert_eq!(segments(module), [(0, b"a\0b".to_vec())]);
    }
}
