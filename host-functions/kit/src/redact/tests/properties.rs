//! What holds for every text.

use proptest::prelude::*;

use super::*;

/// Parts that trigger rules, and what may be around them.
const PARTS: &[&str] = &[
    "password",
    "Password",
    "token",
    "secret",
    "pass",
    "PGPASSWORD",
    "--password",
    "--token",
    "api_key",
    "passphrase",
    "PWD",
    "=",
    ":",
    "=>",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\"",
    "'",
    "`",
    "\\",
    "\\\"",
    "\\n",
    ",",
    ";",
    "&",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "/",
    "@",
    "%",
    "%3D",
    "%41",
    "+",
    "*",
    "***",
    "-",
    ".",
    "://",
    ":\\/\\/",
    "http://",
    "postgres://",
    "u:",
    "@tcp(",
    "Authorization: ",
    "Bearer ",
    "Basic ",
    "Digest ",
    "Cookie: ",
    "Set-Cookie",
    "mysql ",
    "-p",
    "curl ",
    "-u ",
    "sshpass ",
    "identified by ",
    "eyJ",
    "ghp_",
    "glpat-",
    "AKIA",
    "$6$",
    "&sig=",
    "-----BEGIN ",
    "RSA PRIVATE KEY",
    "-----",
    "-----END ",
    "Private-Lines: ",
    "Private-MAC: ",
    "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0",
    "hunter2",
    "x",
    "word",
    "null",
    "\u{e9}",
    "\u{1f511}",
    "\u{202e}",
    "12",
    "QUJDREVG",
    "not",
    "is ",
    "user=",
    "x=",
    "</",
    "secret access key ",
];

fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![8 => prop::sample::select(PARTS).prop_map(str::to_owned), 1 => ".{0,4}", 1 => "[ -~]{0,8}"];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

fn secrets() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let secret = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..24),
        "[ -~]{4,16}".prop_map(String::into_bytes),
        "[a*% '\"\\\\+=]{6,12}".prop_map(String::into_bytes),
        texts().prop_map(String::into_bytes),
    ];
    prop::collection::vec(secret, 0..4)
}

