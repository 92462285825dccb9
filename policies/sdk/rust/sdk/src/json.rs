//! A small JSON reader and writer. It adds a fifth of the size that a general one adds to a component.

use std::fmt::{self, Write as _};

/// Maximum nesting of arrays and objects.
const MOST_DEPTH: usize = 64;

/// A JSON value.
///
/// ```
/// use ansai_sdk::Json;
///
/// let scopes = Json::parse(r#"{"ansai:files/files-probe": [{"roots": ["/var/log"]}]}"#).unwrap();
/// let tables = scopes.get("ansai:files/files-probe").map(Json::list).unwrap_or_default();
/// let roots = tables.first().and_then(|table| table.get("roots"));
/// assert_eq!(roots.map(ToString::to_string), Some(r#"["/var/log"]"#.into()));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// An integer from 0 to `u64::MAX`, exact.
    Count(u64),
    /// Any other number, to 15 digits. Its fraction is not written.
    Number(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object, in the order of the text.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses a text; `None` if it is not JSON.
    pub fn parse(text: &str) -> Option<Json> {
        let mut reader = Reader { rest: text };
        let value = reader.value(MOST_DEPTH)?;
        reader.skip_spaces();
        reader.rest.is_empty().then_some(value)
    }

    /// The value of a key in an object; `None` if the key is missing, or this is not an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => fields.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value of an integer.
    pub fn count(&self) -> Option<u64> {
        match self {
            Json::Count(count) => Some(*count),
            _ => None,
        }
    }

    /// The value of a string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array; empty for any other value.
    pub fn list(&self) -> &[Json] {
        match self {
            Json::List(list) => list,
            _ => &[],
        }
    }
}

/// Writes JSON on one line, without spaces.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Flag(true) => f.write_str("true"),
            Json::Flag(false) => f.write_str("false"),
            Json::Count(count) => write!(f, "{count}"),
            // The code to format floats would be a tenth of a component.
            Json::Number(number) => write!(f, "{}", *number as i64),
            Json::Text(text) => quoted(text, f),
            Json::List(list) => {
                f.write_char('[')?;
                for (index, value) in list.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    value.fmt(f)?;
                }
                f.write_char(']')
            }
            Json::Object(fields) => {
                f.write_char('{')?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    quoted(name, f)?;
                    f.write_char(':')?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    let mut rest = text;
    while let Some((plain, special)) = split_plain(rest) {
        f.write_str(plain)?;
        let mut characters = special.chars();
        match characters.next() {
            Some(character @ ('"' | '\\')) => write!(f, "\\{character}")?,
            Some(control) => write!(f, "\\u{:04x}", u32::from(control))?,
            None => {}
        }
        rest = characters.as_str();
    }
    f.write_str(rest)?;
    f.write_char('"')
}

