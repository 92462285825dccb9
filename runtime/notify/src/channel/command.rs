//! `kind = "command"`: a program that reads the message on standard input.

use std::path::Path;

use ansai_core::text::inert;
use ansai_kit::program::{Ended, Program, Ran};

use super::{Channel, CommandSettings, Deadline, Fault, Receipt};
use crate::message::Message;
use crate::render;
use crate::template::Template;

/// Exit codes of `sysexits.h` that say that the input or the recipient is wrong.
const PERMANENT: [i32; 4] = [65, 66, 67, 68];
const MOST: usize = 300;

pub(super) struct CommandChannel {
    words: Vec<String>,
    template: Option<Template>,
}

impl CommandChannel {
    pub(super) fn new(settings: &CommandSettings, template: Option<Template>) -> CommandChannel {
        CommandChannel { words: settings.command.clone(), template }
    }
}

impl Channel for CommandChannel {
    fn send(&self, message: &Message, deadline: Deadline<'_>) -> Result<Receipt, Fault> {
        let Some((program, arguments)) = self.words.split_first() else {
            return Err(Fault::later("the channel has no command"));
        };
        let input = match &self.template {
            Some(template) => template.render(message).map_err(|error| Fault::never(error.to_string()))?,
            None => format!("{}\n", render::json(message)),
        };
        run(Path::new(program), arguments, input.as_bytes(), deadline)
    }

    fn kind(&self) -> &'static str {
        "command"
    }

    fn destination(&self) -> String {
        inert(self.words.first().map_or("", String::as_str), MOST)
    }
}

/// Runs a program that takes a message: exit code 0 means that it has it, 65 to 68 that it will never take it, and all
/// others that a later attempt may succeed.
pub(super) fn run(
    program: &Path,
    arguments: &[String],
    input: &[u8],
    deadline: Deadline<'_>,
) -> Result<Receipt, Fault> {
    let ran = Program::new(program).args(arguments).input(input).limit(deadline.within).run(deadline.is_stopping);
    let ran = ran.map_err(|error| Fault::later(format!("{error} ({}); {}", error.code(), error.hint())))?;
    let status = match ran.ended {
        Ended::By(status) => status,
        Ended::TimeLimit => return Err(Fault::unknown(format!("took longer than {} s", deadline.within.as_secs()))),
        Ended::Stopped => return Err(Fault::unknown("ended because ansai is stopping")),
    };
    match status.code() {
        Some(0) => Ok(Receipt { answer: said(&ran).unwrap_or_else(|| status.to_string()) }),
        Some(code) => {
            let why = format!("ended with {status}{}", said(&ran).map(|text| format!(": {text}")).unwrap_or_default());
            Err(if PERMANENT.contains(&code) { Fault::never(why) } else { Fault::later(why) })
        }
        None => Err(Fault::unknown(format!("ended with {status}"))),
    }
}

/// The last line that it printed, on standard error first.
fn said(ran: &Ran) -> Option<String> {
    let line = ran.stderr.last_line().or_else(|| ran.stdout.last_line())?;
    Some(inert(line, MOST))
}
