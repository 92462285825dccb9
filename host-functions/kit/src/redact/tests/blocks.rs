//! Key blocks, at once and line by line.

use super::*;

fn begin(label: &str) -> String {
    format!("-----BEGIN {label}-----")
}

fn end(label: &str) -> String {
    format!("-----END {label}-----")
}

const LABELS: &[&str] = &[
    concat!("PRIVATE", " KEY"),
    concat!("RSA PRIVATE", " KEY"),
    concat!("ENCRYPTED PRIVATE", " KEY"),
    concat!("OPENSSH PRIVATE", " KEY"),
    concat!("PGP PRIVATE", " KEY BLOCK"),
    "OpenVPN Static key V1",
];

#[test]
fn blocks_are_masked_between_their_first_and_last_line() {
    for label in LABELS {
        let (begin, end) = (begin(label), end(label));
        for (body, after) in [("MIIE\nAAAA\n", "***\n"), ("Proc-Type: 4,ENCRYPTED\n\nAA==\n", "***\n"), ("\n", "\n")] {
            let text = format!("a\n{begin}\n{body}{end}\nz");
            assert_eq!(masked(&text), format!("a\n{begin}\n{after}{end}\nz"));
        }
        // On one line, with the escapes of JSON.
        assert_eq!(
            masked(&format!("{{\"k\":\"{begin}\\nMIIE\\n{end}\\n\"}}")),
            format!("{{\"k\":\"{begin}***{end}\\n\"}}")
        );
        // Cut at its end.
        assert_eq!(masked(&format!("{begin}\nMIIE\nAAAA\nBBBB")), format!("{begin}\n***"));
        // Cut at its start.
        let tail = format!("some words\nMIIEAAAABBBBCCCC\nAAAA\n{end}\nz");
        assert_eq!(masked(&tail), format!("some words\n***\n{end}\nz"));
        assert_eq!(masked(&format!("some words\n{end}\nz")), format!("some words\n{end}\nz"));
    }
    let ssh2 =
        concat!("---- BEGIN SSH2 ENCRYPTED PRIVATE", " KEY ----\nAAAA\n---- END SSH2 ENCRYPTED PRIVATE", " KEY ----");
    assert_eq!(masked(ssh2), ssh2.replace("AAAA", MASK));
    assert_eq!(masked("Private-Lines: 8\nAAAA\nBBBB"), "Private-Lines: 8\n***");
}

#[test]
fn the_setting_of_a_block_keeps_its_first_line() {
    let (begin, end) = (begin(LABELS[0]), end(LABELS[0]));
    for text in [format!("private_key: {begin}\nMIIE\n{end}\n"), format!("{{\"private_key\":\"{begin}MIIE{end}\"}}")] {
        assert_eq!(masked(&text), text.replace("MIIE", MASK));
    }
}

#[test]
fn several_blocks_are_apart() {
    let label = LABELS[0];
    let (begin, end) = (begin(label), end(label));
    let cert = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    let text = |body: &str| format!("{cert}\n{begin}\n{body}\n{end}\n{cert}\n{begin}\n{body}\n{end}\n");
    let original = text("MIIE");
    let redacted = Redactor::new().redact(&original);
    assert_eq!((redacted.text.as_ref(), redacted.masked), (text(MASK).as_str(), 2));
}

#[test]
fn a_secret_in_another_setting_does_not_hide_the_block() {
    let text = format!("secret=\"{}\nMIIE\n{}\"", begin(LABELS[1]), end(LABELS[1]));
    assert!(!masked(&text).contains("MIIE"));
}

fn lines(lines: &[&str]) -> Vec<String> {
    let redactor = Redactor::new();
    let mut stream = RedactLines::new(&redactor);
    lines.iter().map(|line| stream.redact(line).text.into_owned()).collect()
}

#[test]
fn lines_of_a_block_are_masked_one_by_one() {
    let (begin, end) = (begin(LABELS[3]), end(LABELS[3]));
    let prefixed = format!("app[7]: {begin}");
    let ending = format!("app[7]: {end} password=hunter2");
    assert_eq!(
        lines(&["a", &prefixed, "app[7]: b3BlbnNz\n", "", "app[7]: AAAA\r\n", &ending, "b", "password=x"]),
        ["a", &prefixed, "***\n", "", "***\r\n", &format!("*** {end} password=***"), "b", "password=***"]
    );
    assert_eq!(
        lines(&["Private-Lines: 2", "AAAA", "Private-MAC: 1", "z"]),
        ["Private-Lines: 2", "***", "Private-MAC: 1", "z"]
    );
}

#[test]
fn a_block_without_end_is_bounded() {
    let redactor = Redactor::new();
    let mut stream = RedactLines::new(&redactor);
    assert_eq!(stream.redact(&begin(LABELS[0])).masked, 0);
    for _ in 0..MOST_BLOCK_LINES {
        assert!(stream.is_in_block());
        assert_eq!(stream.redact("AAAA").text, MASK);
    }
    assert!(!stream.is_in_block());
    assert_eq!(stream.redact("AAAA").text, "AAAA");
}

#[test]
fn a_block_may_begin_where_another_ends() {
    let (begin, end) = (begin(LABELS[0]), end(LABELS[0]));
    let both = format!("{end}{begin}");
    assert_eq!(lines(&[&begin, "AAAA", &both, "BBBB", &end, "z"]), [&begin, MASK, &both, MASK, &end, "z"]);
}
