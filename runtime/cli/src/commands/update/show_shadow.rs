//! `ansai update --show-shadow`: versions beside pinned ones, and what differs.

use ansai_core::exit;
use ansai_core::text::inert;
use ansai_daemon::pulled::Shadowed;
use ansai_daemon::{Configuration, Error};
use ansai_registry::{HELD_AS_WIDER, Lock, MOST_OTHERS, ShadowDifference, ShadowEnd, ShadowReplay, Store};
use serde_json::{Value, json};

use crate::global::Format;
use crate::output::count::count;
use crate::output::{self, colour, json as document, lines, time};

/// The most characters of a version.
const MOST_VERSION: usize = 100;

pub(super) fn run(
    names: &[String],
    format: Format,
    configuration: &Configuration,
    (store, lock): (&Store, &Lock),
) -> anyhow::Result<u8> {
    let all = Shadowed::all(lock, &store.shadows().map_err(Error::from)?);
    let with_names = all.into_values().map(|one| (super::instances(configuration, &one.pinned.source), one));
    let shown: Vec<(Vec<String>, Shadowed)> = with_names
        .filter(|(instances, _)| names.is_empty() || instances.iter().any(|name| names.contains(name)))
        .collect();
    match format {
        Format::Json => {
            let policies: Vec<Value> = shown.iter().map(|(instances, one)| of_one(instances, one)).collect();
            document::document(&json!({ "lock": lock.path(), "shadows": policies }))?;
        }
        Format::Text if shown.is_empty() => lines::line("no version runs beside a pinned one")?,
        Format::Text => {
            for (instances, one) in &shown {
                output::say(&text(instances, one))?;
            }
        }
    }
    let is_held = |(_, one): &(Vec<String>, Shadowed)| matches!(one.record.end, Some(ShadowEnd::Held(_)));
    Ok(if shown.iter().any(is_held) { exit::WIDER } else { exit::FINE })
}

fn of_one(instances: &[String], one: &Shadowed) -> Value {
    let Shadowed { shadow, pinned, record } = one;
    let (state, why) = match &record.end {
        None => ("running", None),
        Some(ShadowEnd::TookOver) => ("took-over", None),
        Some(ShadowEnd::Held(why)) => ("held", Some(why)),
    };
    json!({
        "instances": instances,
        "source": pinned.source,
        "pinned": pinned.version,
        "version": shadow.policy.version,
        "digest": shadow.policy.digest,
        "state": state,
        "why": why,
        "problem": record.problem,
        "began": time::rfc3339(record.began),
        "watched_ms": record.watched,
        "lasts_ms": shadow.lasts_ms,
        "compared": record.compared,
        "live": record.live,
        "recorded": record.recorded,
        "replayed": record.replayed,
        "more": record.more,
        "accepts_wider": shadow.accepts_wider,
        "accepts_differences": shadow.accepts_differences,
    })
}

fn text(instances: &[String], one: &Shadowed) -> String {
    let Shadowed { shadow, pinned, record } = one;
    let name = instances.first().map_or(pinned.source.as_str(), String::as_str);
    let version = |text: &str| inert(text, MOST_VERSION);
    let title = format!("{name} {} beside {}", version(&shadow.policy.version), version(&pinned.version));
    let mut out = lines::title(&title);
    let state = match &record.end {
        None => format!("runs: {} of {}", record.watched, shadow.lasts_ms),
        Some(ShadowEnd::TookOver) => "took over; `ansai update` pins it".to_owned(),
        Some(ShadowEnd::Held(why)) => format!("held: {why}"),
    };
    let differences = u64::try_from(record.live.len()).unwrap_or(u64::MAX);
    let live =
        format!("{}, {} differently decided", count(record.compared, "comparison"), count(differences, "finding"));
    let mut rows = vec![("state", state), ("live", live), ("recorded", replay(record.recorded.as_ref()))];
    rows.extend(record.problem.iter().map(|why| ("problem", why.clone())));
    out += &lines::pairs(&rows);
    for (what, list) in [("live", &record.live), ("recorded", &record.replayed)] {
        for difference in list {
            out += &of_difference(what, difference);
        }
    }
    if record.more > 0 {
        let least = if u64::try_from(MOST_OTHERS).is_ok_and(|most| record.more >= most) { "at least " } else { "" };
        out += &format!("and {least}{}\n", count(record.more, "more difference"));
    }
    if let Some(ShadowEnd::Held(why)) = &record.end {
        let accepted = format!("{name}@{}", version(&shadow.policy.version));
        let wider = if why.contains(HELD_AS_WIDER) { format!(" --accept-wider {accepted}") } else { String::new() };
        out += &format!("`ansai update --accept-differences {accepted}{wider}` pins it in spite of that\n");
    }
    out
}

/// Counts of recorded evaluations, as people read them.
pub(super) fn replay(recorded: Option<&ShadowReplay>) -> String {
    let Some(ShadowReplay { same, different, unknown, refused }) = recorded else {
        return "no recorded evaluations".to_owned();
    };
    let all = same.saturating_add(*different).saturating_add(*unknown).saturating_add(*refused);
    let all = count(all, "recorded evaluation");
    format!("{all}: {same} same, {different} different, {unknown} unknown, {refused} refused")
}

fn of_difference(what: &str, one: &ShadowDifference) -> String {
    let finding = if one.finding.is_empty() { "(no result)" } else { &one.finding };
    let times = count(one.times, "time");
    let mut out = format!("  {}  {finding}  {what}, {times}, last {}\n", one.instance, time::local(one.last));
    for (mark, style, lines) in [('-', colour::GONE, &one.old), ('+', colour::GOOD, &one.new)] {
        for line in lines {
            out += &format!("    {}\n", colour::paint(style, &format!("{mark} {line}")));
        }
        if lines.is_empty() {
            out += &format!("    {}\n", colour::paint(style, &format!("{mark} no decision")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use ansai_core::{Millis, Timestamp};
    use ansai_registry::{Digest, Locked, Shadow, ShadowRecord};

    use super::*;

    #[test]
    fn the_command_for_a_held_version_accepts_all_for_which_it_is_held() {
        let locked = |version: &str| Locked {
            source: "registry.example/acme/web@^1".to_owned(),
            resolved: String::new(),
            digest: Digest::of(version.as_bytes()),
            component: Digest::of(version.as_bytes()),
            version: version.to_owned(),
            imports: Vec::new(),
            scopes: Default::default(),
            signers: Vec::new(),
        };
        let (pinned, policy, began) = (locked("1.0.0"), locked("1.1.0"), Timestamp::EPOCH);
        let shown = |why: &str| {
            let mut record = ShadowRecord::new(policy.digest.clone(), pinned.digest.clone(), began);
            record.end = Some(ShadowEnd::Held(why.to_owned()));
            let lasts_ms = Millis::from_hours(1);
            let policy = policy.clone();
            let shadow = Shadow { lasts_ms, began, accepts_wider: false, accepts_differences: false, policy };
            text(&["mine".to_owned()], &Shadowed { shadow, pinned: pinned.clone(), record })
        };
        let differs = shown("the two versions decide differently about 1 finding");
        assert!(differs.contains("`ansai update --accept-differences mine@1.1.0`"), "{differs}");
        let wider = shown(&format!("the two versions decide differently about 1 finding; {HELD_AS_WIDER}"));
        let command = "`ansai update --accept-differences mine@1.1.0 --accept-wider mine@1.1.0`";
        assert!(wider.contains(command), "{wider}");
    }
}
