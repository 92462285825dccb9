//! What the arguments lead to must be within the same table.

use ansai_core::ScopeTables;
use ansai_core::{Preview, Subject, Timestamp};

use super::*;
use crate::action::{Applied, Begun, Item, Previewed, Proposed, Step, StepContext, TypedAction, preview_under};
use crate::host::{Deadline, Host, ProbeContext};
use crate::target::Reach;

#[derive(serde::Serialize, serde::Deserialize)]
struct Restart {
    unit: String,
}

/// Restarts a unit that it may name by an alias.
struct Restarts;

impl TypedAction for Restarts {
    type Arguments = Restart;
    type Targets = String;
    const NOUN: &'static str = "unit";

    /// The preview is about the number of files that the scope permits, so that it shows under which table it is.
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Restart { unit }: Restart,
        _: &[Arc<Proposed>],
    ) -> Result<(Preview, String), Refusal> {
        let id = match unit.as_str() {
            "web" | "web-alias" => "nginx".to_owned(),
            "gone" => return Err(Refusal::NotFound("no such unit".into())),
            _ => unit,
        };
        Ok((Preview { items: ask.scope.count(&MAX_FILES), ..Preview::nothing(Subject::new("unit", &id)) }, id))
    }
    fn canonical(&self, _: &Preview, id: &String) -> Vec<Canonical> {
        vec![Canonical::new(&UNITS, id.as_str())]
    }
    fn begin(&self, _: &StepContext<'_>, _: Step<Self>) -> Result<Begun, Refusal> {
        Err(Refusal::Other("a preview only".into()))
    }
    fn undo(&self, _: &StepContext<'_>, _: Step<Self>, _: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Other("a preview only".into()))
    }
    fn resolve(&self, _: &StepContext<'_>, _: Step<Self>) -> Result<Applied, Refusal> {
        Err(Refusal::Other("a preview only".into()))
    }
}

static BY_NAME: Function =
    Function { name: "restart", checks: &[Check::of("/unit", &UNITS)], body: Body::Action(&Restarts) };
/// Of an action without checked arguments, only what they lead to is bounded.
static BY_WHAT_IT_IS: Function = Function { name: "restart", checks: &[], body: Body::Action(&Restarts) };

fn granted(tables: &[Value]) -> ScopeInForce {
    let table = |value: &Value| Scope::parse("ansai:x/x-probe", FIELDS, value.as_object().unwrap()).unwrap();
    let tables = ScopeTables::try_from(tables.iter().map(table).collect::<Vec<_>>()).unwrap();
    ScopeInForce::of(FIELDS, &ScopeTables::default(), &tables).unwrap()
}

/// As a proposal: the arguments, then the preview with what they lead to.
fn propose(function: &'static Function, granted: &ScopeInForce, unit: &str) -> Result<Previewed, Refusal> {
    let (instance, entry) = (InstanceName::from_static("i"), entry(InterfaceKind::Actions));
    let arguments = RawValue::from_string(json!({ "unit": unit }).to_string()).unwrap();
    let scopes = authorize(&instance, &entry, function, Some(granted), &arguments)?;
    let (host, scope, deadline) =
        (Host::at("/none"), Scope::default(), Deadline::after(std::time::Duration::from_secs(60)));
    let ask =
        ProbeContext { host: &host, scope: &scope, reach: Reach::none(), now: Timestamp::EPOCH, deadline: &deadline };
    let asked = Asked { instance: &instance, entry: &entry, function, granted: Some(granted) };
    preview_under(&Restarts, asked, &scopes, &ask, &arguments, &[])
}

/// The number of files of the table that applies.
fn table_of(function: &'static Function, granted: &ScopeInForce, unit: &str) -> Result<u64, String> {
    propose(function, granted, unit).map(|found| found.preview.items).map_err(|refusal| refusal.to_string())
}

#[test]
fn an_alias_that_leads_outside_the_grant_is_denied() {
    let web = granted(&[json!({"units": ["web*"], "max_files": 1})]);
    let why = table_of(&BY_NAME, &web, "web").unwrap_err();
    for words in [
        "denied: ansai:x/x-probe.restart: it leads to \"nginx\"",
        "granted is units = [\"web*\"];",
        "add \"nginx\" to units in [policy.i.grant] \"ansai:x/x-probe\"",
    ] {
        assert!(why.contains(words), "{words}: {why}");
    }
    assert_eq!(table_of(&BY_NAME, &web, "web-other"), Ok(1), "it leads to itself");
    assert_eq!(table_of(&BY_NAME, &granted(&[json!({"units": ["web*", "nginx"], "max_files": 1})]), "web"), Ok(1));
    // What was written must be granted too.
    assert!(table_of(&BY_NAME, &granted(&[json!({"units": ["nginx"]})]), "web").is_err());
}

