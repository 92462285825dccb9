//! A text without its escapes, with the place of each byte in the text.

use zeroize::Zeroizing;

/// Decoded bytes; byte `i` comes from `places[i]..places[i + 1]` of the text. The bytes may hold a secret.
pub(crate) struct View {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    places: Vec<usize>,
}

impl View {
    /// Decodes with `next`: it returns what the text at a place means and how many bytes it takes.
    fn new(text: &[u8], next: impl Fn(&[u8]) -> (Decoded, usize)) -> View {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
        let mut places = Vec::with_capacity(text.len().saturating_add(1));
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let (decoded, length) = next(rest);
            let mut buffer = [0; 4];
            let decoded = match decoded {
                Decoded::Byte(byte) => {
                    buffer = [byte, 0, 0, 0];
                    buffer.get(..1).unwrap_or_default()
                }
                Decoded::Char(letter) => letter.encode_utf8(&mut buffer).as_bytes(),
            };
            // Never more than the text has: `\uXXXX` takes 6 bytes and is at most 3 long, a pair takes 12.
            for &byte in decoded {
                bytes.push(byte);
                places.push(at);
            }
            at = at.saturating_add(length);
        }
        places.push(text.len());
        View { bytes, places }
    }

    /// `%41`; `plus`: `+` is a space.
    pub(crate) fn percent(text: &[u8], plus: bool) -> View {
        View::new(text, |rest| match rest {
            [b'%', high, low, ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (Decoded::Byte(high << 4 | low), 3),
                _ => (Decoded::Byte(b'%'), 1),
            },
            [b'+', ..] if plus => (Decoded::Byte(b' '), 1),
            [byte, ..] => (Decoded::Byte(*byte), 1),
            [] => (Decoded::Byte(0), 1),
        })
    }

    /// Backslashes of JSON, shells and programming languages.
    pub(crate) fn unescaped(text: &[u8]) -> View {
        View::new(text, |rest| match rest {
            [b'\\', b'u', digits @ ..] => unicode(digits).unwrap_or((Decoded::Byte(b'u'), 2)),
            [b'\\', b'x', high, low, ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (Decoded::Byte(high << 4 | low), 4),
                _ => (Decoded::Byte(b'x'), 2),
            },
            [b'\\', byte, ..] => {
                let decoded = match byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'f' => 12,
                    byte => *byte,
                };
                (Decoded::Byte(decoded), 2)
            }
            [byte, ..] => (Decoded::Byte(*byte), 1),
            [] => (Decoded::Byte(0), 1),
        })
    }

    /// The same bytes of a view of a view, with places in the first text.
    pub(crate) fn within(mut self, outer: &View) -> View {
        for place in &mut self.places {
            *place = outer.place(*place);
        }
        self
    }

    /// Where the byte begins in the text.
    pub(crate) fn place(&self, byte: usize) -> usize {
        self.places.get(byte).or(self.places.last()).copied().unwrap_or(0)
    }

    /// Where the text of the bytes up to there (excluded) ends.
    pub(crate) fn end(&self, byte: usize) -> usize {
        // The bytes of one `\uXXXX` have the same place: the end is the next other place.
        let last = self.place(byte.saturating_sub(1));
        (byte..byte.saturating_add(4)).map(|byte| self.place(byte)).find(|&place| place > last).unwrap_or(last)
    }
}

enum Decoded {
    Byte(u8),
    Char(char),
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// After `\u`: four digits, or two surrogates.
fn unicode(digits: &[u8]) -> Option<(Decoded, usize)> {
    let first = unit(digits)?;
    if let Some(letter) = char::from_u32(first) {
        return Some((Decoded::Char(letter), 6));
    }
    let second = digits.get(4..)?.strip_prefix(b"\\u").and_then(unit)?;
    let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let letter = char::decode_utf16(units).next()?.ok()?;
    Some((Decoded::Char(letter), 12))
}

fn unit(digits: &[u8]) -> Option<u32> {
    let digits = digits.get(..4)?;
    digits.iter().try_fold(0, |unit, &byte| Some(unit << 4 | u32::from(digit(byte)?)))
}
