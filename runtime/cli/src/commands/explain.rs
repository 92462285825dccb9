//! `ansai explain`: what a code means, what provokes it, and the way out.

mod reference;

use ansai_config::did_you_mean;
use ansai_core::codes::{self, Area};
use ansai_core::text::inert;
use ansai_core::{Code, exit};
use clap::Args;
use clap::builder::{PossibleValue, TypedValueParser};
use serde_json::{Value, json};

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::paragraphs::{fitted, indented};
use crate::output::{self, colour, lines, terminal};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai explain imports-wasi\n  ansai explain            all codes, by what they are about\n\n\
    A code is the word in brackets after `error`, and in `code` and `error_kind` of JSON. It stays the same from version\n\
    to version; the sentence beside it may change."
)]
pub(crate) struct Arguments {
    /// The word in brackets; without it, all codes are listed
    #[arg(value_name = "CODE", value_parser = Words, hide_possible_values = true)]
    code: Option<String>,
    /// Print the reference of the documentation
    #[arg(long, hide = true, conflicts_with = "code")]
    markdown: bool,
}

/// Any text, with all codes for the completions of shells: what is wrong is said with the nearest, not with all of them.
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
        Some(Box::new(codes::all().map(|code| PossibleValue::new(code.word()).help(code.title()))))
    }
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    match (&arguments.code, global.format) {
        _ if arguments.markdown => output::say_last(&reference::markdown())?,
        (None, Format::Text) => output::say_last(&list())?,
        (None, Format::Json) => output::json::document(&codes::all().map(document).collect::<Vec<_>>())?,
        (Some(word), format) => {
            let code = codes::find(word).ok_or_else(|| unknown(word))?;
            match format {
                Format::Text => output::say_last(&page(code, terminal::stdout_width()))?,
                Format::Json => output::json::document(&document(code))?,
            }
        }
    }
    Ok(exit::FINE)
}

fn unknown(word: &str) -> Fault {
    let known: Vec<&str> = codes::all().map(Code::word).collect();
    let nearest = did_you_mean(word, &known).filter(|hint| hint.starts_with("did you mean"));
    Fault::usage(codes::UNKNOWN_CODE, format!("there is no code `{}`", inert(word, 80)))
        .hint(nearest.unwrap_or_else(|| "`ansai explain` lists all".to_owned()))
}

fn list() -> String {
    let width = codes::all().map(|code| code.word().len()).max().unwrap_or(0);
    let mut out = String::new();
    for area in Area::ALL {
        let gap = if out.is_empty() { "" } else { "\n" };
        out += &format!("{gap}{}", lines::title(area.title()));
        for code in codes::all().filter(|code| code.area() == area) {
            out += &format!("  {code:width$}  {}\n", code.title());
        }
    }
    out + "\n`ansai explain CODE` tells more about one of them.\n"
}

fn page(code: Code, columns: usize) -> String {
    let mut out = format!("{}: {}\n", colour::paint(colour::STRONG, code.word()), code.title());
    for paragraph in code.means() {
        out += &format!("\n{}", fitted(&paragraph, 2, columns));
    }
    out += &format!("\n{}\n", colour::paint(colour::STRONG, "For example"));
    out += &indented(&code.example(), "    ");
    out += &format!("\n{}\n", colour::paint(colour::STRONG, "The way out"));
    let way_out: Vec<String> = code.way_out().iter().map(|paragraph| fitted(paragraph, 2, columns)).collect();
    out + &way_out.join("\n")
}

fn document(code: Code) -> Value {
    json!({
        "code": code,
        "area": code.area(),
        "title": code.title(),
        "means": code.means(),
        "example": code.example(),
        "way_out": code.way_out(),
    })
}
