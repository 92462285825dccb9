//! The bounds of a grant.

use ansai_kit::registry::Body;
use serde_json::value::RawValue;

use crate::certificate::CERTIFICATE_ACTIONS;

#[test]
fn renewals_and_reloads_count_against_their_bounds() {
    let reloads = r#"{"commands":{"test":[],"unit":"nginx.service","reload":[]}}"#;
    for (name, targets, bound) in [("renew", r#"{"before":null}"#, "max_renewals"), ("reload", reloads, "max_reloads")]
    {
        let function = CERTIFICATE_ACTIONS.functions.iter().find(|function| function.name == name).unwrap();
        let Body::Action(action) = &function.body else { panic!("{name} is no action") };
        let targets = RawValue::from_string(targets.to_owned()).unwrap();
        let amounts = action.amounts(&targets, None).unwrap();
        assert_eq!(amounts.iter().map(|one| (one.bound.name, one.number)).collect::<Vec<_>>(), [(bound, 1)]);
    }
}
