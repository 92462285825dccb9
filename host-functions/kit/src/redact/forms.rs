//! The forms in which a secret may occur in a text.

use std::fmt::Write as _;

use zeroize::Zeroizing;

/// One form of a secret.
pub(crate) struct Form {
    /// What to look for.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// The digit of base64 before it holds bits of the secret, too.
    pub(crate) digit_before: bool,
    /// The digit of base64 after it may hold bits of the secret, too, and padding may follow.
    pub(crate) digit_after: bool,
}

/// Lines of a secret of several lines are looked for from this length on.
const LEAST_LINE: usize = 16;

/// All forms of a secret, without duplicates.
pub(crate) fn all(secret: &[u8]) -> Vec<Form> {
    let mut forms = Vec::with_capacity(24);
    plain(secret, &mut forms);
    if secret.contains(&b'\n') {
        let lines = secret.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        // BEGIN and END lines are no secret, and they mark the block.
        for line in lines.filter(|line| line.len() >= LEAST_LINE && !line.starts_with(b"----")) {
            plain(line, &mut forms);
        }
    }
    forms
}

fn plain(secret: &[u8], forms: &mut Vec<Form>) {
    let mut add = |bytes: Zeroizing<Vec<u8>>| push(forms, Form { bytes, digit_before: false, digit_after: false });
    add(Zeroizing::new(secret.to_vec()));
    for (upper, form) in [(true, false), (false, false), (true, true)] {
        add(percent(secret, upper, form));
    }
    add(json(secret));
    if let Ok(text) = std::str::from_utf8(secret) {
        add(json_ascii(text));
    }
    add(quoted(secret, b"'\\''"));
    add(quoted(secret, b"'\"'\"'"));
    add(escaped(secret));
    for web in [false, true] {
        for before in 0..3 {
            push(forms, base64(secret, before, web));
        }
    }
}

fn push(forms: &mut Vec<Form>, form: Form) {
    if !forms.iter().any(|known| known.bytes == form.bytes && known.digit_after == form.digit_after) {
        forms.push(form);
    }
}

/// A buffer that never grows: growing would leave a copy behind that is not wiped.
fn buffer(secret: &[u8], most_per_byte: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(secret.len().saturating_mul(most_per_byte)))
}

fn percent(secret: &[u8], upper: bool, form: bool) -> Zeroizing<Vec<u8>> {
    let mut out = buffer(secret, 3);
    let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    for &byte in secret {
        match byte {
            b' ' if form => out.push(b'+'),
            _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(byte),
            _ => {
                out.push(b'%');
                out.extend([byte >> 4, byte & 15].iter().filter_map(|&digit| digits.get(usize::from(digit))));
            }
        }
    }
    out
}

fn json(secret: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = buffer(secret, 6);
    for &byte in secret {
        json_byte(byte, &mut out);
    }
    out
}

fn json_byte(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => Some(byte),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        8 => Some(b'b'),
        12 => Some(b'f'),
        _ => None,
    };
    match short {
        Some(letter) => out.extend([b'\\', letter]),
        None if byte < b' ' => unicode(u16::from(byte), out),
        None => out.push(byte),
    }
}

/// JSON without bytes above 127.
fn json_ascii(secret: &str) -> Zeroizing<Vec<u8>> {
    let mut out = buffer(secret.as_bytes(), 6);
    for letter in secret.chars() {
        match u8::try_from(letter) {
            Ok(byte) if byte.is_ascii() => json_byte(byte, &mut out),
            _ => letter.encode_utf16(&mut [0; 2]).iter().for_each(|&unit| unicode(unit, &mut out)),
        }
    }
    out
}

fn unicode(unit: u16, out: &mut Vec<u8>) {
    let mut digits = Zeroizing::new(String::with_capacity(6));
    // Writing to a string does not fail.
    let _ = write!(digits, "\\u{unit:04x}");
    out.extend(digits.bytes());
}

/// In single quotes of a shell.
fn quoted(secret: &[u8], quote: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = buffer(secret, 5);
    for byte in secret {
        match byte {
            b'\'' => out.extend(quote),
            _ => out.push(*byte),
        }
    }
    out
}

/// With backslashes, for a shell.
fn escaped(secret: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = buffer(secret, 2);
    for &byte in secret {
        if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"_-./:=@%+,".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

/// The digits that depend on the secret alone if `before` bytes (mod 3) come before it in what is encoded.
fn base64(secret: &[u8], before: usize, web: bool) -> Form {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = buffer(secret, 2);
    let (mut bits, mut count) = (0u32, 0u32);
    // The bits that share a digit with what comes before are skipped.
    let mut skip: u32 = match before {
        0 => 0,
        1 => 4,
        _ => 2,
    };
    for &byte in secret {
        bits = bits << 8 & 0xffff | u32::from(byte);
        count = count.wrapping_add(8);
        if skip > 0 {
            count = count.wrapping_sub(skip);
            skip = 0;
        }
        while count >= 6 {
            count = count.wrapping_sub(6);
            let digit = usize::try_from(bits >> count & 63).unwrap_or(0);
            bytes.push(match DIGITS.get(digit).copied().unwrap_or(0) {
                b'+' if web => b'-',
                b'/' if web => b'_',
                digit => digit,
            });
        }
    }
    Form { bytes, digit_before: before > 0, digit_after: count > 0 }
}
