//! Whether the processes that run guest code and talk to servers are kept apart from this host.

use ansai_core::codes;
use ansai_isolation::Report;
use ansai_isolation::doctor::{examine, start};
use ansai_isolation::report::{Missing, Profile, Separation};
use ansai_kit::doctor::{Answer, Finding};

pub(super) fn all() -> impl Iterator<Item = Finding> {
    Profile::ALL.into_iter().flat_map(|profile| {
        let report = examine(&start(profile));
        let wall = (profile == Profile::Reach).then(|| wall(&report));
        [Some(one(profile, &report)), wall].into_iter().flatten()
    })
}

fn one(profile: Profile, report: &Result<Report, String>) -> Finding {
    let what = match profile {
        Profile::Guest => "isolation of guest code",
        Profile::Reach => "isolation of clients",
        Profile::Lookup => "isolation of lookups",
    };
    let report = match report {
        Ok(report) => report,
        Err(why) => return Finding::new(what, Answer::Unknown, why).hint(hint()),
    };
    let all = profile.separations().count();
    if report.missing.is_empty() {
        return Finding::new(what, Answer::Ok, format!("all {all} separations in force, as user {}", report.uid));
    }
    let missing: Vec<String> =
        report.missing.iter().map(|Missing { separation, why }| format!("{} ({why})", separation.name())).collect();
    let detail = format!("{} of {all} separations not in force: {}", missing.len(), missing.join(", "));
    Finding::new(what, Answer::Missing, detail).hint(hint())
}

/// Whether a client that was taken over reaches servers of targets only. It is so without any help of systemd or of a
/// firewall, because only the supervisor opens connections.
fn wall(report: &Result<Report, String>) -> Finding {
    let what = "addresses of clients";
    match report {
        Err(why) => Finding::new(what, Answer::Unknown, why).hint(hint()),
        Ok(report) => match report.why_not(Separation::Sockets) {
            None => Finding::new(what, Answer::Ok, "clients reach only the servers of the calls that they make"),
            Some(why) => {
                Finding::new(what, Answer::Missing, format!("a client can make sockets of its own: {why}")).hint(hint())
            }
        },
    }
}

fn hint() -> String {
    format!("run `ansai explain {}`", codes::ISOLATION_MISSING)
}
