//! Whether the processes that run guest code and talk to servers are kept apart from this host.

use ansai_core::codes;
use ansai_isolation::doctor::{examine, start};
use ansai_isolation::report::{Missing, Profile};
use ansai_kit::doctor::{Answer, Finding};

pub(super) fn all() -> impl Iterator<Item = Finding> {
    Profile::ALL.into_iter().map(one)
}

fn one(profile: Profile) -> Finding {
    let what = match profile {
        Profile::Guest => "isolation of guest code",
        Profile::Reach => "isolation of clients",
    };
    let report = match examine(&start(profile)) {
        Ok(report) => report,
        Err(why) => return Finding::new(what, Answer::Unknown, why).hint(hint()),
    };
    let all = profile.separations().len();
    if report.missing.is_empty() {
        return Finding::new(what, Answer::Ok, format!("all {all} separations in force, as user {}", report.uid));
    }
    let missing: Vec<String> =
        report.missing.iter().map(|Missing { separation, why }| format!("{} ({why})", separation.name())).collect();
    let detail = format!("{} of {all} separations not in force: {}", missing.len(), missing.join(", "));
    Finding::new(what, Answer::Missing, detail).hint(hint())
}

fn hint() -> String {
    format!("run `ansai explain {}`", codes::ISOLATION_MISSING)
}
