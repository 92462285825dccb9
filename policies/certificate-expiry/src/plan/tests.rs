use super::*;
use crate::calls::{CHECK_SERVED, CHECK_STAGED, INSTALL, RELOAD};
use crate::imports::ansai::certificate::certificate_probe::{Chain, LineagePage, Pairing};
use crate::imports::ansai::certificate::served_certificate_probe::Presented;
use crate::testing::{certificate, presenting, settings};
use ansai_sdk::testing::{StandIn, preview};
use ansai_sdk::{OnFailure, Refusal, Severity, Status, Subject};
use serde_json::json;

const KEY: &str = "www.example.org:443";

fn finding() -> Observation {
    Observation::new(KEY, Subject::new("endpoint", KEY), Status::Unhealthy(Severity::Warning), "near its end")
}

fn managed() -> Settings {
    let endpoint = json!([{"address": KEY, "lineage": "www", "target": "web"}]);
    settings(|settings| settings["endpoints"] = endpoint)
}

/// A host whose server presents a certificate with 10 of 90 days left; its file has another one.
fn host(on_disk: f64) -> StandIn {
    let current = certificate(90.0, on_disk);
    let lineage = Lineage {
        about: Subject::new("lineage", "www"),
        name: "www".into(),
        manager: "certbot".into(),
        path: "/live/www/fullchain.pem".into(),
        key_path: "/live/www/privkey.pem".into(),
        current: Some(current.clone()),
        renew_after: None,
        renew_before: None,
        inquiry: None,
        last_failure: String::new(),
        staged: None,
    };
    let chain = Chain {
        about: Subject::new("file", "/live/www/fullchain.pem"),
        path: "/live/www/fullchain.pem".into(),
        certificates: vec![current],
        omitted: 0,
        key: Pairing::Matches,
        trusted: Some(true),
        distrust: vec![],
        explanation: String::new(),
    };
    let page = LineagePage { entries: vec![lineage], skipped: 0, complete: true, cursor: None };
    let host = presenting(Presented::Certificates(vec![certificate(90.0, 10.0)]))
        .answers("ansai:certificate/certificate-probe.list-lineages", page)
        .answers("ansai:certificate/certificate-probe.look-file", chain)
        .grants(ACTIONS, "{}");
    let answer = |host: StandIn, action: &&str| host.answers(action, preview(Subject::new("lineage", "www")));
    [RENEW, CHECK_STAGED, INSTALL, RELOAD, CHECK_SERVED].iter().fold(host, answer)
}

fn proposed(host: &Host) -> Vec<String> {
    let calls = host.stand_in().calls();
    let actions = calls.iter().filter_map(|call| call.strip_prefix("ansai:certificate/certificate-actions."));
    actions.map(|call| call.split('(').next().unwrap().to_owned()).collect()
}

#[test]
fn a_renewal_has_all_its_steps_and_is_undone_together() {
    let host = host(10.0).host();
    let decision = plan(&managed(), &host, &finding()).unwrap();
    assert_eq!(decision, Decision::Apply(OnFailure::UndoApplied));
    assert_eq!(proposed(&host), ["renew", "check-staged", "install", "check-served"]);
}

#[test]
fn what_is_renewed_is_only_loaded() {
    let host = host(80.0).host();
    assert_eq!(plan(&managed(), &host, &finding()).unwrap(), Decision::Apply(OnFailure::Stop));
    assert_eq!(proposed(&host), ["reload", "check-served"]);
}

#[test]
fn after_a_refused_step_nothing_is_proposed() {
    let busy = Refusal::Busy("certbot runs".into());
    let host = host(10.0).refuses(RENEW, busy).host();
    let decision = plan(&managed(), &host, &finding()).unwrap();
    assert!(matches!(&decision, Decision::Wait(why) if why.contains("certbot runs")), "{decision:?}");
    assert_eq!(proposed(&host), ["renew"]);
    assert_eq!(host.stand_in().follow_up(), Some(15 * 60_000));
}

#[test]
fn a_server_that_is_silent_when_the_plan_is_made_is_unknown() {
    let silent = presenting(Presented::Failed(Refusal::TimedOut("5 s".into()))).grants(ACTIONS, "{}").host();
    let failure = plan(&managed(), &silent, &finding()).unwrap_err();
    assert!(matches!(&failure, Failure::CouldNotTell(why) if why.contains(KEY)), "{failure:?}");
    assert!(proposed(&silent).is_empty());
}

#[test]
fn an_endpoint_that_is_no_longer_watched_gets_no_plan() {
    let host = host(10.0).host();
    let decision = plan(&settings(|_| {}), &host, &finding()).unwrap();
    assert!(matches!(&decision, Decision::Wait(why) if why.contains("no longer watched")), "{decision:?}");
}

#[test]
fn only_what_is_not_valid_now_makes_the_policy_look_at_the_other_endpoints() {
    let two = json!([{"address": KEY, "lineage": "www", "target": "web"}, {"address": "other.example.org:443"}]);
    let settings = settings(|settings| settings["endpoints"] = two);
    let host = host(10.0).host();
    plan(&settings, &host, &finding()).unwrap();
    let looks = host.stand_in().calls().iter().filter(|call| call.contains("other.example.org")).count();
    assert_eq!(looks, 0);
}
