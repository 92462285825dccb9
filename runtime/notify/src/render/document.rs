//! The content of a message, before it has a form.

use ansai_core::text::{inert, prose};
use ansai_core::{Bytes, Severity, Timestamp};

use super::report;
use super::subject::{about, subject, word};
use super::words::count::count;
use super::words::{for_people, measure, time};
use crate::message::{Asked, Kind, Message, Notice, Step, StepState};

/// Most notices that are shown with all details; the others have one line.
pub(crate) const MOST_DETAILED: usize = 5;
/// Most names of a step that are shown.
const MOST_SHOWN: usize = 8;
/// The heading of what happened to an incident: left out where there is little room.
pub(crate) const TIME_LINE: &str = "Time line";
const MOST_SENTENCE: usize = 500;
const MOST_NAME: usize = 200;

/// A message as blocks. Each text is one line without characters that act on terminals or show nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The subject.
    pub subject: String,
    /// How bad it is, for colours.
    pub tone: Tone,
    /// The content, in order.
    pub blocks: Vec<Block>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All is over.
    Good,
    /// Nothing has to be done.
    Neutral,
    /// A warning.
    Warning,
    /// Critical, or worse.
    Critical,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The sentence that matters most.
    Lead(String),
    /// The heading of a notice, where there are several.
    Title(String),
    /// The heading of a list.
    Heading(String),
    /// A sentence.
    Paragraph(String),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// Points of a list, each with lines below it.
    List(Vec<(String, Vec<String>)>),
    /// Commands, each with a word on what it does.
    Commands(Vec<(String, String)>),
    /// What helps to find it elsewhere: ids, in small print.
    Foot(Vec<String>),
}

/// The content of a message.
pub fn document(message: &Message) -> Document {
    let mut blocks = Vec::new();
    if message.may_repeat {
        blocks.push(Block::Paragraph(
            "This may be a second copy: ansai does not know whether the first one arrived.".to_owned(),
        ));
    }
    if let Some(host_report) = &message.report {
        of_report(host_report, &mut blocks);
    }
    match message.notices.as_slice() {
        [one] if message.total() == 1 => {
            if message.report.is_none() {
                of_notice(one, &mut blocks);
            }
        }
        notices => of_several(message, notices, &mut blocks),
    }
    let mut foot = vec![format!("Message {} of ansai on {}", inert(&message.id, 100), inert(&message.host, 100))];
    if let Some(head) = message.notices.iter().rev().find_map(|notice| notice.audit_head.as_deref()) {
        foot.push(format!("Audit head: {}", inert(head, 400)));
    }
    blocks.push(Block::Foot(foot));
    Document { subject: subject(message), tone: tone(message), blocks }
}

fn tone(message: &Message) -> Tone {
    let worst = message.notices.iter().filter(|one| !one.kind.is_resolving()).map(|one| one.severity).max();
    let is_quiet = message.digest || message.notices.iter().all(|one| matches!(one.kind, Kind::Report | Kind::Test));
    match worst {
        None if message.notices.is_empty() => Tone::Neutral,
        None => Tone::Good,
        Some(_) if is_quiet => Tone::Neutral,
        Some(Severity::Notice) => Tone::Neutral,
        Some(Severity::Warning) => Tone::Warning,
        Some(_) => Tone::Critical,
    }
}

fn of_report(host_report: &ansai_core::control::HostReport, blocks: &mut Vec<Block>) {
    blocks.push(Block::Lead(report::paragraph(host_report)));
    blocks.push(Block::Paragraph(report::heading(host_report)));
    blocks.extend(report::notes(host_report).into_iter().map(Block::Paragraph));
    for (title, lines) in report::sections(host_report) {
        if !lines.is_empty() {
            blocks.push(Block::Heading(title.to_owned()));
            blocks.push(Block::List(lines.into_iter().map(|line| (line, Vec::new())).collect()));
        }
    }
}

fn of_several(message: &Message, notices: &[Notice], blocks: &mut Vec<Block>) {
    let total = message.total();
    let counts = match message.counts.as_slice() {
        [] => crate::message::counts(notices),
        counts => counts.to_vec(),
    };
    let counted = counts.iter().map(|one| format!("{} {}", one.number, one.kind.name().replace('-', " ")));
    let counted = counted.collect::<Vec<_>>().join(", ");
    blocks.push(Block::Lead(match (message.digest, total) {
        (true, 0) => "ansai had nothing to tell in this time.".to_owned(),
        (true, _) => format!("Nobody has to do anything. {}: {counted}.", count(total, "event")),
        (false, _) => format!("{} at once: {counted}.", count(total, "notice")),
    }));
    let detailed = if message.digest { 0 } else { MOST_DETAILED };
    let mut order: Vec<&Notice> = notices.iter().collect();
    order.sort_by_key(|one| urgency(one));
    let (first, rest) = order.split_at(detailed.min(order.len()));
    for one in first {
        blocks.push(Block::Title(format!("{} {}", word(Some(one.kind)), about(one))));
        of_notice(one, blocks);
    }
    let mut lines: Vec<(String, Vec<String>)> = rest.iter().map(|one| (line(one), Vec::new())).collect();
    if let Some(more) = total.checked_sub(notices.len() as u64).filter(|more| *more > 0) {
        lines.push((format!("[{more} more]"), Vec::new()));
    }
    if !lines.is_empty() {
        blocks.push(Block::Heading(if first.is_empty() { "Events" } else { "Also" }.to_owned()));
        blocks.push(Block::List(lines));
    }
}

