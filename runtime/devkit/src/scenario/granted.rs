//! The grants of a scenario.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_config::{Report, did_you_mean};
use ansai_core::scope::{MOST_TABLES, TableCountError};
use ansai_core::{Code, Interface, Scope, ScopeError, ScopeTables, codes};
use ansai_kit::authorize::Scopes;
use serde_json::Value;

use super::file::Scenario;
use super::places;
use super::subject::Subject;

/// Reports a problem at a path of keys and indexes.
type Say<'a> = dyn FnMut(Code, &[&str], bool, &str, Option<String>) + 'a;

/// Only capabilities that the manifest requests can be granted, as on a real host.
pub(super) fn read(
    subject: &Subject,
    scenario: &Scenario,
    written: &BTreeMap<String, Value>,
    report: &mut Report,
) -> Scopes {
    let mut grants = BTreeMap::new();
    let mut say = |code: Code, path: &[&str], about_key: bool, message: &str, hint: Option<String>| {
        report.error(code, Some(places::of(&scenario.text, path, about_key)), message, hint);
    };
    let known: Vec<&str> = subject.interfaces.iter().map(|interface| interface.name.as_str()).collect();
    for (name, value) in written {
        let Some(interface) = subject.interfaces.iter().find(|interface| interface.name == *name) else {
            let message = format!("there is no interface `{}`", ansai_core::text::inert(name, 120));
            say(codes::UNKNOWN_CAPABILITY, &["scopes", name], true, &message, did_you_mean(name, &known));
            continue;
        };
        if let Some(tables) = tables(interface, value, &mut say) {
            grants.insert(interface.name.clone(), tables);
        }
    }
    match ansai_config::effective_scopes(&subject.manifest, &grants, &subject.interfaces) {
        Ok(scopes) => Arc::new(scopes),
        Err(error) => {
            let hint = match error.code() {
                codes::NOT_GRANTED => format!("add {}", error.hint()),
                _ => error.hint(),
            };
            say(error.code(), &["scopes"], true, &error.to_string(), Some(hint));
            Scopes::default()
        }
    }
}

/// One table, or a list of them; `None` where something is wrong.
fn tables(interface: &Interface, value: &Value, say: &mut Say<'_>) -> Option<ScopeTables> {
    let name = interface.name.as_str();
    let Value::Array(list) = value else {
        return table(interface, value, &["scopes", name], say).map(ScopeTables::from);
    };
    let read = list.iter().take(MOST_TABLES + 1).enumerate().map(|(index, one)| {
        let index = index.to_string();
        table(interface, one, &["scopes", name, &index], say)
    });
    // Every table is read, so that all problems are found.
    let read: Vec<Option<Scope>> = read.collect();
    match ScopeTables::try_from(read.into_iter().collect::<Option<Vec<Scope>>>()?) {
        Ok(tables) => Some(tables),
        Err(TableCountError::Empty) => {
            let hint = "leave the line out to grant nothing".to_owned();
            say(codes::NO_TABLES, &["scopes", name], false, "an empty list of tables grants nothing", Some(hint));
            None
        }
        Err(TableCountError::TooMany(_)) => {
            let message = TableCountError::TooMany(list.len()).to_string();
            say(codes::TOO_MANY_TABLES, &["scopes", name], false, &message, None);
            None
        }
    }
}

fn table(interface: &Interface, value: &Value, path: &[&str], say: &mut Say<'_>) -> Option<Scope> {
    let Some(table) = value.as_object() else {
        say(codes::WRONG_TYPE, path, false, "must be a table or a list of tables", None);
        return None;
    };
    let within = |field: &str, say: &mut Say<'_>, code, about_key, message: &str, hint| {
        let path: Vec<&str> = path.iter().copied().chain([field]).collect();
        say(code, &path, about_key, message, hint);
    };
    match Scope::parse(interface.name.as_str(), interface.fields, table) {
        Ok(scope) => return Some(scope),
        Err(error) => {
            let message = error.to_string();
            match &error {
                ScopeError::UnknownField { field, known, .. } => {
                    within(field, say, codes::UNKNOWN_SCOPE, true, &message, did_you_mean(field, known));
                }
                ScopeError::Value { field, .. } => within(field, say, codes::BAD_SCOPE, false, &message, None),
            }
        }
    }
    None
}
