//! `ansai recordings show`.

use ansai_audit::{Catalog, RecordingId};
use ansai_core::event::Phase;
use ansai_core::text::inert;
use ansai_daemon::recorded;
use ansai_engine::recording::{RecordedEnd, RecordedReply};

use crate::global::Format;
use crate::output::{self, json, lines, time};

pub(super) fn run(catalog: &Catalog, id: &RecordingId, format: Format) -> anyhow::Result<()> {
    const MOST: usize = 500;
    let recording = recorded::stored(catalog, id)?;
    if format == Format::Json {
        return json::document(&recording);
    }
    output::say(&lines::pairs(&[
        ("recording", id.to_string()),
        ("instance", recording.instance.to_string()),
        ("component", recording.component.clone()),
        ("engine", recording.engine.clone()),
        ("time", time::local(recording.at)),
        ("phase", phase(recording.phase).to_owned()),
        ("trigger", recording.trigger.to_string()),
        ("fuel", recording.fuel.to_string()),
    ]))?;
    for (index, call) in recording.calls.iter().enumerate() {
        let reply = match &call.reply {
            RecordedReply::Ok(answer) => inert(answer.get(), MOST),
            RecordedReply::Refused(refusal) => inert(&refusal.to_string(), MOST),
        };
        let (name, arguments) = (inert(&call.name(), 200), inert(call.arguments.get(), MOST));
        output::say(&format!("{:>4}  {name} {arguments}\n      -> {reply}\n", index + 1))?;
    }
    let end = match &recording.end {
        RecordedEnd::Deadline => "stopped at the deadline".to_owned(),
        end => serde_json::to_string(end)?,
    };
    Ok(output::say(&format!("result  {}\n", inert(&end, output::MOST_TEXT)))?)
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Detect => "detect",
        Phase::Plan => "plan",
    }
}