/// Sorts notices of a message. Those that ask somebody come first: in a storm, they are what matters.
pub(crate) fn urgency(notice: &Notice) -> (bool, std::cmp::Reverse<Severity>, Timestamp) {
    (notice.asked.is_none(), std::cmp::Reverse(notice.severity), notice.at)
}

/// A notice in one line: `03:02:43 resolved disk /var: freed 6.66 MiB`.
fn line(notice: &Notice) -> String {
    let state = word(Some(notice.kind)).to_lowercase();
    let freed = notice.freed_bytes().map(|bytes| format!(" (freed {})", Bytes::new(bytes))).unwrap_or_default();
    let about = about(notice);
    let summary = prose(&notice.summary, MOST_NAME);
    let rest = if summary == about || summary.is_empty() { String::new() } else { format!(": {summary}") };
    format!("{} {state} {about}{rest}{freed}", time::minute(notice.at))
}

fn of_notice(notice: &Notice, blocks: &mut Vec<Block>) {
    blocks.push(Block::Lead(prose(&notice.summary, MOST_SENTENCE)));
    if let Some(asked) = &notice.asked {
        of_asked(asked, blocks);
    }
    blocks.push(Block::Facts(facts(notice)));
    if !notice.evidence.is_empty() {
        blocks.push(Block::Heading("Measured".to_owned()));
        blocks.push(Block::List(notice.evidence.iter().map(|one| (measure(one), Vec::new())).collect()));
    }
    if !notice.steps.is_empty() {
        let is_begun = notice.steps.iter().any(|step| step.state != StepState::Proposed);
        blocks.push(Block::Heading(if is_begun { "Steps" } else { "Proposed" }.to_owned()));
        blocks.push(Block::List(notice.steps.iter().map(step).collect()));
    }
    if let Some(undo) = &notice.undo {
        let until = undo.until.map(|at| format!("until {}", time::minute(at))).unwrap_or_default();
        blocks.push(Block::Heading("Undo".to_owned()));
        blocks.push(Block::Commands(vec![(inert(&undo.command, MOST_NAME), until)]));
    }
    if !notice.timeline.is_empty() {
        blocks.push(Block::Heading(TIME_LINE.to_owned()));
        let moment = |one: &crate::message::Moment| (time::local(one.at), prose(&one.what, MOST_SENTENCE));
        blocks.push(Block::Facts(notice.timeline.iter().map(moment).collect()));
    }
}

fn of_asked(asked: &Asked, blocks: &mut Vec<Block>) {
    let who = asked.who.as_deref().map(|who| format!("{}: ", prose(who, MOST_NAME))).unwrap_or_default();
    blocks.push(Block::Paragraph(format!("{who}{}", prose(&asked.what, MOST_SENTENCE))));
    if let Some(until) = asked.until {
        blocks.push(Block::Paragraph(format!("An answer counts until {}.", time::minute(until))));
    }
    let commands = asked.commands.iter().map(|one| (inert(&one.line, MOST_NAME), prose(&one.does, MOST_NAME)));
    let commands: Vec<_> = commands.collect();
    if !commands.is_empty() {
        blocks.push(Block::Commands(commands));
    }
}

fn facts(notice: &Notice) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    add("Host", inert(&notice.host, MOST_NAME));
    if let Some(subject) = &notice.subject {
        add("Subject", inert(&subject.to_string(), MOST_NAME));
    }
    if let Some(instance) = &notice.instance {
        add("Policy", inert(instance, MOST_NAME));
    }
    match notice.kind.is_resolving() {
        true => add("Severity", format!("was {}", notice.severity)),
        false => add("Severity", notice.severity.to_string()),
    }
    if notice.kind != Kind::Test {
        let lasted = match notice.lasted().get() {
            0 => String::new(),
            _ => format!(" ({})", for_people(notice.lasted())),
        };
        add("Since", format!("{}{lasted}", time::local(notice.since)));
    }
    if let Some(bytes) = notice.freed_bytes() {
        add("Freed", Bytes::new(bytes).to_string());
    }
    if let Some(incident) = &notice.incident {
        add("Incident", inert(&incident.id, MOST_NAME));
    }
    facts
}

/// A step: what it does, and below it names and costs.
fn step(step: &Step) -> (String, Vec<String>) {
    let state = match step.state {
        StepState::Proposed => "",
        StepState::Done => "done: ",
        StepState::Failed => "failed: ",
        StepState::Skipped => "skipped: ",
        StepState::Undone => "undone: ",
    };
    let mut lines: Vec<String> = step.names.iter().take(MOST_SHOWN).map(|name| inert(name, MOST_NAME)).collect();
    let more = (step.names.len().saturating_sub(MOST_SHOWN) as u64).saturating_add(step.more_names);
    if more > 0 {
        lines.push(format!("[{more} more]"));
    }
    let mut notes = Vec::new();
    if let Some(bytes) = step.frees_bytes {
        let verb = if step.state == StepState::Done { "freed" } else { "frees" };
        notes.push(format!("{verb} {}", Bytes::new(bytes)));
    }
    if let Some(time) = step.interrupts.filter(|time| time.get() > 0) {
        notes.push(format!("interrupts for about {}", for_people(time)));
    }
    if matches!(step.state, StepState::Proposed | StepState::Done) {
        notes.push(if step.can_undo { "can be undone" } else { "permanent" }.to_owned());
    }
    if let Some(why) = &step.why {
        notes.push(prose(why, MOST_SENTENCE));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    (format!("{state}{}{notes}", prose(&step.what, MOST_SENTENCE)), lines)
}
