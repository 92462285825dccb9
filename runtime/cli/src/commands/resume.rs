//! `ansai resume`: end a pause, a silence, a quarantine, a storm or a fight.

use ansai_core::control::{Answer, Request, Resume};
use ansai_core::exit;
use ansai_core::text::inert;
use clap::Args;

use crate::asking::ask;
use crate::global::{Format, Global};
use crate::output::{json, lines, orders};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai resume               ends the pause of all instances\n  \
    ansai resume disk-space    ends the pause and the quarantine of one instance\n  \
    ansai resume /var          ends the silences of a key\n  \
    ansai resume storm         heals again although too much breaks at once\n\n\
    With the name of an instance, plans that are held because another policy undoes them begin again, too.\n\
    What was held is evaluated soon. `ansai pauses` lists all that can be resumed.")]
pub(crate) struct Arguments {
    /// Instance whose pause, quarantine and fights end; key whose silences end; or `storm`
    /// [default: the pause of all instances]
    #[arg(value_name = "INSTANCE|KEY|storm")]
    name: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let what = arguments.name.as_ref().map_or(Resume::All, |name| Resume::Named { name: name.clone() });
    let done = ask(global, Request::Resume(what))?;
    match (global.format, &done.answer) {
        (Format::Text, Answer::Resumed(ended)) => {
            for pause in &ended.pauses {
                lines::line(&format!("{} no longer paused", orders::who(pause.instance.as_ref())))?;
            }
            for silence in &ended.silences {
                lines::line(&format!("{} no longer silenced", orders::what(silence.instance.as_ref(), &silence.key)))?;
            }
            for quarantine in &ended.quarantines {
                lines::line(&format!("{} is no longer quarantined", quarantine.instance))?;
            }
            if ended.storm.is_some() {
                lines::line("healing is as before the storm")?;
            }
            for fight in &ended.fights {
                let ((first, second), about) = (&fight.instances, inert(&fight.about.to_string(), 200));
                lines::line(&format!("{first} and {second} may change {about} again"))?;
            }
            orders::note_not_running(&done)?;
        }
        _ => json::document(&orders::document(&done))?,
    }
    Ok(exit::FINE)
}
