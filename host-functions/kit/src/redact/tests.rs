#![allow(clippy::unwrap_used, reason = "tests")]
//! Samples are built from parts: otherwise scanners for secrets would report them.

mod blocks;
mod kept;
mod properties;
mod samples;
mod secrets;

use std::borrow::Cow;

use super::*;

/// The text with masks.
fn masked(text: &str) -> String {
    Redactor::new().redact(text).text.into_owned()
}

/// A value that looks random, of a length that tokens have.
const LONG: &str = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";

#[test]
fn a_clean_text_is_borrowed() {
    let redacted = Redactor::new().redact("nothing to hide");
    assert!(matches!(redacted.text, Cow::Borrowed("nothing to hide")));
    assert_eq!(redacted.masked, 0);
}

#[test]
fn debug_shows_no_secret() {
    let redactor = Redactor::with_secrets([b"hunter22".as_slice(), b"abc"]);
    assert_eq!(format!("{redactor:?}"), "Redactor { skipped: [Skipped { index: 1, why: TooShort }], .. }");
}

#[test]
fn it_can_be_shared() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Redactor>();
}

#[test]
fn rules_have_unique_names() {
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
}

/// A text of one repeated part must not take time that grows with the square of its length.
#[test]
fn repeated_triggers_take_linear_time() {
    let redactor = Redactor::with_secrets([b"aaaaaaa".as_slice(), b"aaaaaab", b"\\\\\\\\\\\\\\"]);
    for part in [
        "password=",
        "password:",
        "token='",
        "password=\"",
        "password='x'",
        "\\\"password\\\":\\\"",
        "Authorization: ",
        "authorization:",
        "cookie:",
        "cookie: ",
        "://",
        "a://b:c",
        "a://b:c,",
        "a://b:",
        "x:y@tcp(",
        "mysql ",
        "mysql -p",
        "curl -u ",
        "ghp_",
        "glpat-",
        "eyJ",
        "eyJ.",
        "eyJaaaaaaaa.",
        "Bearer ",
        "Basic ",
        "bearer a1",
        "a",
        "\\",
        "%61",
        concat!("-----BEGIN PRIVATE", " KEY-----"),
        concat!("-----END PRIVATE", " KEY-----"),
        concat!("AAAA\n-----END PRIVATE", " KEY-----"),
        "--password ",
        "--password",
        "identified by '",
        "secret access key ",
        "passphrase: ",
        ",",
        ",a",
        ",\"a",
        "\"",
        "token=a,",
        "&sig=",
        "sshpass -p",
        "a://@",
        "a://:@/",
        "Private-Lines:",
        "<password>",
        "password%3D",
        "redis-cli -a '",
        "password='\\'",
        "password=''",
        "password='x'\\''",
        "'\\''",
        "password='a'\"b\"",
        "\"name\":\"token\",\"value\":\"",
        "auth plain ",
        "requirepass \"",
        "-p'",
        "mysql -p'x'y",
        "a,b://c:d,",
        "a://b&c:d&",
        "[",
        "authorization:[",
    ] {
        let text = part.repeat(400_000 / part.len());
        let began = std::time::Instant::now();
        let _ = redactor.redact(&text);
        // About 20 ms in a release build. A quadratic search takes minutes.
        assert!(began.elapsed().as_secs() < 5, "{part}: {:?}", began.elapsed());
    }
}
