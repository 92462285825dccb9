//! The `[policy.NAME.share]` table: what an instance may use over time.

use ansai_core::{Bytes, Share, Shares};

use crate::fields::Fields;
use crate::limits::{RaisedLimit, exact_size};
use crate::node::Node;
use crate::problem::Problems;

const KEYS: &[&str] =
    &["processor_percent", "audit_bytes", "recording_bytes", "log_lines", "plans", "notices", "open_incidents"];
/// An hour of one instance must leave a record.
const BYTES: (u64, u64) = (64 << 10, 1 << 40);
const COUNT: (u64, u64) = (10, 1_000_000_000);

pub(crate) fn read(node: &Node, problems: &mut Problems) -> Shares {
    let default = Shares::default();
    let Some(fields) = Fields::of(node, "`share`", KEYS, problems) else { return default };
    let processor = fields.number("processor_percent", (1, 100_000), problems);
    let audit = fields.size("audit_bytes", BYTES, problems);
    let recording = fields.size("recording_bytes", BYTES, problems);
    let incidents = fields.number("open_incidents", (1, 100_000), problems);
    Shares {
        processor_percent: processor.unwrap_or(default.processor_percent),
        audit_bytes: audit.map_or(default.audit_bytes, Bytes::new),
        recording_bytes: recording.map_or(default.recording_bytes, Bytes::new),
        log_lines: fields.number("log_lines", COUNT, problems).unwrap_or(default.log_lines),
        plans: fields.number("plans", COUNT, problems).unwrap_or(default.plans),
        notices: fields.number("notices", COUNT, problems).unwrap_or(default.notices),
        open_incidents: incidents.and_then(|most| u32::try_from(most).ok()),
    }
}

/// The shares that are above the default, with what that costs the host. The number of open incidents follows another limit
/// by default; it counts where it is above that limit's default.
pub fn raised_shares(shares: &Shares) -> Vec<RaisedLimit> {
    let default = Shares::default();
    let raised = Share::ALL.into_iter().filter_map(|share| {
        let (value, usual) = match share {
            // As a configuration has it.
            Share::Processor => (shares.processor_percent, default.processor_percent),
            _ => (shares.limit(share), default.limit(share)),
        };
        let written = |value: u64| match share {
            Share::AuditBytes | Share::RecordingBytes => format!("\"{}\"", exact_size(value)),
            _ => value.to_string(),
        };
        (value > usual).then(|| RaisedLimit {
            key: share.key(),
            value: written(value),
            default: written(usual),
            cost: cost(share),
        })
    });
    let usual = ansai_core::Limits::default().observations;
    let open = shares.open_incidents.filter(|most| *most > usual).map(|most| RaisedLimit {
        key: "open_incidents",
        value: most.to_string(),
        default: usual.to_string(),
        cost: "the state may keep that many incidents of this policy, and each pass reads them",
    });
    raised.chain(open).collect()
}

fn cost(share: Share) -> &'static str {
    match share {
        Share::Processor => "the policy may keep that much of a core busy all the time",
        Share::AuditBytes => "the audit log may grow by that much an hour, and old records are dropped sooner",
        Share::RecordingBytes => "recordings may take that much an hour, and old ones are dropped sooner",
        Share::LogLines => "the policy may write that many lines an hour to the log of the program",
        Share::Plans => "the policy may change this host that often in an hour, and each plan has files",
        Share::Notices => "a person may get that many events an hour",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: a share without a line, or a line about what nobody raised.
    #[test]
    fn each_raised_share_says_what_it_costs() {
        let more = |bytes: Bytes| Bytes::new(bytes.get() * 2);
        let usual = Shares::default();
        let shares = Shares {
            processor_percent: 50,
            audit_bytes: more(usual.audit_bytes),
            recording_bytes: more(usual.recording_bytes),
            log_lines: usual.log_lines + 1,
            plans: usual.plans + 1,
            notices: usual.notices + 1,
            open_incidents: Some(100_000),
        };
        let raised = raised_shares(&shares);
        let keys: Vec<&str> = raised.iter().map(|one| one.key).collect();
        assert_eq!(keys, KEYS);
        let costs: std::collections::BTreeSet<&str> = raised.iter().map(|one| one.cost).collect();
        assert_eq!(costs.len(), KEYS.len());
        let written: Vec<(&str, &str)> =
            raised.iter().take(2).map(|one| (one.value.as_str(), one.default.as_str())).collect();
        assert_eq!(written, [("50", "2"), ("\"32MiB\"", "\"16MiB\"")]);
        let lowered = Shares { processor_percent: 1, plans: 10, open_incidents: Some(1), ..usual.clone() };
        assert_eq!((raised_shares(&usual), raised_shares(&lowered)), (vec![], vec![]));
    }
}
