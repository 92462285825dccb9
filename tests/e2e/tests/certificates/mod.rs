//! The policy `certificate-expiry` with a real nginx, certbot and authority, while a client connects all the time.

mod site;

use ansai_harness::{Ran, with_own_mounts};
use serde_json::Value;
use site::Site;

const NAME: &str = "www.example.test";

pub(crate) fn finding(ran: &Ran, key: &str) -> Value {
    let json = ran.json();
    let findings = json["instances"][0]["findings"].as_array().unwrap_or_else(|| panic!("{ran:?}"));
    findings.iter().find(|finding| finding["key"] == key).unwrap_or_else(|| panic!("{key}: {json:#}")).clone()
}

/// The steps of all plans of a finding: the name of the action, and the outcome.
pub(crate) fn steps(finding: &Value) -> Vec<(String, String)> {
    let plans = finding["plans"].as_array().unwrap();
    let steps = plans.iter().flat_map(|plan| plan["steps"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().rsplit('.').next().unwrap().to_owned();
    steps.map(|step| (text(&step["action"]), text(&step["outcome"]))).collect()
}

pub(crate) fn done(actions: &[&str]) -> Vec<(String, String)> {
    actions.iter().map(|action| ((*action).to_owned(), "done".to_owned())).collect()
}

const RENEWAL: [&str; 4] = ["renew", "check-staged", "install", "check-served"];

/// Would break: days that alarm a certificate for 6 days all its life, or never; a renewal that is not loaded; a moment
/// without a valid certificate.
#[test]
fn certificates_for_6_47_and_90_days_are_renewed_near_their_end_without_a_failed_handshake() {
    let name = "certificates::certificates_for_6_47_and_90_days_are_renewed_near_their_end_without_a_failed_handshake";
    with_own_mounts(name, || {
        let near_end = [("six.example.test", 6, 0.5), ("month.example.test", 47, 6.0), (NAME, 90, 12.0)];
        // Of the last one, more is left than 7 days, of a life of 6.
        let all = [near_end.as_slice(), &[("early.example.test", 6, 4.0)]].concat();
        let Some(site) = Site::start(&all) else { return };
        let loaded = site.load_by_certbot();
        let clients: Vec<_> = all.iter().map(|(name, ..)| (site.serial_on_disk(name), site.client(name))).collect();
        // certbot runs once at a time, so a renewal may have to wait for the next pass.
        let mut left: Vec<&str> = near_end.iter().map(|(name, ..)| *name).collect();
        let mut ran = site.once();
        for _ in 0..near_end.len() {
            left.retain(|name| steps(&finding(&ran, &site.key(name))) != done(&RENEWAL));
            if left.is_empty() {
                break;
            }
            ran = site.once();
        }
        assert_eq!(left, [""; 0], "{ran:?}");
        let early = finding(&ran, &site.key("early.example.test"));
        assert!(steps(&early).is_empty(), "{early:#}");
        for ((name, ..), (old, client)) in all.iter().zip(clients) {
            let (seen, new) = (client.end(), site.serial_on_disk(name));
            match *name {
                "early.example.test" => assert_eq!(seen, [old]),
                _ => assert_eq!(seen, [old, new], "{name}"),
            }
        }
        assert!(!loaded.exists(), "certbot has loaded what nobody has checked");
        // Nothing is left to do.
        let ran = site.once();
        ran.expect_code(0);
        for (name, ..) in all {
            assert!(steps(&finding(&ran, &site.key(name))).is_empty(), "{ran:?}");
        }
        site.replays();
    });
}

/// Would break: a second renewal where a reload is enough.
#[test]
fn what_certbot_has_renewed_by_itself_is_only_loaded() {
    with_own_mounts("certificates::what_certbot_has_renewed_by_itself_is_only_loaded", || {
        let Some(site) = Site::start(&[(NAME, 90, 40.0)]) else { return };
        let (old, client) = (site.serial_on_disk(NAME), site.client(NAME));
        site.certbot(&["renew", "-n", "--no-random-sleep-on-renew", "--force-renewal"]).expect_code(0);
        let ran = site.once();
        assert_eq!(steps(&finding(&ran, &site.key(NAME))), done(&["reload", "check-served"]), "{ran:?}");
        assert_eq!(client.end(), [old, site.serial_on_disk(NAME)]);
    });
}

/// A renewal that yields something that must not be served: the shell script that spoils it, and what the step says.
const SPOILED: [(&str, &str, &str); 4] = [
    ("another name", "mint --names other.example.test", "it is not for"),
    ("another key", r#"cat "$place/earlier-authority.key" >"$live/privkey.pem""#, "its key does not belong"),
    ("not valid yet", "mint --from 1 --to 91 --names www.example.test", "it is valid from"),
    ("an incomplete chain", r#"cat "$live/cert.pem" >"$live/fullchain.pem""#, "the chain"),
];

/// Would break: anything that is installed before it is checked.
#[test]
fn a_renewal_that_yields_something_bad_is_rolled_back_and_the_old_one_is_served_throughout() {
    let name = "certificates::a_renewal_that_yields_something_bad_is_rolled_back_and_the_old_one_is_served_throughout";
    with_own_mounts(name, || {
        let Some(site) = Site::start(&[(NAME, 90, 12.0)]) else { return };
        let (old, client) = (site.serial_on_disk(NAME), site.client(NAME));
        for (what, script, says) in SPOILED {
            site.forget();
            site.spoil(script);
            let ran = site.once();
            let found = finding(&ran, &site.key(NAME));
            let (first, rest) = (steps(&found)[..2].to_vec(), format!("{found:#}"));
            let expected = [("renew", "reverted"), ("check-staged", "failed")];
            assert_eq!(
                first,
                expected.map(|(action, outcome)| (action.to_owned(), outcome.to_owned())),
                "{what}: {rest}"
            );
            assert!(rest.contains(&format!("is not installed: {says}")), "{what}: {rest}");
            assert!(!steps(&found).iter().any(|(action, outcome)| action == "install" && outcome == "done"), "{rest}");
            assert_eq!(site.serial_on_disk(NAME), old, "{what}");
        }
        site.unspoil();
        assert_eq!(client.end(), [old]);
    });
}

/// Would break: a reload of a configuration that nginx refuses, and new files that stay after a failed test.
#[test]
fn a_server_whose_test_fails_keeps_its_certificate() {
    with_own_mounts("certificates::a_server_whose_test_fails_keeps_its_certificate", || {
        let Some(site) = Site::start(&[(NAME, 90, 12.0)]) else { return };
        let (old, client) = (site.serial_on_disk(NAME), site.client(NAME));
        // The test fails before anything is changed, then only with the new files.
        for (spoil, says) in [("no_such_directive on;", "before anything was changed"), ("", "the test failed")] {
            site.forget();
            site.configure(spoil);
            site.veto_new_files(NAME, spoil.is_empty());
            let found = finding(&site.once(), &site.key(NAME));
            let outcomes = steps(&found);
            let outcome = |action: &str| outcomes.iter().find(|(one, _)| one == action).map(|(_, outcome)| &**outcome);
            assert_eq!((outcome("renew"), outcome("install")), (Some("reverted"), Some("failed")), "{found:#}");
            assert!(format!("{found}").contains(says), "{found:#}");
            assert_eq!(site.serial_on_disk(NAME), old);
        }
        // When the person has corrected it, the next plan works.
        site.veto_new_files(NAME, false);
        site.forget();
        let ran = site.once();
        assert_eq!(steps(&finding(&ran, &site.key(NAME))), done(&RENEWAL), "{ran:?}");
        assert_eq!(client.end(), [old, site.serial_on_disk(NAME)]);
    });
}

/// Would break: a certificate that is about to be revoked and is renewed a month later; a renewal again and again.
#[test]
fn what_its_authority_wants_replaced_is_renewed_at_once() {
    with_own_mounts("certificates::what_its_authority_wants_replaced_is_renewed_at_once", || {
        let Some(site) = Site::start_asking(NAME) else { return };
        let (old, client) = (site.serial_on_disk(NAME), site.client(NAME));
        // At first, the authority suggests the usual time, and later one that is to come.
        let nothing = |ran: &Ran| {
            ran.expect_code(0);
            let found = finding(ran, &site.key(NAME));
            assert!(steps(&found).is_empty() && !found.to_string().contains("authority"), "{found:#}");
        };
        nothing(&site.once());
        site.suggest(NAME, 48..72, "https://ca.example.test/later");
        site.forget();
        nothing(&site.once());
        site.suggest(NAME, -48..-24, "https://ca.example.test/why");
        // It is not asked again before the time that it has named.
        nothing(&site.once());
        site.forget();
        let ran = site.once();
        let found = finding(&ran, &site.key(NAME));
        assert_eq!(steps(&found), done(&RENEWAL), "{found:#}");
        assert!(found.to_string().contains("its authority asks for a renewal between"), "{found:#}");
        assert!(found.to_string().contains("(https://ca.example.test/why)"), "{found:#}");
        // The new certificate is another one for the authority.
        nothing(&site.once());
        assert_eq!(client.end(), [old, site.serial_on_disk(NAME)]);
        site.replays();
    });
}
