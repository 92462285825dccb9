//! What ansai did over days: a paragraph for managers, then a page for administrators.

use ansai_core::control::{ActionCounts, HostReport, IncidentCounts, Mean};
use ansai_core::text::inert;
use ansai_core::{Bytes, Millis};

use super::words::count::count;
use super::words::{for_people, short_action, time};

/// The heading: what, since when, until when.
pub fn heading(report: &HostReport) -> String {
    let of = report.instance.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
    format!("Report{of} from {} to {}", time::minute(report.since), time::minute(report.at))
}

/// What limits the report.
pub fn notes(report: &HostReport) -> Vec<String> {
    let stopped = (!report.is_running).then(|| "no ansai runs: this is what it left".to_owned());
    let begin = |known| format!("records begin at {}: what happened before may be missing", time::minute(known));
    stopped.into_iter().chain(report.known_since.map(begin)).collect()
}

/// The page for administrators: titles, and the lines below each; a section without lines is not shown.
pub fn sections(report: &HostReport) -> Vec<(&'static str, Vec<String>)> {
    let noisy = report
        .noisy
        .iter()
        .map(|one| format!("{} {}: {}", one.instance, inert(&one.key, 200), count(one.incidents, "incident")));
    vec![
        ("Incidents", incidents(report)),
        ("Effects", effects(report)),
        ("Opened most often", noisy.collect()),
        ("Actions", report.actions.iter().map(action).collect()),
    ]
}

/// For people who do not administer this host.
pub fn paragraph(report: &HostReport) -> String {
    let IncidentCounts { opened, open, healed, healed_with_approval, .. } = report.incidents;
    let of_ansai = healed + healed_with_approval;
    if opened == 0 && report.incidents.closed == 0 {
        let open =
            if open == 0 { String::new() } else { format!("; {} still open", is_or_are(open, "earlier incident")) };
        return format!("ansai found no new problems in this time{open}.");
    }
    let mut text = format!("ansai found {}", count(opened, "problem"));
    text += &match (of_ansai, healed_with_approval) {
        (0, _) => " and repaired none".to_owned(),
        (all, 0) => format!(" and repaired {all} without a person"),
        (all, asked) => format!(" and repaired {all}, {asked} of them after a person approved it"),
    };
    if let Some(Mean { time, .. }) = report.heal {
        text += &format!("; a repair took {} on average", for_people(time));
    }
    text += ".";
    if open > 0 {
        text += &format!(" {} open now.", is_or_are(open, "incident"));
    }
    if report.freed_bytes > 0 {
        text += &format!(" It freed {}.", Bytes::new(report.freed_bytes));
    }
    text += &match (report.interrupted, report.unknown_interruptions) {
        (Millis::ZERO, 0) => " It interrupted nothing.".to_owned(),
        _ => format!(" It interrupted services {}.", interruption(report)),
    };
    text
}

/// `1 incident is`, `2 incidents are`.
fn is_or_are(number: u64, noun: &str) -> String {
    format!("{} {}", count(number, noun), if number == 1 { "is" } else { "are" })
}

fn interruption(report: &HostReport) -> String {
    let unknown = report.unknown_interruptions;
    match (report.interrupted, unknown) {
        (Millis::ZERO, 0) => "nothing".to_owned(),
        (time, 0) => format!("for about {time}"),
        (Millis::ZERO, unknown) => format!("for an unknown time in {}", count(unknown, "step")),
        (time, unknown) => format!("for about {time}, and for an unknown time in {}", count(unknown, "step")),
    }
}

fn incidents(report: &HostReport) -> Vec<String> {
    let counts = report.incidents;
    let ends = [
        (counts.healed, "healed"),
        (counts.healed_with_approval, "healed with approval"),
        (counts.recovered, "recovered without ansai"),
        (counts.gone, "gone"),
        (counts.displaced, "displaced"),
    ];
    let ends: Vec<String> =
        ends.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let ends = if ends.is_empty() { String::new() } else { format!(": {}", ends.join(", ")) };
    let mean = |mean: Option<Mean>, what: &str| match mean {
        Some(Mean { time, of }) => format!("{what} within {} on average (of {of})", for_people(time)),
        None => format!("{what}: no figures"),
    };
    vec![
        format!("opened: {}", counts.opened),
        format!("closed: {}{ends}", counts.closed),
        format!("open now: {}", counts.open),
        mean(report.detect, "found"),
        mean(report.heal, "healed"),
        format!("marked as false alarms: {}", report.false_alarms),
    ]
}

fn effects(report: &HostReport) -> Vec<String> {
    vec![
        format!("freed: {}", Bytes::new(report.freed_bytes)),
        format!("interrupted: {}", interruption(report)),
        format!("undone: {}", count(report.undone, "step")),
    ]
}

/// `files-actions.remove: 12 begun, 11 done (91 %), 1 failed; 10 healthy afterwards (90 %)`.
fn action(one: &ActionCounts) -> String {
    let percent = |part: u64, whole: u64| match u128::from(part).saturating_mul(100).checked_div(u128::from(whole)) {
        Some(percent) => format!(" ({percent} %)"),
        None => String::new(),
    };
    let ActionCounts { action, begun, done, failed, healed } = one;
    let healed_share = percent(*healed, *done);
    format!(
        "{}: {begun} begun, {done} done{}, {failed} failed; {healed} healthy afterwards{healed_share}",
        short_action(action),
        percent(*done, *begun)
    )
}
