//! A document as HTML that mail clients show: tables and inline styles, no images, links, scripts or style sheets.

use std::fmt::Write as _;

use ansai_core::text::markup;

use super::document::{Block, Document, Tone};

/// The fonts of the reader's system.
const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";
const MONO: &str = "font-family:ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:13px";

/// Units as messages write them.
const UNITS: [&str; 11] = ["%", "B", "KiB", "MiB", "GiB", "TiB", "ms", "s", "min", "h", "d"];

/// The document as a page of HTML.
pub fn html(document: &Document) -> String {
    let colour = colour(document.tone);
    let subject = markup(&document.subject);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light\"><title>{subject}</title></head>\n\
         <body style=\"margin:0;padding:0;background:#f3f4f6\">\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"background:#f3f4f6\">\
         <tr><td align=\"center\" style=\"padding:16px\">\n\
         <table role=\"presentation\" width=\"640\" cellpadding=\"0\" cellspacing=\"0\" \
         style=\"width:100%;max-width:640px;background:#ffffff;border:1px solid #d1d5db;{FONT};font-size:15px;\
         line-height:1.5;color:#1f2937;text-align:left\">\n\
         <tr><td style=\"height:6px;line-height:6px;font-size:6px;background:{colour}\">&nbsp;</td></tr>\n\
         <tr><td style=\"padding:20px 24px;overflow-wrap:anywhere;word-break:break-word\">\n\
         <div style=\"font-size:18px;font-weight:600;color:#111827;padding-bottom:8px\">{subject}</div>\n"
    );
    document.blocks.iter().for_each(|one| block(one, colour, &mut out));
    out += "</td></tr></table>\n</td></tr></table>\n</body></html>\n";
    out
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "#15803d",
        Tone::Neutral => "#475569",
        Tone::Warning => "#b45309",
        Tone::Critical => "#b91c1c",
    }
}

fn block(block: &Block, colour: &str, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match block {
        Block::Lead(text) => {
            writeln!(out, "<p style=\"margin:8px 0;font-size:16px\">{}</p>", sentence(text))
        }
        Block::Title(text) => writeln!(
            out,
            "<div style=\"margin:24px 0 4px;padding-top:12px;border-top:1px solid #d1d5db;font-size:16px;\
             font-weight:600;color:{colour}\">{}</div>",
            markup(text)
        ),
        Block::Heading(text) => writeln!(
            out,
            "<div style=\"margin:16px 0 4px;font-size:13px;font-weight:600;color:#4b5563\">{}</div>",
            markup(text)
        ),
        Block::Paragraph(text) => writeln!(out, "<p style=\"margin:8px 0\">{}</p>", sentence(text)),
        Block::Facts(facts) => {
            *out += "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" style=\"margin:8px 0\">\n";
            for (name, value) in facts {
                let _ = writeln!(
                    out,
                    "<tr><td style=\"padding:2px 16px 2px 0;color:#4b5563;vertical-align:top;overflow-wrap:normal;\
                     word-break:normal\">{}</td>\
                     <td style=\"padding:2px 0;vertical-align:top\">{}</td></tr>",
                    markup(name),
                    sentence(value)
                );
            }
            writeln!(out, "</table>")
        }
        Block::List(points) => {
            *out += "<ul style=\"margin:4px 0;padding-left:20px\">\n";
            for (point, below) in points {
                let _ = write!(out, "<li style=\"margin:2px 0\">{}", sentence(point));
                for line in below {
                    let _ = write!(out, "<div style=\"{MONO};color:#374151\">{}</div>", markup(line));
                }
                *out += "</li>\n";
            }
            writeln!(out, "</ul>")
        }
        Block::Commands(commands) => {
            for (command, does) in commands {
                let does = match does.as_str() {
                    "" => String::new(),
                    does => format!("<div style=\"color:#4b5563;font-size:13px\">{}</div>", markup(does)),
                };
                let _ = writeln!(
                    out,
                    "<div style=\"margin:6px 0;padding:8px 12px;background:#f3f4f6;border-left:3px solid {colour}\">\
                     <code style=\"{MONO};color:#111827\">{}</code>{does}</div>",
                    markup(command)
                );
            }
            Ok(())
        }
        Block::Foot(lines) => {
            *out += "<div style=\"margin-top:20px;padding-top:8px;border-top:1px solid #d1d5db;font-size:12px;\
                     color:#4b5563\">\n";
            for line in lines {
                let _ = writeln!(out, "<div>{}</div>", markup(line));
            }
            writeln!(out, "</div>")
        }
    };
}

/// A sentence in which no line ends between a number and its unit. Names and commands are not changed: people copy them.
fn sentence(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        out += &markup(word);
        let Some(next) = words.peek() else { break };
        let unit = next.trim_end_matches([')', ',', ';', ':', '.']);
        let is_quantity = word.ends_with(|c: char| c.is_ascii_digit()) && UNITS.contains(&unit);
        out += if is_quantity { "&nbsp;" } else { " " };
    }
    out
}
