//! `ansai pauses`: pauses, silences, quarantined policies, storms and fights.

use ansai_core::control::{Answer, Request};
use ansai_core::exit;
use ansai_core::order::Orders;
use clap::Args;

use crate::asking::ask;
use crate::global::{Format, Global};
use crate::output::{json, lines, orders, stops};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai pauses                  until when, why, and who ordered it\n  \
    ansai pauses --format json    the same for programs")]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let done = ask(global, Request::Pauses)?;
    match (global.format, &done.answer) {
        (Format::Text, Answer::Orders(all)) => {
            for pause in &all.pauses {
                lines::line(&orders::pause(pause))?;
            }
            for silence in &all.silences {
                lines::line(&orders::silence(silence))?;
            }
            for quarantine in &all.quarantines {
                lines::line(&orders::quarantine(quarantine))?;
            }
            for one in all.storm.iter().map(stops::storm).chain(all.fights.iter().map(stops::fight)) {
                lines::line(&one)?;
            }
            if *all == Orders::default() {
                lines::line("nothing is paused, silenced or stopped")?;
            }
            orders::note_not_running(&done)?;
        }
        _ => json::document(&orders::document(&done))?,
    }
    Ok(exit::FINE)
}
