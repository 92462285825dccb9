//! Leads from the lines of a bundle to those of the sources, so that a failure names the author's line.

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use crate::build::{BuildError, storage};

/// The part of a source map (version 3) that is needed here.
#[derive(Deserialize)]
struct Map {
    sources: Vec<String>,
    mappings: String,
}

/// Adds a table of the lines to the end of a bundle, from the source map that esbuild wrote next to it. Files of the
/// author have a name; those of the SDK and of `support` have none, so that failures skip them.
pub(super) fn add(bundle: &Path, dir: &Path, support: &Path) -> Result<(), BuildError> {
    let map = bundle.with_extension("js.map");
    let Ok(map) = serde_json::from_slice::<Map>(&storage::read(&map)?) else { return Ok(()) };
    let around = bundle.parent().unwrap_or(Path::new("."));
    let files: Vec<String> = map.sources.iter().map(|source| shown(&around.join(source), dir, support)).collect();
    let lines: Vec<i64> = lines(&map.mappings).into_iter().flat_map(|(source, line)| [source, line + 1]).collect();
    let mut text = storage::read(bundle)?;
    let table = json!({ "files": files, "lines": lines });
    text.extend_from_slice(format!("\nglobalThis[Symbol.for(\"ansai.lines\")] = {table};\n").as_bytes());
    storage::replace(bundle, &text)
}

fn shown(path: &Path, dir: &Path, support: &Path) -> String {
    let path = normal(path);
    match path.strip_prefix(dir) {
        _ if path.starts_with(support) => String::new(),
        Ok(own) if own.starts_with("sdk") => String::new(),
        Ok(own) => own.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// Removes `..` from the text of a path.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut made, part| {
        match part {
            Component::ParentDir => drop(made.pop()),
            part => made.push(part),
        }
        made
    })
}

/// The source and the line, from 0, of each line of the bundle. A line without one has that of the line before.
fn lines(mappings: &str) -> Vec<(i64, i64)> {
    let (mut source, mut line) = (0, 0);
    let mut found = Vec::new();
    for generated in mappings.split(';') {
        let (mut first, mut column) = (None, 0);
        for segment in generated.split(',') {
            if let [right, of, by, ..] = *numbers(segment) {
                column += right;
                source += of;
                line += by;
                // esbuild begins each line with the place where the line before ended; a statement is indented.
                if first.is_none_or(|(at, _)| at == 0 && column > 0) {
                    first = Some((column, (source, line)));
                }
            }
        }
        let first = first.map(|(_, place)| place);
        found.push(first.or(found.last().copied()).unwrap_or((-1, 0)));
    }
    found
}

/// Decodes base64 with variable lengths.
fn numbers(segment: &str) -> Vec<i64> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut found = Vec::new();
    let (mut number, mut shift) = (0_i64, 0_u32);
    for byte in segment.bytes() {
        let Some(digit) = DIGITS.iter().position(|known| *known == byte) else { return found };
        let digit = i64::try_from(digit).unwrap_or(0);
        number |= (digit & 31).checked_shl(shift).unwrap_or(0);
        shift += 5;
        if digit & 32 == 0 {
            found.push(if number & 1 == 1 { -(number >> 1) } else { number >> 1 });
            (number, shift) = (0, 0);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decoded() {
        assert_eq!(numbers("AAgBC"), [0, 0, 16, 1]);
        assert_eq!(numbers("D"), [-1]);
        assert_eq!(numbers("gqBAA"), [672, 0, 0]);
        assert_eq!(numbers(""), Vec::<i64>::new());
    }

    #[test]
    fn each_line_of_a_bundle_has_the_one_of_its_source() {
        // Line 0: nothing. 1: source 0, line 0. 2: source 0, line 2. 3: no segment. 4: source 1, line 1.
        assert_eq!(lines(";AAAA;AAEA,EAAE;;ACDA"), [(-1, 0), (0, 0), (0, 2), (0, 2), (1, 1)]);
        // An indented statement, after the place where the line before ended.
        assert_eq!(lines(";AAAA;AAAA,EACA"), [(-1, 0), (0, 0), (0, 1)]);
    }

    #[test]
    fn only_files_of_the_author_have_a_name() {
        let shown = |path: &str| shown(Path::new(path), Path::new("/home/a/policy"), Path::new("/tmp/build"));
        assert_eq!(shown("/tmp/build/../../home/a/policy/policy.ts"), "policy.ts");
        assert_eq!(shown("/home/a/policy/parts/disk.ts"), "parts/disk.ts");
        assert_eq!(shown("/home/a/policy/sdk/ansai.ts"), "");
        assert_eq!(shown("/tmp/build/checked.js"), "");
        assert_eq!(shown("/home/a/shared.ts"), "/home/a/shared.ts");
    }
}
