//! `ansai help` lists the commands by what a person wants to do.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};

use crate::arguments::Arguments;

/// Every visible command once, with the heading under which help and the reference list it.
pub(crate) const GROUPS: &[(&str, &str)] = &[
    ("Keep a host healthy", "run check init install-unit simulate doctor"),
    ("See what happens", "status incidents history report evidence explain"),
    ("Decide", "plans plan approve reject undo retry feedback promote"),
    ("Pause, silence, notify", "wake pause silence pauses resume notify"),
    ("Prove", "audit recordings replay"),
    ("Get policies", "search info try inspect diff pull update list remove save load"),
    ("Write policies", "new build test dev contract virtualize"),
    ("Publish policies", "login keys push sign verify revoke index"),
    ("Shell", "completions help"),
];

/// The command line, with help that lists the commands in groups. Only for help: to render the lists takes time.
/// `long` explains each option at length, as `--help` does and `-h` does not.
pub(crate) fn command(long: bool) -> Command {
    in_width(None, long)
}

/// For a terminal with so many columns; else for that of standard output.
fn in_width(columns: Option<usize>, long: bool) -> Command {
    let root = || columns.into_iter().fold(Arguments::command(), Command::term_width);
    let commands = rendered(root(), "{subcommands}", false);
    // With headings, clap lists options and commands only together.
    let options = rendered(root().mut_subcommands(|command| command.hide(true)), "{all-args}", long);
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{}\n\n{}{{after-help}}",
        grouped(&commands),
        options.trim_end()
    );
    root().help_template(template)
}

fn rendered(command: Command, template: &'static str, long: bool) -> String {
    let mut command = command.help_template(template);
    let help = if long { command.render_long_help() } else { command.render_help() };
    help.ansi().to_string()
}

/// The lines of clap's list of commands, under our headings.
fn grouped(list: &str) -> String {
    let entries = entries(list);
    let style = Command::new("").get_styles().get_header().to_owned();
    let mut out = String::new();
    for (heading, names) in GROUPS {
        let _ = write!(out, "\n{style}{heading}:{style:#}\n");
        for name in names.split(' ') {
            entries.iter().filter(|(of, _)| *of == name).for_each(|(_, lines)| out.push_str(lines));
        }
    }
    out.trim_end().to_owned()
}

/// The name of each command in clap's list, and its lines. Lines of text that continue an entry are indented further.
fn entries(list: &str) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in list.lines() {
        let plain = anstream::adapter::strip_str(line).to_string();
        let starts = plain.strip_prefix("  ").is_some_and(|rest| !rest.starts_with(' '));
        match (starts, entries.last_mut()) {
            (true, _) => {
                let name = plain.split_whitespace().next().unwrap_or_default();
                entries.push((name.to_owned(), format!("{line}\n")));
            }
            (false, Some((_, lines))) if !plain.trim().is_empty() => {
                let _ = writeln!(lines, "{line}");
            }
            (false, _) => {}
        }
    }
    entries
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_visible_command_is_in_one_group() {
        let mut root = Arguments::command();
        root.build();
        let visible: BTreeSet<_> =
            root.get_subcommands().filter(|one| !one.is_hide_set()).map(|one| one.get_name().to_owned()).collect();
        let listed: Vec<_> = GROUPS.iter().flat_map(|(_, names)| names.split(' ')).map(str::to_owned).collect();
        assert_eq!(listed.len(), visible.len());
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), visible);
    }

    #[test]
    fn help_shows_each_command_once_under_its_heading() {
        for long in [false, true] {
            let help = in_width(Some(80), long).render_help().to_string();
            is_grouped(&help);
            assert_eq!(help.contains("Possible values:"), long, "{help}");
        }
    }

    fn is_grouped(help: &str) {
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        for (heading, names) in GROUPS {
            let part = help.split(&format!("\n{heading}:\n")).nth(1).unwrap_or_else(|| panic!("{heading}\n{help}"));
            let part = part.split("\n\n").next().unwrap();
            for name in names.split(' ') {
                assert!(part.contains(&format!("  {name} ")), "{heading}: {name}\n{help}");
                let lines = help.lines().filter(|line| line.starts_with(&format!("  {name}  ")));
                assert!(lines.count() <= 1, "{name}\n{help}");
            }
        }
        for part in ["Usage: ansai", "Global options:", "Exit codes:"] {
            assert!(help.contains(part), "{part}\n{help}");
        }
    }
}
