//! Which separations are in force, for `ansai status`.

use ansai_core::control::{SeparationState, SeparationStatus};
use ansai_isolation::report::{Missing, Profile, Separation};
use ansai_isolation::{Report, started};

/// Of the processes that ansai started last.
pub(super) fn in_force() -> Vec<SeparationStatus> {
    let [guest, reach, lookup] = Profile::ALL.map(started::last);
    vec![
        of("guest code", &guest, &Separation::ALL),
        of("clients of servers", &reach, &Separation::ALL),
        of("addresses of clients", &reach, &[Separation::Sockets]),
        of("lookups of names", &lookup, &Separation::ALL),
    ]
}

fn of(what: &str, reports: &[Report], separations: &[Separation]) -> SeparationStatus {
    let mut missing: Vec<&Missing> = Vec::new();
    for one in reports.iter().flat_map(|report| &report.missing) {
        if separations.contains(&one.separation) && missing.iter().all(|known| known.separation != one.separation) {
            missing.push(one);
        }
    }
    let why: Vec<String> = missing.iter().map(|one| format!("{}: {}", one.separation.name(), one.why)).collect();
    let (state, why) = match (reports.is_empty(), why.is_empty()) {
        (true, _) => (SeparationState::NotStarted, Some("no process for it was started yet".to_owned())),
        (false, true) => (SeparationState::InForce, None),
        (false, false) if why.len() < separations.len() => (SeparationState::Partly, Some(why.join("; "))),
        (false, false) => (SeparationState::Missing, Some(why.join("; "))),
    };
    SeparationStatus { what: what.to_owned(), state, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(missing: &[Separation]) -> Report {
        let missing = missing.iter().map(|one| Missing { separation: *one, why: "an old kernel".into() }).collect();
        Report { profile: Profile::Reach, uid: 1, missing }
    }

    #[test]
    fn what_one_process_lacks_is_told_once_with_its_reason() {
        let told = |reports: &[Report], of_these: &[Separation]| {
            let one = of("x", reports, of_these);
            (one.state, one.why.unwrap_or_default())
        };
        let all = &Separation::ALL;
        assert_eq!(told(&[], all).0, SeparationState::NotStarted);
        assert_eq!(told(&[report(&[])], all), (SeparationState::InForce, String::new()));
        let scopes = report(&[Separation::Scopes]);
        let expected = (SeparationState::Partly, "scopes: an old kernel".to_owned());
        assert_eq!(told(&[report(&[]), scopes.clone(), scopes.clone()], all), expected);
        assert_eq!(told(&[scopes], &[Separation::Sockets]).0, SeparationState::InForce);
        let open = report(&[Separation::Sockets]);
        assert_eq!(told(&[open], &[Separation::Sockets]).0, SeparationState::Missing);
    }
}
