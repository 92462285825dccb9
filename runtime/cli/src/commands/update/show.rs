//! What an update found, as text and as JSON.

use std::collections::BTreeMap;
use std::path::Path;

use ansai_core::text::inert;
use ansai_daemon::Error;
use ansai_daemon::pulled::Newer;
use ansai_registry::Locked;
use serde_json::{Value, json};

use super::pinning::Pinning;
use super::{Outcome, Updated, show_shadow};
use crate::commands::diff::show;
use crate::exit::Fault;
use crate::global::Format;
use crate::output::{self, json as document, lines, terminal};

/// From the pinned version to a newer one.
pub(super) fn difference(pinned: &Locked, newer: &Newer) -> String {
    let title = format!("{} → {}", pinned.resolved, newer.locked.version);
    show::text(&title, &newer.difference, terminal::stdout_width())
}

pub(super) fn text(lock: &Path, updated: &[Updated], took_over: &BTreeMap<String, String>) -> std::io::Result<()> {
    for (name, version) in took_over {
        lines::line(&format!("{name}: pinned {}, which took over on this host", inert(version, 100)))?;
    }
    if updated.is_empty() {
        lines::line(&format!("no policy to update: {} pins none of these", lock.display()))?;
    }
    let (mut pinned, mut begun) = (0_usize, 0_usize);
    for one in updated {
        let name = one.instances.first().map_or(one.pinned.source.as_str(), String::as_str);
        let version = &one.pinned.version;
        for (reference, error) in &one.refused {
            output::fault(&Fault { message: format!("{reference} is refused: {error}"), ..Fault::from(error) });
        }
        let Outcome::Newer { newer, pinning, last_good } = &one.outcome else {
            let why = match &one.outcome {
                Outcome::NoRange => "its source names one version",
                Outcome::Failed(error) => {
                    output::fault(&Fault { message: format!("{name}: {error}"), ..Fault::from(error.as_ref()) });
                    "whether there is a newer version is unknown"
                }
                _ => "no newer version",
            };
            lines::line(&format!("{name}: stays at {version}: {why}"))?;
            continue;
        };
        output::say(&difference(&one.pinned, newer))?;
        let new = &newer.locked.version;
        lines::line(&match pinning {
            Pinning::Pinned => {
                pinned += 1;
                let kept = |last_good: &String| format!("; {last_good} is kept as the last good version");
                format!("{name}: pinned {new}{}", last_good.as_ref().map(kept).unwrap_or_default())
            }
            Pinning::WouldPin => format!("{name}: would pin {new}"),
            Pinning::Held => {
                format!("{name}: held: {new} can do more; `ansai update --accept-wider {name}@{new}` pins it")
            }
            Pinning::WouldHold => format!("{name}: would be held: {new} can do more"),
            Pinning::Beside => {
                begun += 1;
                let recorded = show_shadow::replay(one.shadow.as_ref().and_then(|record| record.recorded.as_ref()));
                format!("{name}: {new} runs as a shadow of {version} after a reload of the daemon; {recorded}")
            }
            Pinning::Shadowed => {
                format!("{name}: stays at {version}: a shadow runs; `ansai update --show-shadow {name}` shows it")
            }
            Pinning::ShadowHeld => {
                format!("{name}: stays at {version}: its shadow is held; `ansai update --show-shadow {name}` shows why")
            }
            Pinning::Changed => format!("{name}: not pinned: the lock file was changed meanwhile; try again"),
        })?;
    }
    if pinned > 0 {
        lines::line("reload the daemon to run what is pinned")?;
    }
    if begun > 0 {
        lines::line("reload the daemon to begin; `ansai update --show-shadow` shows what differs")?;
    }
    Ok(())
}

pub(super) fn document(lock: &Path, updated: &[Updated], took_over: &BTreeMap<String, String>) -> Value {
    let policies: Vec<Value> = updated.iter().map(of_one).collect();
    json!({ "lock": lock, "policies": policies, "took_over": took_over })
}

fn of_one(one: &Updated) -> Value {
    let (outcome, newer) = match &one.outcome {
        Outcome::Newest => ("newest", None),
        Outcome::NoRange => ("no-range", None),
        Outcome::Failed(_) => ("failed", None),
        Outcome::Newer { newer, pinning, .. } => {
            let word = match pinning {
                Pinning::Pinned => "pinned",
                Pinning::Held => "held",
                Pinning::WouldPin => "would-pin",
                Pinning::WouldHold => "would-hold",
                Pinning::Changed => "changed",
                Pinning::Beside => "shadow",
                Pinning::Shadowed => "shadowed",
                Pinning::ShadowHeld => "shadow-held",
            };
            (word, Some(newer))
        }
    };
    let text = |error: &Error| inert(&error.to_string(), output::MOST_TEXT);
    let refused = one.refused.iter().map(|(reference, error)| {
        json!({ "reference": reference.to_string(), "code": error.code().word(), "error": text(error) })
    });
    let failed = match &one.outcome {
        Outcome::Failed(error) => Some(json!({ "code": error.code().word(), "error": text(error) })),
        Outcome::Newest | Outcome::NoRange | Outcome::Newer { .. } => None,
    };
    json!({
        "instances": one.instances,
        "source": one.pinned.source,
        "version": one.pinned.version,
        "outcome": outcome,
        "new": newer.map(|newer| crate::registry::document(&newer.locked)),
        "wider": newer.map(|newer| newer.difference.is_wider()),
        "changes": newer.map(|newer| &newer.difference),
        "recorded": one.shadow.as_ref().and_then(|record| record.recorded),
        "refused": refused.collect::<Vec<_>>(),
        "failed": failed,
    })
}

/// What may run again.
pub(super) fn retried(policies: &[Locked], format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        let policies: Vec<Value> = policies.iter().map(crate::registry::document).collect();
        return document::document(&json!({ "retried": policies }));
    }
    for policy in policies {
        lines::line(&format!("{} may run again; reload the daemon", policy.resolved))?;
    }
    if policies.is_empty() {
        lines::line("nothing to retry: these instances run no policy that the lock file pins")?;
    }
    Ok(())
}
