//! What is kept of the output.

use ansai_kit::redact::Redactor;

use crate::{expect_code, run, shell};

#[test]
fn both_streams_are_kept_apart() {
    let ran = run(&shell("echo out; echo err >&2; exit 7"));
    expect_code(&ran, 7);
    assert_eq!((ran.stdout.to_string(), ran.stderr.to_string()), ("out\n".to_owned(), "err\n".to_owned()));
    assert_eq!(ran.stderr.last_line(), Some("err"));
}

/// Without the bound, this is 200 MB of memory; the count of what is missing shows that all of it was read.
#[test]
fn of_100_megabytes_the_first_and_the_last_lines_are_kept() {
    let ran = run(&shell("echo begin; yes 0123456789abcde | head -c 99999990; echo end").kept_bytes(4096));
    expect_code(&ran, 0);
    let output = ran.stdout;
    assert!(output.first.starts_with("begin\n0123456789abcde\n") && output.first.ends_with("abcde\n"));
    assert!(output.last.starts_with("0123456789abcde\n") && output.last.ends_with("end\n"), "{}", output.last);
    for part in [&output.first, &output.last] {
        assert!((2000..=2048).contains(&part.len()), "{}", part.len());
    }
    assert_eq!(output.omitted_bytes + (output.first.len() + output.last.len()) as u64, 100_000_000);
    assert!(output.to_string().contains(&format!("\n[{} bytes left out]\n", output.omitted_bytes)));
}

#[test]
fn output_of_exactly_the_limit_is_complete() {
    for (bytes, omitted) in [(4096, 0), (4097, 4097)] {
        let output = run(&shell(&format!("head -c {bytes} /dev/zero | tr '\\0' x")).kept_bytes(4096)).stdout;
        assert_eq!((output.first.len() as u64, output.omitted_bytes), (bytes - omitted, omitted), "no whole line");
    }
}

#[test]
fn secrets_in_the_output_are_masked() {
    let program = shell("echo 'login failed: password=hunter22' >&2; echo correct horse");
    let ran = run(&program.redactor(Redactor::with_secrets([b"correct horse".as_slice()])));
    assert_eq!((ran.stderr.to_string(), ran.stderr.masked), ("login failed: password=***\n".to_owned(), 1));
    assert_eq!(ran.stdout.to_string(), "***\n");
}

/// If parts of lines were kept, the value would be there without its name, or half of a known secret.
#[test]
fn no_half_of_a_secret_is_left_at_the_cut() {
    let script = "printf 'password='; head -c 20000 /dev/zero | tr '\\0' x; echo; echo end";
    let output = run(&shell(script)).stdout;
    assert_eq!((output.first.as_str(), output.last.as_str()), ("", "end\n"));
    // Half of it is in the first part, half of it is left out.
    let script = "head -c 2043 /dev/zero | tr '\\0' x; printf '\\nab-correct-horse\\n'; yes | head -c 9000";
    let program = shell(script).kept_bytes(4096).redactor(Redactor::with_secrets([b"ab-correct-horse".as_slice()]));
    let output = run(&program).stdout;
    assert_eq!((output.first.len(), output.masked), (2044, 0));
    assert!(!output.to_string().contains("ab-"), "{output}");
}

/// Would break: a caller that masks standard output itself, and standard error that is passed on as it was written.
#[test]
fn standard_output_can_be_left_to_the_caller_and_standard_error_cannot() {
    let ran = run(&shell("echo password=hunter22; echo password=hunter22 >&2").unmasked_stdout());
    assert_eq!((ran.stdout.to_string(), ran.stdout.masked), ("password=hunter22\n".to_owned(), 0));
    assert_eq!((ran.stderr.to_string(), ran.stderr.masked), ("password=***\n".to_owned(), 1));
}

/// The key begins in the first part, and its END line is left out.
#[test]
fn a_key_that_the_cut_splits_is_masked_in_both_parts() {
    let begin = concat!("-----BEGIN RSA ", "PRIVATE KEY-----");
    let script = format!("echo '{begin}'; yes MIIEowIBAAKCAQEAx4fm | head -n 1000");
    let output = run(&shell(&script).kept_bytes(4096)).stdout;
    assert!(output.omitted_bytes > 0 && output.first.starts_with(begin), "{output}");
    assert!(!output.to_string().contains("MIIE"), "{output}");
}
