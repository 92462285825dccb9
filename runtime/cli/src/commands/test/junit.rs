//! Results of scenarios as JUnit XML, for continuous integration.

use std::fmt::Write as _;

use ansai_core::text::{inert, markup};

use super::show::{self, Counts};
use super::{Done, Results};

/// Longer logs and differences are cut.
const MOST_LINES: usize = 1_000;
const MOST_LINE: usize = 1_000;

/// The document: a suite for each policy.
pub(super) fn document(results: &Results) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let Counts { failed, .. } = show::counts(results);
    let seconds = results.took.as_secs_f64();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<testsuites name=\"ansai test\" tests=\"{}\" failures=\"{failed}\" time=\"{seconds:.3}\">",
        results.done.len()
    );
    let mut rest = results.done.as_slice();
    while let Some(first) = rest.first() {
        let length = rest.iter().take_while(|done| done.policy == first.policy).count();
        let (suite, after) = rest.split_at(length);
        self::suite(&mut out, &first.policy, suite);
        rest = after;
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, policy: &str, done: &[Done]) {
    let failed = done.iter().filter(|one| !one.is_fine() && one.tested.ran.is_ok()).count();
    let errors = done.iter().filter(|one| one.tested.ran.is_err()).count();
    let seconds: f64 = done.iter().map(seconds).sum();
    let _ = writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"{errors}\" time=\"{seconds:.6}\">",
        escaped(policy),
        done.len()
    );
    for one in done {
        case(out, one);
    }
    out.push_str("  </testsuite>\n");
}

fn seconds(done: &Done) -> f64 {
    done.tested.ran.as_ref().map_or(0.0, |ran| ran.wall_us as f64 / 1e6)
}

fn case(out: &mut String, done: &Done) {
    let policy = escaped(&done.policy);
    let name = done.tested.name.rsplit('/').next().unwrap_or_default();
    let _ = write!(
        out,
        "    <testcase classname=\"{policy}\" name=\"{}\" file=\"{}\" time=\"{:.6}\">",
        escaped(name),
        escaped(&done.tested.file.display().to_string()),
        seconds(done)
    );
    if !done.is_fine() {
        let problems = show::problems(done);
        let element = if done.tested.ran.is_ok() { "failure" } else { "error" };
        let first = problems.first().and_then(|problem| problem.lines().next()).unwrap_or_default();
        let _ = write!(out, "\n      <{element} message=\"{}\">", escaped(first));
        lines(out, problems.iter().flat_map(|problem| problem.lines()));
        let _ = write!(out, "</{element}>\n    ");
    }
    let log = done.tested.ran.as_ref().map(|ran| ran.log.as_slice()).unwrap_or_default();
    if !log.is_empty() {
        out.push_str("\n      <system-out>");
        lines(out, log.iter().map(String::as_str));
        out.push_str("</system-out>\n    ");
    }
    out.push_str("</testcase>\n");
}

fn lines<'t>(out: &mut String, lines: impl Iterator<Item = &'t str>) {
    for (index, line) in lines.take(MOST_LINES).enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(&escaped(line));
    }
}

/// Without the characters that XML has no form for.
fn escaped(text: &str) -> String {
    markup(&inert(text, MOST_LINE).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}"))
}
