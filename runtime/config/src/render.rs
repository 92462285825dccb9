//! Renders diagnostics for people.

use ansai_core::text::inert;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use crate::diagnostics::{Item, Severity};
use crate::source::{Source, Span};

/// Maximum length of a shown line, in bytes. Longer lines are cut around the caret.
const MOST_LINE: usize = 240;
/// Number of bytes kept before the caret.
const BEFORE: usize = 60;

pub(crate) fn file_name(name: &str) -> String {
    inert(name, 200)
}

pub(crate) fn item(item: &Item, color: bool, width: usize) -> String {
    let problem = &item.problem;
    let name = file_name(&item.source.name);
    // Without a place in the text, the message must name the file.
    let message = match item.span() {
        Some(_) => format!("[{}] {}", problem.code, problem.message),
        None => format!("[{}] {name}: {}", problem.code, problem.message),
    };
    let mut diagnostic = MietteDiagnostic::new(message).with_severity(match problem.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    });
    if let Some(hint) = &problem.hint {
        diagnostic = diagnostic.with_help(hint);
    }
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width.clamp(40, 1_000)).with_links(false);
    let report = match item.span() {
        Some(span) => {
            let (text, span) = snippet(&item.source, span);
            Report::new(diagnostic.and_label(LabeledSpan::underline(span)))
                .with_source_code(NamedSource::new(name, text))
        }
        None => Report::new(diagnostic),
    };
    let mut out = String::new();
    match handler.render_report(&mut out, report.as_ref()) {
        Ok(()) => out,
        // Fails only if the handler cannot read the snippet. Then the message is shown without it.
        Err(_) => format!("  × [{}] {}\n", problem.code, problem.message),
    }
}

/// The line with the problem and its neighbours, at their line numbers, cut and made safe for terminals, and the span
/// within them.
fn snippet(source: &Source, span: &Span) -> (String, Span) {
    let text = source.text.as_str();
    let start = source.boundary(span.start);
    let line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line_end = text.get(start..).and_then(|after| after.find('\n')).map_or(text.len(), |at| start + at);
    let end = source.boundary(span.end).clamp(start, line_end);

    let before: Vec<&str> = text.get(..line_start).unwrap_or_default().split_terminator('\n').collect();
    let line = text.get(line_start..line_end).unwrap_or_default();
    let after = text.get(line_end + 1..).and_then(|rest| rest.lines().next());

    let mut out = "\n".repeat(before.len().saturating_sub(1));
    if let Some(previous) = before.last() {
        out.push_str(&cut(previous, 0).0);
        out.push('\n');
    }
    let base = out.len();
    let (line, shift) = cut(line, start - line_start);
    let most = line.len();
    let place = |offset: usize| base + (offset - line_start + shift.added).saturating_sub(shift.removed).min(most);
    let shown = place(start)..place(end);
    out.push_str(&line);
    if let Some(next) = after {
        out.push('\n');
        out.push_str(&cut(next, 0).0);
    }
    (out, shown)
}

/// How far the text of a line moved when it was cut.
struct Shift {
    added: usize,
    removed: usize,
}

fn cut(line: &str, focus: usize) -> (String, Shift) {
    if line.len() <= MOST_LINE {
        let whole = Shift { added: 0, removed: 0 };
        return (harmless(line), whole);
    }
    let boundary = |mut at: usize| {
        while !line.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let from = boundary(focus.saturating_sub(BEFORE));
    let to = boundary((from + MOST_LINE - BEFORE).min(line.len()));
    let lead = if from > 0 { "…" } else { "" };
    let tail = if to < line.len() { "…" } else { "" };
    let kept = harmless(line.get(from..to).unwrap_or_default());
    let shift = Shift { added: lead.len(), removed: from };
    (format!("{lead}{kept}{tail}"), shift)
}

/// Replaces control characters by visible ones of the same length in bytes, so that spans stay valid.
fn harmless(line: &str) -> String {
    line.chars()
        .flat_map(|c| {
            let active = c != '\t' && inert(c.encode_utf8(&mut [0; 4]), 1).chars().nth(1).is_some();
            let shown: &[char] = match (active, c.len_utf8()) {
                (false, _) => return [Some(c), None].into_iter().flatten(),
                (true, 1) => &['?'],
                (true, 2) => &['·'],
                (true, 3) => &['\u{fffd}'],
                (true, _) => &['?', '\u{fffd}'],
            };
            [shown.first().copied(), shown.get(1).copied()].into_iter().flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_characters_keep_their_length() {
        for text in ["\u{1b}[31m", "\u{85}\u{202e}\u{e0041}x", "plain\ttext é"] {
            let shown = harmless(text);
            assert_eq!(shown.len(), text.len(), "{text:?}");
            assert!(!shown.contains(['\u{1b}', '\u{85}', '\u{202e}', '\u{e0041}']));
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let text = format!("{}MARK{}", "é".repeat(5_000), "x".repeat(5_000));
        let (source, _) = Source::from_text("f", &text, 1 << 20);
        let (shown, span) = snippet(&source, &(10_000..10_004));
        assert!(shown.len() < 300, "{}", shown.len());
        assert_eq!(shown.get(span), Some("MARK"));
    }

    #[test]
    fn a_span_stays_on_its_line_and_number() {
        let (source, _) = Source::from_text("f", "a\nb\nc = [\n 1,\n]\n", 1 << 20);
        let (shown, span) = snippet(&source, &(4..14));
        assert_eq!(shown, "\nb\nc = [\n 1,");
        assert_eq!(shown.get(span), Some("c = ["));
    }
}
