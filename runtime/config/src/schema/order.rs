//! Settings that must not exceed another one: `"warning": {"ansai-at-most": "critical"}`. JSON Schema has no keyword for
//! it, and `ansai check` could not find what only the policy's code knows.

use ansai_core::codes;
use ansai_core::text::inert;
use serde_json::{Map, Value};

use super::quantity::Quantity;
use super::resolve::SettingProblem;
use super::tree::{self, View};
use super::words::MOST_SHOWN;

/// The keyword. Its value is the name of another property of the same table.
pub(super) const AT_MOST: &str = "ansai-at-most";

/// Problems of valid settings, with canonical paths.
pub(super) fn problems(settings: &Value, views: &[View<'_>]) -> Vec<(Vec<String>, SettingProblem)> {
    let mut found = Vec::new();
    walk(settings, views, &mut Vec::new(), &mut found);
    found
}

fn walk(value: &Value, views: &[View<'_>], path: &mut Vec<String>, found: &mut Vec<(Vec<String>, SettingProblem)>) {
    match value {
        Value::Object(table) => {
            for (name, one) in table {
                let views = tree::property(views, name);
                path.push(name.clone());
                if let Some(problem) = problem(name, one, &views, table) {
                    found.push((path.clone(), problem));
                }
                walk(one, &views, path, found);
                path.pop();
            }
        }
        Value::Array(list) => {
            let views = tree::elements(views);
            for (index, one) in list.iter().enumerate() {
                path.push(index.to_string());
                walk(one, &views, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn problem(name: &str, value: &Value, views: &[View<'_>], table: &Map<String, Value>) -> Option<SettingProblem> {
    let bound = views.iter().filter(|view| view.always).find_map(|view| view.schema.get(AT_MOST))?.as_str()?;
    let (here, there) = (value.as_f64()?, table.get(bound)?.as_f64()?);
    if here <= there {
        return None;
    }
    let quantity = Quantity::of_views(views).map(|(quantity, _)| quantity);
    let shown = |number: f64, value: &Value| match (quantity, value.as_u64()) {
        (Some(quantity), Some(amount)) => quantity.show(amount),
        // 95, not 95.0.
        _ => number.to_string(),
    };
    let (here, there) = (shown(here, value), shown(there, table.get(bound)?));
    let (name, bound) = (inert(name, MOST_SHOWN), inert(bound, MOST_SHOWN));
    Some(SettingProblem {
        code: codes::SETTING_VALUE,
        path: Vec::new(),
        message: format!("`{name}` is {here}, above `{bound}` ({there})"),
        hint: Some(format!("set `{name}` to at most {there}, or raise `{bound}`")),
        about_key: false,
        missing: false,
    })
}
