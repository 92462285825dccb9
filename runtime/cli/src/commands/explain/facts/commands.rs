//! Commands of ansai that pages show are commands that its parser of arguments takes.

use std::collections::BTreeSet;

use ansai_codes::pages;
use ansai_core::codes;
use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::{Place, fences, spans, texts};
use crate::arguments::Arguments;

/// Examples of a word that is not a code.
const NO_CODES: &[&str] = &["imports-wasl", "CODE"];

/// The commands of ansai in a line for a shell, without its prompt, comment and redirections.
fn commands(line: &str) -> Vec<Vec<String>> {
    let line = line.strip_prefix("$ ").or_else(|| line.strip_prefix("# ")).unwrap_or(line);
    let mut found = Vec::new();
    let mut command: Vec<String> = Vec::new();
    for word in words(line).into_iter().chain([";".to_owned()]) {
        match word.as_str() {
            "&&" | "||" | ";" | "&" | "|" => found.push(std::mem::take(&mut command)),
            _ => command.push(word),
        }
    }
    for command in &mut found {
        let before = command.iter().take_while(|word| *word == "sudo" || is_assignment(word)).count();
        command.drain(..before);
        let end = command.iter().position(|word| word.starts_with('>') || word.starts_with('<'));
        command.truncate(end.unwrap_or(command.len()));
    }
    found.retain(|command| command.first().is_some_and(|program| program == "ansai"));
    found
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase()))
}

/// Words, with quoted ones whole; the rest of a line after `#` is a comment.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => quote = Some(c),
            ('#', None) if word.is_empty() => break,
            (';', None) => words.extend([std::mem::take(&mut word), ";".to_owned()]),
            (' ', None) => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Why ansai would not take a command; one with placeholders or parts left out is taken.
fn refused(command: &[String]) -> Option<String> {
    if let [_, explain, word] = command
        && explain == "explain"
        && codes::find(word).is_none()
        && !NO_CODES.contains(&word.as_str())
    {
        return Some(format!("there is no code `{word}`"));
    }
    let error = Arguments::command().try_get_matches_from(command).err()?;
    let fine = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::InvalidValue
            | ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    (!fine).then(|| error.to_string())
}

/// Whether a command of ansai has this flag.
fn has_flag(command: &clap::Command, flag: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(flag))
        || command.get_subcommands().any(|below| has_flag(below, flag))
}

#[test]
fn pages_show_commands_that_ansai_takes() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let lines = fences(page).chain([page.example]).filter(|fence| fence.language == "console");
        let lines = lines.flat_map(|fence| fence.text.lines()).chain(spans(page));
        for command in lines.flat_map(commands) {
            seen += 1;
            wrong.extend(refused(&command).map(|why| format!("{}: {}: {why}", page.word, command.join(" "))));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 80, "{seen}");
}

#[test]
fn pages_name_flags_that_ansai_has() {
    let root = Arguments::command();
    for page in pages() {
        for flag in spans(page).filter_map(|span| span.strip_prefix("--")) {
            let name = flag.split([' ', '=']).next().unwrap();
            assert!(has_flag(&root, name), "{}: --{flag}", page.word);
        }
    }
}

#[test]
fn pages_name_exit_codes_that_exist() {
    let mut seen = BTreeSet::new();
    for page in pages() {
        for (_, text) in texts(page) {
            let text = text.to_lowercase();
            for (at, name) in text.match_indices("exit code ") {
                let digits: String = text[at + name.len()..].chars().take_while(char::is_ascii_digit).collect();
                let code: u8 = digits.parse().unwrap_or(u8::MAX);
                assert!(ansai_core::exit::ALL.iter().any(|(known, _)| *known == code), "{}: {text}", page.word);
                seen.insert(code);
            }
        }
    }
    assert!(seen.len() >= 3, "{seen:?}");
}

#[test]
fn commands_that_do_not_exist_are_found() {
    let refusals = |line: &str| commands(line).iter().filter_map(|command| refused(command)).count();
    for right in [
        "ansai run policies/ --once",
        "$ ansai recordings export ID -o scenarios/slow.toml      # a --comment",
        "# ansai build policies/web && ansai new NAME --lang LANGUAGE > /dev/full",
        "PATH=/nowhere sudo ansai build .; ulimit -v 5",
        "ansai recordings export",
        "ansai help COMMAND",
        "cargo build --release",
    ] {
        assert_eq!(refusals(right), 0, "{right}");
    }
    for wrong in [
        "ansai ran policies/",
        "ansai run --ones",
        "$ cd web && ansai check . --suggest-grant",
        "ulimit -v 5; ansai run one --twice",
        "ansai audit verifies",
        "ansai explain fules",
        "ansai undo ONE TWO",
    ] {
        assert_eq!(refusals(wrong), 1, "{wrong}");
    }
    assert_eq!(commands("$ ansai build . && ansai test . --only 'a b'").concat().last().unwrap(), "a b");
    assert!(has_flag(&Arguments::command(), "force") && !has_flag(&Arguments::command(), "froce"));
    // Examples are looked at as well as what explains them.
    assert!(texts(pages().next().unwrap()).any(|(place, _)| place == Place::Example));
}
