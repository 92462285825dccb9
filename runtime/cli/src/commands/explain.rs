//! `ansai explain`: what a code means, an example, and how to fix it.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod facts;

use ansai_codes::{Block, Page, heading, page, pages};
use ansai_config::did_you_mean;
use ansai_core::codes::{self, Area};
use ansai_core::exit;
use ansai_core::text::inert;
use clap::Args;
use clap::builder::{PossibleValue, TypedValueParser};
use serde_json::{Value, json};

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::paragraphs::{fitted, indented};
use crate::output::{self, colour, lines, terminal};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai explain imports-wasi\n  ansai explain            list all codes\n\n\
    ansai shows a code in brackets after `error`, and in `code` and `error_kind` of JSON. Codes stay the same from\n\
    version to version; messages may change.")]
pub(crate) struct Arguments {
    /// The word in brackets; without it, list all codes
    #[arg(value_name = "CODE", value_parser = Words, hide_possible_values = true)]
    code: Option<String>,
}

/// Any text, with all codes for the completions of shells. An unknown word gets the nearest code as a hint, not the list.
#[derive(Debug, Clone)]
struct Words;

impl TypedValueParser for Words {
    type Value = String;

    fn parse_ref(
        &self,
        _: &clap::Command,
        _: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        Ok(value.to_string_lossy().into_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(pages().map(|page| PossibleValue::new(page.word).help(page.title))))
    }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    match (&arguments.code, global.format) {
        (None, Format::Text) => output::say_last(&list())?,
        (None, Format::Json) => output::json::document(&pages().map(document).collect::<Vec<_>>())?,
        (Some(word), format) => {
            let page = codes::find(word).and_then(page).ok_or_else(|| unknown(word))?;
            match format {
                Format::Text => output::say_last(&text(page, terminal::stdout_width()))?,
                Format::Json => output::json::document(&document(page))?,
            }
        }
    }
    Ok(exit::FINE)
}

fn unknown(word: &str) -> Fault {
    let known: Vec<&str> = pages().map(|page| page.word).collect();
    let nearest = did_you_mean(word, &known).filter(|hint| hint.starts_with("did you mean"));
    Fault::usage(codes::UNKNOWN_CODE, format!("there is no code `{}`", inert(word, 80)))
        .hint(nearest.unwrap_or_else(|| "`ansai explain` lists all codes".to_owned()))
}

fn list() -> String {
    let width = pages().map(|page| page.word.len()).max().unwrap_or(0);
    let mut out = String::new();
    for area in Area::ALL {
        let gap = if out.is_empty() { "" } else { "\n" };
        out += &format!("{gap}{}", lines::title(heading(area)));
        for page in pages().filter(|page| page.area == area.word()) {
            out += &format!("  {:width$}  {}\n", page.word, page.title);
        }
    }
    out + "\n`ansai explain CODE` shows one of them in full.\n"
}

fn text(page: &Page, columns: usize) -> String {
    let mut out = format!("{}: {}\n\n", colour::paint(colour::STRONG, page.word), page.title);
    out += &section(page.meaning, columns);
    out += &format!("\n{}\n\n", colour::paint(colour::STRONG, "Example"));
    out += &section(&[Block::Code(page.example)], columns);
    out += &format!("\n{}\n\n", colour::paint(colour::STRONG, "Fix"));
    out + &section(page.fix, columns)
}

/// Blocks with an empty line between them, but not between items.
fn section(blocks: &[Block], columns: usize) -> String {
    let mut out = String::new();
    let mut listed = false;
    for block in blocks {
        let item = matches!(block, Block::Item(_));
        let same_list = listed && item;
        if !out.is_empty() && !same_list {
            out.push('\n');
        }
        listed = item;
        out += &match block {
            Block::Text(text) => fitted(text, 2, columns),
            Block::Item(text) => fitted(&format!("- {text}"), 2, columns),
            Block::Code(fence) => indented(fence.text, "    "),
        };
    }
    out
}

fn document(page: &Page) -> Value {
    let texts = |blocks: &[Block]| blocks.iter().map(Block::text).collect::<Vec<_>>();
    json!({
        "code": page.word,
        "area": page.area,
        "title": page.title,
        "meaning": texts(page.meaning),
        "example": page.example.text,
        "fix": texts(page.fix),
    })
}
