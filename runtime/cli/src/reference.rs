//! `runtime/docs/cli.md` is generated from the definitions of the command line. `ANSAI_WRITE_REFERENCE=1` writes it.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::arguments::Arguments;
use crate::command_groups::GROUPS;

const INTRODUCTION: &str = "<!-- Generated from the definitions of the command line. Do not edit. -->
# The command line

`ansai help COMMAND` and `ansai COMMAND --help` print the same. Results go to standard output, everything else goes to
standard error. With `--format json`, a result is one JSON document; results that are printed as they arrive are one
document per line.
";

#[test]
fn the_page_is_that_of_the_definitions() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let page = page();
    if std::env::var_os("ANSAI_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == page,
        "{} differs from the definitions; run ANSAI_WRITE_REFERENCE=1 cargo test --release -p ansai --bin ansai",
        path.display()
    );
}

#[test]
fn every_visible_command_and_argument_is_there_and_no_hidden_one() {
    let page = page();
    let mut arguments = 0;
    each(&built(), &mut |command| {
        let name = full_name(command);
        assert_eq!(page.contains(&format!("\n## {name}\n")), !hidden(command) && name != "ansai", "{name}");
        for long in command.get_arguments().filter(|one| !one.is_hide_set() && !is_help(one)).filter_map(Arg::get_long)
        {
            let row = ["`", ", "].map(|before| format!("{before}--{long}"));
            assert!(hidden(command) || row.iter().any(|row| page.contains(row.as_str())), "{name} --{long}");
            arguments += 1;
        }
    });
    assert!(arguments > 50, "{arguments}");
    for (code, meaning) in ansai_core::exit::ALL {
        assert!(page.contains(&format!("| {code} | {meaning} |")));
    }
}

fn built() -> Command {
    // Usage lines are wrapped at this width.
    let mut root = Arguments::command().term_width(100);
    root.build();
    root
}

fn hidden(command: &Command) -> bool {
    command.is_hide_set() || command.get_name() == "help"
}

/// The name with its parent commands.
fn full_name(command: &Command) -> &str {
    command.get_bin_name().unwrap_or(command.get_name())
}

fn each(command: &Command, visit: &mut dyn FnMut(&Command)) {
    visit(command);
    if !hidden(command) {
        command.get_subcommands().for_each(|below| each(below, visit));
    }
}

fn page() -> String {
    let root = built();
    let mut out = INTRODUCTION.to_owned();
    for (heading, names) in GROUPS {
        let _ = write!(out, "\n**{heading}**\n\n| command | purpose |\n|---|---|\n");
        for command in names.split(' ').filter_map(|name| root.find_subcommand(name)) {
            each(command, &mut |command| {
                let name = full_name(command);
                if !hidden(command) {
                    let _ = writeln!(out, "| [{name}](#{}) | {} |", name.replace(' ', "-"), about(command));
                }
            });
        }
    }
    out += "\nEvery command takes the [global options](#global-options) and exits with one of the [exit codes](#exit-codes).\n";
    each(&root, &mut |command| {
        if !hidden(command) && command.get_name() != "ansai" {
            section(&mut out, command);
        }
    });
    out += "\n## Global options\n\n";
    table(&mut out, root.get_arguments().filter(|one| one.is_global_set()));
    out += "\n## Exit codes\n\n| code | meaning |\n|---|---|\n";
    for (code, meaning) in ansai_core::exit::ALL {
        let _ = writeln!(out, "| {code} | {meaning} |");
    }
    out
}

fn about(command: &Command) -> String {
    cell(&command.get_about().map(ToString::to_string).unwrap_or_default())
}

fn section(out: &mut String, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let _ = write!(out, "\n## {}\n\n{}.\n", full_name(command), about(command));
    let _ = write!(out, "\n```text\n{usage}\n```\n");
    if command.has_subcommands() {
        // Each subcommand has its own section.
        return;
    }
    let own = || command.get_arguments().filter(|one| !one.is_global_set() && !one.is_hide_set() && !is_help(one));
    if own().next().is_some() {
        out.push('\n');
        table(out, own());
    }
    if let Some(more) = command.get_after_help() {
        let _ = write!(out, "\n```text\n{}\n```\n", more.to_string().trim_end());
    }
}

fn is_help(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version)
}

fn table<'a>(out: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    out.push_str("| argument | meaning |\n|---|---|\n");
    for argument in arguments {
        let _ = writeln!(out, "| `{}` | {} |", shown(argument), meaning(argument));
    }
}

/// `-v, --verbose...`, `--lang <LANGUAGE>`, `[DIR]...`.
fn shown(argument: &Arg) -> String {
    let long = argument.to_string();
    let short = argument.get_short().filter(|_| argument.get_long().is_some());
    let text = short.map(|short| format!("-{short}, {long}")).unwrap_or(long);
    text.replace('|', "\\|")
}

fn meaning(argument: &Arg) -> String {
    let mut text = cell(&argument.get_help().map(ToString::to_string).unwrap_or_default());
    let values = argument.get_possible_values();
    if argument.get_action().takes_values() && !values.is_empty() && !argument.is_hide_possible_values_set() {
        let values: Vec<String> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        let _ = write!(text, ". One of {}", values.join(", "));
    }
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(text, ". Default: `{}`", defaults.join(" "));
    }
    if argument.is_required_set() && !argument.is_positional() {
        text += ". Required";
    }
    text
}

fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "\\<")
}
