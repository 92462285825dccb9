//! The processes that ansai starts of itself. They begin without the parser of the command line: it makes all commands with
//! all their help texts, which is more memory and time than such a process needs to begin.

use std::ffi::OsString;

use crate::commands::{compile_component, guest_worker, look_up_names, reach};

/// What a process does with its job; returns the exit code.
type Work = fn(&str) -> u8;

/// Those that are started often. The parser knows them too, for a person who asks what they are.
const OFTEN: [(&str, Work); 4] = [
    (ansai_engine::isolated::CHILD, guest_worker::work),
    (ansai_host_functions::reach::CHILD, reach::work),
    (ansai_host_functions::reach::LOOKUP_CHILD, look_up_names::work),
    (crate::compiler::COMPILE, compile_component::work),
];

/// The work of this process and its job, if it is one of them: its arguments are exactly the name and the job.
pub(crate) fn of(mut arguments: impl Iterator<Item = OsString>) -> Option<(Work, String)> {
    let (name, job) = (arguments.nth(1)?, arguments.next()?.into_string().ok()?);
    let (_, work) = OFTEN.iter().find(|(known, _)| name == *known)?;
    let alone = arguments.next().is_none() && !job.starts_with('-');
    alone.then_some((*work, job))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn taken(arguments: &[&str]) -> Option<String> {
        Some(of(arguments.iter().map(OsString::from))?.1)
    }

    /// Would break: a process that parses the command line, as before; or one that takes what a person wrote for a job.
    #[test]
    fn only_a_name_and_a_job_are_taken_before_the_parser() {
        for (name, _) in OFTEN {
            assert_eq!(taken(&["ansai", name, "{}"]), Some("{}".into()));
            for other in [&["--help"][..], &["-h"], &[], &["{}", "more"], &["--", "{}"]] {
                assert_eq!(taken(&[&["ansai", name], other].concat()), None, "{name} {other:?}");
            }
        }
        assert_eq!(taken(&["ansai", "run", "policies"]), None);
        assert_eq!(taken(&["ansai"]), None);
        assert_eq!(taken(&[]), None);
    }

    /// Would break: a name that only one of the two knows.
    #[test]
    fn the_parser_knows_them_too() {
        let command = <crate::arguments::Arguments as clap::CommandFactory>::command();
        for (name, _) in OFTEN {
            let found = command.find_subcommand(name).unwrap();
            assert_eq!(found.get_positionals().map(|one| one.get_id().as_str()).collect::<Vec<_>>(), ["job"], "{name}");
        }
    }
}
