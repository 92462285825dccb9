//! Results of scenarios as people and programs read them.

use ansai_core::Code;
use ansai_core::text::inert;
use ansai_devkit::scenario::{Problem, Side};
use serde_json::{Value, json};

use super::{Done, Results};
use crate::output::{colour, more, terminal};

/// Lines shown around one that differs.
const AROUND: usize = 3;
const MOST_LINE: usize = 400;
const INDENT: &str = "      ";

/// One scenario: a line, and below it what was not as expected.
pub(super) fn one(done: &Done) -> String {
    let name = inert(&done.tested.name, 200);
    let (word, style) = match (done.tested.passed(), done.updated) {
        (true, _) => ("ok", colour::GOOD),
        (false, true) => ("new", colour::WARNING),
        (false, false) => ("FAIL", colour::ERROR),
    };
    let used = match &done.tested.ran {
        Ok(ran) => format!("({} fuel, {:.1} ms)", ran.fuel.iter().sum::<u64>(), ran.wall_us as f64 / 1_000.0),
        Err(_) => String::new(),
    };
    let word = colour::paint(style, &format!("{word:4}"));
    let mut out = format!("{word}  {name}  {}\n", colour::paint(colour::FAINT, &used));
    if done.tested.passed() {
        return out;
    }
    match &done.tested.ran {
        Err(problems) => {
            more::remember_first(problems);
            let shown = problems.render(colour::on_stdout(), terminal::stdout_width().saturating_sub(INDENT.len()));
            shown.trim_end().lines().for_each(|line| push(&mut out, line));
        }
        Ok(ran) => {
            for problem in &ran.problems {
                more::remember(problem.code);
                difference(&mut out, problem);
            }
            for line in &ran.log {
                push(&mut out, &colour::paint(colour::FAINT, &inert(&format!("log: {line}"), MOST_LINE)));
            }
            if done.updated {
                push(&mut out, "expected results updated");
            }
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(INDENT);
    out.push_str(line);
    out.push('\n');
}

/// The lines that differ, with a few lines around them.
fn difference(out: &mut String, problem: &Problem) {
    push(out, &format!("[{}] {}", problem.code, inert(&problem.message, MOST_LINE)));
    let differs: Vec<usize> =
        problem.lines.iter().enumerate().filter(|(_, (side, _))| *side != Side::Both).map(|(at, _)| at).collect();
    let mut left_out = false;
    for (at, (side, line)) in problem.lines.iter().enumerate() {
        let next = differs.partition_point(|differing| differing + AROUND < at);
        if differs.get(next).is_none_or(|differing| *differing > at + AROUND) {
            if !left_out {
                push(out, &colour::paint(colour::FAINT, "  …"));
            }
            left_out = true;
            continue;
        }
        left_out = false;
        let line = inert(line, MOST_LINE);
        push(
            out,
            &match side {
                Side::Expected => colour::paint(colour::GONE, &format!("- {line}")),
                Side::Came => colour::paint(colour::GOOD, &format!("+ {line}")),
                Side::Both => format!("  {line}"),
            },
        );
    }
}

/// Counts by result, and the time taken.
pub(super) fn summary(results: &Results) -> String {
    let Counts { passed, failed, updated } = counts(results);
    let mut parts = vec![colour::paint(colour::GOOD, &format!("{passed} passed"))];
    if updated > 0 {
        parts.push(colour::paint(colour::WARNING, &format!("{updated} updated")));
    }
    let style = if failed > 0 { colour::ERROR } else { colour::FAINT };
    parts.push(colour::paint(style, &format!("{failed} failed")));
    format!("\n{} in {:.2} s\n", parts.join(", "), results.took.as_secs_f64())
}

pub(super) struct Counts {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) updated: usize,
}

pub(super) fn counts(results: &Results) -> Counts {
    let count = |which: fn(&&Done) -> bool| results.done.iter().filter(which).count();
    Counts {
        passed: count(|done| done.tested.passed()),
        failed: count(|done| !done.is_fine()),
        updated: count(|done| done.updated),
    }
}

/// Differences from the expected results, as plain text.
pub(super) fn problems(done: &Done) -> Vec<String> {
    match &done.tested.ran {
        Ok(ran) => ran.problems.iter().map(Problem::to_string).collect(),
        Err(problems) => problems.to_string().lines().map(str::to_owned).collect(),
    }
}

fn codes(problems: &[Problem]) -> Vec<Code> {
    problems.iter().map(|problem| problem.code).collect()
}

/// The results as JSON.
pub(super) fn document(results: &Results) -> Value {
    let scenarios = results.done.iter().map(|done| {
        let ran = done.tested.ran.as_ref().ok();
        json!({
            "name": done.tested.name,
            "file": done.tested.file,
            "passed": done.tested.passed(),
            "updated": done.updated,
            "problems": problems(done),
            "problem_codes": ran.map(|ran| codes(&ran.problems)).unwrap_or_default(),
            "diagnostics": done.tested.ran.as_ref().err().map(ansai_config::Diagnostics::entries).unwrap_or_default(),
            "fuel": ran.map(|ran| ran.fuel.clone()).unwrap_or_default(),
            "log": ran.map(|ran| ran.log.clone()).unwrap_or_default(),
            "wall_us": ran.map(|ran| ran.wall_us),
        })
    });
    let scenarios: Vec<Value> = scenarios.collect();
    let Counts { passed, failed, updated } = counts(results);
    json!({
        "scenarios": scenarios,
        "passed": passed,
        "failed": failed,
        "updated": updated,
        "wall_us": u64::try_from(results.took.as_micros()).unwrap_or(u64::MAX),
    })
}
