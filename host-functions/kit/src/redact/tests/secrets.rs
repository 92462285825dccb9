//! Secrets given literally.

use super::*;

const SECRET: &str = "p@ss \"w0rd\" it's\\\u{e9}+/%&";

fn hides(text: &str, expected: &str) {
    let redactor = Redactor::with_secrets([SECRET.as_bytes()]);
    assert_eq!(redactor.redact(text).text, expected, "from {text}");
}

#[test]
fn every_form_is_masked() {
    for form in [
        SECRET,
        "p%40ss%20%22w0rd%22%20it%27s%5C%C3%A9%2B%2F%25%26",
        "p%40ss%20%22w0rd%22%20it%27s%5c%c3%a9%2b%2f%25%26",
        "p%40ss+%22w0rd%22+it%27s%5C%C3%A9%2B%2F%25%26",
        // Only some characters encoded.
        "p@ss%20%22w0rd%22%20it's%5C\u{e9}+/%25&",
        "p%40ss+%22w0rd%22+it's%5C\u{e9}%2B/%25%26",
        r#"p@ss \"w0rd\" it's\\é+/%&"#,
        r#"p@ss \"w0rd\" it's\\\u00e9+/%&"#,
        r#"p@ss \"w0rd\" it's\\\u00E9+\/%\u0026"#,
        // JSON in JSON.
        r#"p@ss \\\"w0rd\\\" it's\\\\é+/%&"#,
        // Shell.
        r#"p@ss "w0rd" it'\''s\é+/%&"#,
        r#"p@ss "w0rd" it'"'"'s\é+/%&"#,
        r#"p@ss\ \"w0rd\"\ it\'s\\é+/%\&"#,
    ] {
        for (before, after) in [("", ""), ("x", "x"), ("%", "41"), ("\u{e9}", "\u{e9}"), ("'", "'"), ("\"", "\"")] {
            hides(&format!("<{before}{form}{after}>"), &format!("<{before}***{after}>"));
        }
    }
}

/// RFC 4648, written again in the plainest way.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for part in bytes.chunks(3) {
        let at = |i: usize| u32::from(part.get(i).copied().unwrap_or(0));
        let all = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let digit = usize::try_from(all >> (18 - 6 * i) & 63).unwrap();
            out.push(if i > part.len().try_into().unwrap() { '=' } else { char::from(DIGITS[digit]) });
        }
    }
    out
}

#[test]
fn base64_is_masked_inside_of_more_base64() {
    assert_eq!(base64(b"hunter2!"), "aHVudGVyMiE=");
    let secrets: [&[u8]; 3] = [b"\xfb\xff\xfe?>~", b"hunter22", b"a longer secret\xff"];
    for secret in secrets {
        let redactor = Redactor::with_secrets([secret]);
        for before in 0..7 {
            for after in 0..4 {
                let all = [&b"userabc"[..before], secret, &b"xyz"[..after]].concat();
                for text in
                    [base64(&all), base64(&all).replace('+', "-").replace('/', "_"), base64(&all).replace('/', "\\/")]
                {
                    let redacted = redactor.redact(&text);
                    assert_eq!(redacted.masked, 1, "{text}");
                    // What remains is at most the digits of the other bytes.
                    let rest = redacted.text.replace(MASK, "").replace('=', "").len();
                    assert!(rest <= (before * 8).div_ceil(6) + (after * 8).div_ceil(6), "{text}: {}", redacted.text);
                }
            }
        }
    }
}

#[test]
fn weak_secrets_are_reported() {
    let long = vec![b'x'; MOST_SECRET + 1];
    let secrets: [&[u8]; 6] = [b"", b"short", b"short\n", b"******", &long, b"enough"];
    let redactor = Redactor::with_secrets(secrets);
    let skipped: Vec<(usize, Why)> = redactor.skipped().iter().map(|skipped| (skipped.index, skipped.why)).collect();
    assert_eq!(
        skipped,
        [(0, Why::TooShort), (1, Why::TooShort), (2, Why::TooShort), (3, Why::OnlyStars), (4, Why::TooLong)]
    );
    assert_eq!(redactor.redact("short and enough").text, "short and ***");
    assert!(Redactor::new().skipped().is_empty());
    assert!(Redactor::with_secrets([]).skipped().is_empty());
}

#[test]
fn a_line_break_at_the_end_is_not_part_of_the_secret() {
    for secret in ["hunter22\n", "hunter22\r\n", "hunter22"] {
        let redactor = Redactor::with_secrets([secret.as_bytes()]);
        assert_eq!(redactor.redact("a hunter22 b").text, "a *** b");
    }
}

#[test]
fn lines_of_a_secret_are_masked_one_by_one() {
    let secret = format!("-----BEGIN {0}-----\nabcdefghijklmnopqrst\nuvwxyz\n-----END {0}-----\n", "X");
    let redactor = Redactor::with_secrets([secret.as_bytes()]);
    assert_eq!(redactor.redact("app: abcdefghijklmnopqrst").text, "app: ***");
    assert_eq!(redactor.redact(&secret).text, "***\n");
}

#[test]
fn overlapping_secrets_are_masked_once() {
    let redactor = Redactor::with_secrets([b"abcdefgh".as_slice(), b"efghijkl", b"abcdefgh"]);
    let redacted = redactor.redact("x abcdefghijkl y password=abcdefgh");
    assert_eq!((redacted.text.as_ref(), redacted.masked), ("x *** y password=***", 2));
}

#[test]
fn a_secret_made_of_masks_is_masked_too() {
    let redactor = Redactor::with_secrets([b"ab***cd".as_slice(), b"hunter22"]);
    assert_eq!(redactor.redact("abhunter22cd").text, MASK);
    let nested =
        Redactor::with_secrets(["a***b1", "b***c1", "c***d1", "d***e1", "e***f1", "hunter22"].map(str::as_bytes));
    let text = "edcbahunter22b1c1d1e1f1";
    let once = nested.redact(text);
    assert_eq!(nested.redact(&once.text).masked, 0, "{}", once.text);
}

/// Would break: a cut before masking, which leaves half a secret that nothing finds any more.
#[test]
fn a_text_is_not_cut_inside_of_a_secret() {
    let redactor = Redactor::with_secrets([b"hunter22-hunter22".as_slice()]);
    for text in [
        "a hunter22-hunter22 b",
        "a password=sesame123456 b",
        "a aHVudGVyMjItaHVudGVyMjI= b",
        "a hunter22%2Dhunter22 b",
    ] {
        for most in 0..=text.len() {
            let beginning = redactor.beginning(text, most);
            assert!(text.starts_with(beginning) && beginning.len() <= most, "{beginning}");
            let masked = redactor.redact(beginning).text;
            for part in ["hunt", "ter2", "sesa", "aHVu"] {
                assert!(!masked.contains(part), "{most}: {masked}");
            }
        }
    }
    // A key block that is open at the cut is a secret too.
    let block = concat!("a\n-----BEGIN RSA ", "PRIVATE KEY-----\nMIIEowIBAAKCAQEAx4fm\nMIIEowIBAAKCAQEAx4fm\n");
    let beginning = redactor.beginning(block, block.len() - 5);
    assert!(!redactor.redact(beginning).text.contains("MII"));
    assert_eq!(redactor.beginning("ü", 1), "");
}
