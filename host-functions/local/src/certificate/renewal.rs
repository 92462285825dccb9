//! The file of certbot for one lineage, `renewal/NAME.conf`: keys and values, then tables in brackets.

use std::path::Path;

use ansai_core::Millis;

/// What would make a staged renewal act on what is served: the operator's own hooks after a renewal, and the plug-in that
/// installs; the command line overrides those of `cli.ini`. Where its files are comes from the command line instead.
const LEFT_OUT: [&str; 9] =
    ["deploy_hook", "renew_hook", "installer", "config_dir", "archive_dir", "cert", "privkey", "chain", "fullchain"];

fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    (!key.starts_with(['#', '['])).then_some(key)
}

/// The same renewal, in a directory of its own.
pub(super) fn staged(text: &str, config: &Path, name: &str) -> String {
    let kept = text.lines().filter(|line| key(line).is_none_or(|key| !LEFT_OUT.contains(&key)));
    let live = config.join("live").join(name);
    let mut out = format!("archive_dir = {}\n", config.join("archive").join(name).display());
    for kind in super::site::KINDS {
        out.push_str(&format!("{kind} = {}\n", live.join(format!("{kind}.pem")).display()));
    }
    for line in kept {
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// How long before its end of life the operator wants it renewed: `renew_before_expiry = 30 days`.
pub(super) fn renew_before_expiry(text: &str) -> Option<Millis> {
    let line = text.lines().find(|line| key(line) == Some("renew_before_expiry"))?;
    let value = line.split_once('=')?.1.trim();
    let (number, unit) = value.split_once(' ')?;
    let hours = match unit.trim() {
        "day" | "days" => 24,
        "hour" | "hours" => 1,
        "week" | "weeks" => 168,
        _ => return None,
    };
    number.trim().parse::<u64>().ok()?.checked_mul(hours).filter(|hours| *hours <= 100_000).map(Millis::from_hours)
}