fn knows(secrets: &[Vec<u8>]) -> Redactor {
    Redactor::with_secrets(secrets.iter().map(Vec::as_slice))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn redacting_again_changes_nothing(text in texts(), secrets in secrets()) {
        let redactor = knows(&secrets);
        let once = redactor.redact(&text);
        let twice = redactor.redact(&once.text);
        prop_assert_eq!(twice.masked, 0, "{:?} -> {:?} -> {:?}", text, once.text, twice.text);
        prop_assert!(matches!(twice.text, Cow::Borrowed(_)));
        prop_assert_eq!(&twice.text, &once.text);
    }

    /// A mask may hide the END of a block, for example. But the rules alone never need the last resort.
    #[test]
    fn few_passes_are_enough_without_secrets(text in texts()) {
        let rules = Redactor::new();
        let mut out = text.clone();
        for _ in 0..3 {
            out = redactor::written(&out, &rules.scan(&out, [false; 2]).0);
        }
        let left = rules.scan(&out, [false; 2]).0;
        prop_assert!(left.is_empty(), "{:?} -> {:?} {:?}", text, out, left);
    }

    #[test]
    fn masked_says_whether_the_text_changed(text in texts(), secrets in secrets()) {
        let redacted = knows(&secrets).redact(&text);
        prop_assert_eq!(redacted.masked > 0, redacted.text != text.as_str());
        prop_assert_eq!(redacted.masked == 0, matches!(redacted.text, Cow::Borrowed(_)));
    }

    #[test]
    fn any_text_is_accepted(text in ".{0,200}", secrets in secrets()) {
        let redactor = knows(&secrets);
        let whole = redactor.redact(&text);
        let mut lines = RedactLines::new(&redactor);
        for line in text.split_inclusive('\n') {
            let _ = lines.redact(line);
        }
        prop_assert_eq!(redactor.redact(&whole.text).masked, 0);
    }

    /// All forms that `forms` makes; that these are the right ones is tested with fixed texts.
    #[test]
    fn no_secret_survives(secrets in secrets(), before in texts(), after in texts()) {
        let redactor = knows(&secrets);
        let weak: Vec<usize> = redactor.skipped().iter().map(|skipped| skipped.index).collect();
        for (index, secret) in secrets.iter().enumerate().filter(|(index, _)| !weak.contains(index)) {
            let secret = secret.strip_suffix(b"\n").unwrap_or(secret);
            let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
            for form in forms::all(secret) {
                let Ok(form) = std::str::from_utf8(&form.bytes) else { continue };
                let redacted = redactor.redact(&format!("{before}{form}{after}")).text.into_owned();
                prop_assert!(!contains(redacted.as_bytes(), secret), "{index}: {redacted:?}");
                prop_assert!(!contains(redacted.as_bytes(), form.as_bytes()), "{index}: {redacted:?}");
            }
        }
    }

    /// A password that is quoted as its context asks for is masked to its last byte.
    #[test]
    fn quoted_passwords_are_masked_completely(
        (first, last) in ("[ -~\u{e9}]{0,8}", "[ -~\u{e9}]{0,8}"),
        before in "[a-z ]{0,6}",
        after in "( [a-z]{1,6})?",
    ) {
        // With a digit, because words such as `null` are kept.
        let password = format!("{first}7{last}");
        let json = password.replace('\\', "\\\\").replace('"', "\\\"");
        let twice = json.replace('\\', "\\\\").replace('"', "\\\"");
        let shell = password.replace('\'', "'\\''");
        let libpq = password.replace('\\', "\\\\").replace('\'', "\\'");
        let percent = forms::all(password.as_bytes()).swap_remove(1).bytes;
        let percent = std::str::from_utf8(&percent).unwrap();
        for (start, value, end) in [
            ("{\"password\":\"", json.as_str(), "\",\"a\":\"b\"}"),
            ("{\"m\":\"{\\\"password\\\":\\\"", &twice, "\\\"}\"}"),
            ("PGPASSWORD='", &shell, "'"),
            ("app --password '", &shell, "'"),
            ("mysql -uroot -p'", &shell, "'"),
            ("host=h password='", &libpq, "' user=u"),
            ("postgres://u:", percent, "@h/db"),
            ("https://u:", percent, "@h/db"),
        ] {
            let text = format!("{before} {start}{value}{end}{after}");
            let redacted = masked(&text);
            let known = format!("{before} {}", start.trim_end_matches('\''));
            let rest = redacted.strip_prefix(&known).map(|rest| rest.trim_start_matches('\'').trim_start_matches('*'));
            // Where a reading of the quotes is possible that makes the value longer, more is masked.
            let (whole, rest) = (format!("{end}{after}"), rest.unwrap_or("not masked"));
            prop_assert!(whole.ends_with(rest), "{} -> {}", text, redacted);
        }
    }

    /// For texts without key blocks: the lines of a text and the text are masked in the same way.
    #[test]
    fn lines_are_masked_as_the_whole_is(parts in prop::collection::vec(texts(), 1..5)) {
        let one_line = |text: &String| text.replace(['\n', '\r'], " ").replace("----", "").replace("Private-", "");
        let lines: Vec<String> = parts.iter().map(one_line).collect();
        let redactor = Redactor::new();
        let apart: Vec<String> = lines.iter().map(|line| redactor.redact(line).text.into_owned()).collect();
        let whole = lines.join("\n");
        prop_assert_eq!(redactor.redact(&whole).text, apart.join("\n"));
    }

    /// A stream hides what the whole hides: no line keeps more than a line of the whole, key blocks included.
    #[test]
    fn a_stream_hides_bodies_of_blocks(body in prop::collection::vec("[A-Za-z0-9+/]{16,64}", 1..6), around in texts()) {
        let around = around.replace("-----", "");
        let label = concat!("PRIVATE", " KEY");
        let text = format!("{around}\n-----BEGIN {label}-----\n{}\n-----END {label}-----\n{around}", body.join("\n"));
        let redactor = Redactor::new();
        let whole = redactor.redact(&text).text.into_owned();
        let mut stream = RedactLines::new(&redactor);
        let apart: String = text.split_inclusive('\n').map(|line| stream.redact(line).text.into_owned()).collect();
        for line in &body {
            prop_assert!(around.contains(line) || !whole.contains(line) && !apart.contains(line), "{whole} {apart}");
        }
    }

    #[test]
    fn the_automaton_finds_every_word(words in prop::collection::vec("[ab]{1,5}", 1..8), text in "[abc]{0,40}") {
        let automaton = automaton::Automaton::new(words.iter().map(String::as_bytes), false);
        let mut found = Vec::new();
        automaton.find(text.as_bytes(), |word, from, to| found.push((word, from, to)));
        found.sort_unstable();
        let mut expected = Vec::new();
        for (index, word) in words.iter().enumerate() {
            for from in 0..text.len() {
                if text[from..].starts_with(word.as_str()) {
                    expected.push((index, from, from + word.len()));
                }
            }
        }
        prop_assert_eq!(found, expected);
    }
}