/// The text before the first character that a string has escaped, and the rest; `None` if there is none.
fn split_plain(text: &str) -> Option<(&str, &str)> {
    // In UTF-8, none of these bytes is a part of another character.
    let end = text.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
    text.split_at_checked(end)
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// Takes the bytes that satisfy a condition, which only ASCII may.
    fn take(&mut self, takes: impl Fn(u8) -> bool) -> &'t str {
        let end = self.rest.bytes().position(|byte| !takes(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        self.rest = rest;
        taken
    }

    fn skip_spaces(&mut self) {
        self.take(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn skips(&mut self, start: &str) -> bool {
        let rest = self.rest.strip_prefix(start);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.skip_spaces();
        let depth = depth.checked_sub(1)?;
        match self.rest.bytes().next()? {
            b'"' => {
                self.skips("\"");
                self.string().map(Json::Text)
            }
            b'[' => {
                self.skips("[");
                let mut list = Vec::new();
                self.entries("]", |reader| {
                    list.push(reader.value(depth)?);
                    Some(())
                })?;
                Some(Json::List(list))
            }
            b'{' => {
                self.skips("{");
                let mut fields = Vec::new();
                self.entries("}", |reader| {
                    reader.skip_spaces();
                    let name = if reader.skips("\"") { reader.string()? } else { return None };
                    reader.skip_spaces();
                    let value = if reader.skips(":") { reader.value(depth)? } else { return None };
                    fields.push((name, value));
                    Some(())
                })?;
                Some(Json::Object(fields))
            }
            b'n' => self.skips("null").then_some(Json::Null),
            b't' => self.skips("true").then_some(Json::Flag(true)),
            b'f' => self.skips("false").then_some(Json::Flag(false)),
            _ => self.number(),
        }
    }

    fn entries(&mut self, end: &str, mut entry: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.skip_spaces();
        if self.skips(end) {
            return Some(());
        }
        loop {
            entry(self)?;
            self.skip_spaces();
            if self.skips(end) {
                return Some(());
            }
            if !self.skips(",") {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let (plain, rest) = split_plain(self.rest)?;
            text.push_str(plain);
            self.rest = rest;
            match self.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escaped()?),
                _ => return None,
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\x08',
            'f' => '\x0c',
            'u' => {
                let mut unit = self.unit()?;
                if unit & 0xfc00 == 0xd800 && self.skips("\\u") {
                    // The second half of a surrogate pair.
                    let low = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    unit = 0x1_0000 + ((unit & 0x3ff) << 10) + low;
                }
                char::from_u32(unit)?
            }
            character @ ('"' | '\\' | '/') => character,
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + self.next()?.to_digit(16)?;
        }
        Some(unit)
    }

    fn digits(&mut self) -> &'t str {
        self.take(|byte| byte.is_ascii_digit())
    }

    fn number(&mut self) -> Option<Json> {
        let negative = self.skips("-");
        let whole = self.digits();
        let fraction = if self.skips(".") { Some(self.digits()) } else { None };
        let mut exponent = None;
        if self.skips("e") || self.skips("E") {
            let less = self.skips("-");
            let _ = less || self.skips("+");
            let digits: i32 = self.digits().parse().ok()?;
            exponent = Some(if less { -digits } else { digits });
        }
        if whole.is_empty() || fraction == Some("") {
            return None;
        }
        if let (false, None, None, Ok(count)) = (negative, fraction, exponent, whole.parse()) {
            return Some(Json::Count(count));
        }
        let fraction = fraction.unwrap_or_default();
        let mut number = 0.0;
        for digit in whole.chars().chain(fraction.chars()).filter_map(|digit| digit.to_digit(10)) {
            number = number * 10.0 + f64::from(digit);
        }
        // Dividing by a power of ten is exact; multiplying by its inverse is not.
        let exponent = exponent.unwrap_or_default().saturating_sub(i32::try_from(fraction.len()).ok()?);
        for _ in 0..exponent.unsigned_abs().min(400) {
            number = if exponent < 0 { number / 10.0 } else { number * 10.0 };
        }
        Some(Json::Number(if negative { -number } else { number }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    #[test]
    fn reads_what_serde_json_reads() {
        for text in [
            "null",
            " [ ] ",
            "{}",
            "[1,2,[3]]",
            r#"{"a":{"b":[true,false,null]},"":"x"}"#,
            r#""\"\\\/\b\f\n\r\té😀 é\ud83d\ude00""#,
            "18446744073709551615",
            "[-1,0.5,95.25,1e3,12.5E-1,-0.001,18446744073709551616]",
            "",
            "nul",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "{a:1}",
            "\"\\x\"",
            "\"\\ud83d\"",
            "\"\\ud83d\\ue000\"",
            "\"\n\"",
            "\"open",
            "1.",
            "-",
            "1e",
            "1 1",
            "{\"a\":1}}",
        ] {
            let ours = Json::parse(text);
            let theirs: Option<serde_json::Value> = serde_json::from_str(text).ok();
            assert_eq!(ours.is_some(), theirs.is_some(), "{text}");
            let (Some(ours), Some(theirs)) = (ours, theirs) else { continue };
            assert!(same(&ours, &theirs), "{text}: {ours:?} {theirs:?}");
        }
    }

    fn same(ours: &Json, theirs: &serde_json::Value) -> bool {
        match ours {
            Json::Null => theirs.is_null(),
            Json::Flag(flag) => theirs.as_bool() == Some(*flag),
            Json::Count(count) => theirs.as_u64() == Some(*count),
            Json::Number(number) => theirs.as_f64() == Some(*number),
            Json::Text(text) => theirs.as_str() == Some(text),
            Json::List(list) => {
                let theirs = theirs.as_array().unwrap();
                list.len() == theirs.len() && list.iter().zip(theirs).all(|(one, other)| same(one, other))
            }
            Json::Object(fields) => {
                fields.len() == theirs.as_object().unwrap().len()
                    && fields.iter().all(|(name, value)| theirs.get(name).is_some_and(|other| same(value, other)))
            }
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = r#"{"at":1,"list":["a\"\\\u000a",[],{}],"yes":true,"no":false,"none":null,"less":-7}"#;
        assert_eq!(Json::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn deep_nesting_is_refused_before_the_stack_ends() {
        assert!(Json::parse(&format!("{}{}", "[".repeat(63), "]".repeat(63))).is_some());
        assert!(Json::parse(&"[".repeat(1_000_000)).is_none());
    }
}