#[test]
fn one_table_permits_the_alias_and_what_it_leads_to() {
    let tables = [
        json!({"units": ["web"], "max_files": 1}),
        json!({"units": ["nginx"], "max_files": 2}),
        json!({"units": ["web-*", "nginx"], "max_files": 3}),
    ];
    let scope = granted(&tables);
    let why = table_of(&BY_NAME, &scope, "web").unwrap_err();
    assert!(why.contains("in table 1 of 3") && why.contains("\"ansai:x/x-probe\", table 1 of 3"), "{why}");
    assert_eq!(table_of(&BY_NAME, &scope, "web-alias"), Ok(3));
    assert_eq!(table_of(&BY_NAME, &scope, "nginx"), Ok(2), "the first table that covers both");
    let [first, second, _] = tables;
    let scope = granted(&[first, json!({"units": ["web", "nginx"], "max_files": 4}), second]);
    assert_eq!(table_of(&BY_NAME, &scope, "web"), Ok(4), "the first table permits only the alias");
    assert_eq!(table_of(&BY_NAME, &scope, "gone").unwrap_err().split(':').next(), Some("denied"));
}

/// A refusal of the preview itself is the answer: another table is not tried.
#[test]
fn what_a_preview_refuses_stays_refused() {
    let scope = granted(&[json!({"units": ["*"], "max_files": 1}), json!({"units": ["g*"], "max_files": 2})]);
    assert_eq!(table_of(&BY_NAME, &scope, "gone").unwrap_err(), "not found: no such unit");
}

#[test]
fn what_a_call_without_checked_arguments_leads_to_shows_its_table() {
    let scope = granted(&[
        json!({"units": ["web"], "max_files": 0}),
        json!({"units": ["nginx"], "max_files": 0}),
        json!({"units": ["*"], "max_files": 5}),
    ]);
    assert_eq!(table_of(&BY_WHAT_IT_IS, &scope, "web"), Ok(5), "the first with something to do");
    let narrow = granted(&[json!({"units": ["web"], "max_files": 3}), json!({"units": ["nginx"], "max_files": 0})]);
    assert_eq!(table_of(&BY_WHAT_IT_IS, &narrow, "web"), Ok(0), "the first one permits more, but not this unit");
    let why = table_of(&BY_WHAT_IT_IS, &narrow, "mysql").unwrap_err();
    assert!(why.contains("leads to \"mysql\"") && why.contains("table 1 of 2"), "{why}");
}

#[test]
fn what_no_field_bounds_is_refused() {
    let (instance, entry) = (InstanceName::from_static("i"), entry(InterfaceKind::Actions));
    let granted = granted(&[json!({"units": ["*"], "roots": ["/"]})]);
    let asked = Asked { instance: &instance, entry: &entry, function: &BY_NAME, granted: Some(&granted) };
    let scope = &granted.tables()[0].scope;
    let covers = |field: &str, value: Value| asked.covers(scope, &[Canonical { field: field.into(), value }]);
    assert_eq!(covers("roots", json!("/etc")), Ok(()));
    for (field, value) in [("places", json!("/etc")), ("roots", json!("etc")), ("roots", json!(1))] {
        assert!(matches!(covers(field, value.clone()), Err(Refusal::Other(_))), "{field} {value}");
    }
    let both = [Canonical::new(&ROOTS, "/etc"), Canonical::new(&MAX_FILES, 1)];
    assert!(matches!(asked.covers(scope, &both), Err(Refusal::Denied(_))), "each of them is checked");
}

/// The list survives a restart with its plan.
#[test]
fn a_step_keeps_what_it_leads_to() {
    let found = propose(&BY_NAME, &granted(&[json!({"units": ["*"], "max_files": 1})]), "web").unwrap();
    let arguments = RawValue::from_string("{}".into()).unwrap().into();
    let step = Proposed::new("ansai:x/x-actions.restart", arguments, found);
    let kept: Proposed = serde_json::from_str(&serde_json::to_string(&step).unwrap()).unwrap();
    assert_eq!(kept.canonical, [Canonical::new(&UNITS, "nginx")]);
}

#[test]
fn a_probe_refuses_what_its_argument_leads_to() {
    let (host, deadline) = (Host::at("/none"), Deadline::after(std::time::Duration::from_secs(60)));
    let scope = Scope::default().with_set(&UNITS, ["web*"]);
    let ask =
        ProbeContext { host: &host, scope: &scope, reach: Reach::none(), now: Timestamp::EPOCH, deadline: &deadline };
    assert_eq!(ask.permit(&UNITS, "web.service"), Ok(()));
    let why = ask.permit(&UNITS, "nginx").unwrap_err().to_string();
    assert!(why.starts_with("denied: it leads to \"nginx\"") && why.contains("add \"nginx\" to units"), "{why}");
}
