//! Turns a recorded evaluation into a scenario that expects the recorded answer.
//!
//! What the policy knew (settings, scopes, context, store) goes to the matching tables; every other answer becomes a
//! reply. A recorded plan is evaluated for its finding, without `detect`, because the replies of `detect` are in
//! another recording.

use std::collections::{BTreeMap, HashMap, HashSet};

use ansai_config::LimitsChange;
use ansai_core::event::Phase;
use ansai_core::text::inert;
use ansai_core::{InterfaceName, Limits, Scope, ScopeTables};
use ansai_engine::recording::{RecordedCall, RecordedEnd};
use ansai_engine::{RecordedReply, Recording};
use ansai_kit::registry::{Body, Registry};
use serde_json::{Map, Value as Json, json};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value};

use super::file::MOST_BYTES;
use super::subject::Subject;
use super::toml_text::{NotToml, list, set, value};

/// Why a recording cannot become a scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// A deadline depends on the speed of the machine, so it cannot be reproduced.
    #[error("the evaluation ended at its deadline, which depends on the machine")]
    Deadline,
    /// A value of the recording cannot be written in TOML.
    #[error("{what}: {why}")]
    NotToml {
        /// The call, or another part of the recording.
        what: String,
        /// The reason.
        why: NotToml,
    },
    /// A recorded text is not valid JSON.
    #[error("{0} has an unexpected form")]
    Form(String),
    /// The scenario exceeds the maximum size. Holds its size in bytes.
    #[error("the scenario would have {0} bytes, more than the limit of {MOST_BYTES}")]
    TooLarge(usize),
}

/// Returns the text of a scenario. `title` describes the recording; `subject` is the recorded component, if it is
/// available.
///
/// # Errors
/// See [`ExportError`].
pub fn export(
    recording: &Recording,
    title: &str,
    registry: &Registry,
    subject: Option<&Subject>,
) -> Result<String, ExportError> {
    let told = Told::of(recording, registry)?;
    let mut document = DocumentMut::new();
    let root = document.as_table_mut();
    put(root, "description", &json!(inert(title, 300)))?;
    if let Some(settings) = &told.settings {
        put_table(root, "settings", settings)?;
    }
    put_table(root, "context", &context(recording, &told))?;
    let limits =
        LimitsChange::between(&subject.map_or_else(Limits::default, |one| one.limits.clone()), &recording.limits);
    if !limits.is_empty() {
        put_table(root, "limits", &limits.to_json())?;
    }
    let scopes = told.scopes(registry, subject);
    let mut table = Table::new();
    for (name, scope) in &scopes {
        set(&mut table, name, &json!(scope)).map_err(not_toml("scopes"))?;
    }
    root.insert("scopes", Item::Table(table));
    if !told.store.is_empty() {
        put_table(root, "store", &json!(told.store))?;
    }
    root.insert("reply", Item::ArrayOfTables(told.replies()?));
    root.insert("expect", Item::Table(expected(recording, registry)?));
    let text = document.to_string();
    if text.len() as u64 > MOST_BYTES { Err(ExportError::TooLarge(text.len())) } else { Ok(text) }
}

fn not_toml(what: &str) -> impl FnOnce(NotToml) -> ExportError {
    let what = what.to_owned();
    move |why| ExportError::NotToml { what, why }
}

fn put(table: &mut Table, key: &str, json: &Json) -> Result<(), ExportError> {
    set(table, key, json).map_err(not_toml(key))
}

/// Adds a table with its own header.
fn put_table(root: &mut Table, key: &str, json: &Json) -> Result<(), ExportError> {
    let mut table = Table::new();
    for (name, json) in json.as_object().into_iter().flatten().filter(|(_, json)| !json.is_null()) {
        set(&mut table, name, json).map_err(not_toml(key))?;
    }
    root.insert(key, Item::Table(table));
    Ok(())
}

/// The recorded answers, sorted by their place in a scenario.
struct Told<'r> {
    settings: Option<Json>,
    granted: Option<BTreeMap<String, Json>>,
    /// Keys of the scenario's `context` table.
    context: Map<String, Json>,
    store: BTreeMap<String, String>,
    replies: Vec<&'r RecordedCall>,
}

impl<'r> Told<'r> {
    fn of(recording: &'r Recording, registry: &Registry) -> Result<Told<'r>, ExportError> {
        let mut told =
            Told { settings: None, granted: None, context: Map::new(), store: BTreeMap::new(), replies: Vec::new() };
        let mut written = HashSet::new();
        for call in &recording.calls {
            let is_base = matches!(registry.find(&call.interface, &call.function), Some((_, f)) if matches!(f.body, Body::Base(_)));
            match &call.reply {
                RecordedReply::Ok(answer) if is_base => told.base(call, answer.get(), &mut written)?,
                _ => told.replies.push(call),
            }
        }
        Ok(told)
    }

    fn base(&mut self, call: &'r RecordedCall, answer: &str, written: &mut HashSet<String>) -> Result<(), ExportError> {
        let form = || ExportError::Form(call.name());
        let read = |text: &str| serde_json::from_str::<Json>(text).map_err(|_| form());
        let inner = |text: &str| read(read(text)?.as_str().ok_or_else(form)?);
        let arguments: Json = read(call.arguments.get())?;
        let key = arguments.get("key").and_then(Json::as_str).unwrap_or_default().to_owned();
        match (call.interface.interface(), &*call.function) {
            ("log" | "advice", _) | ("context", "now") | ("series", "append" | "reset") => {}
            ("context", "settings") => self.settings = Some(inner(answer)?),
            ("context", "scopes") => self.granted = serde_json::from_value(inner(answer)?).ok(),
            ("context", "triggered-by") => self.know("trigger", read(answer)?),
            (
                "context",
                name @ ("local-time" | "last-evaluated" | "host" | "host-facts" | "labels" | "open-incidents"
                | "attempts" | "stage"),
            ) => {
                self.know(&name.replace('-', "_"), read(answer)?);
            }
            ("store", "get") if written.contains(&key) => {}
            ("store", "get") => {
                if let Json::String(text) = read(answer)? {
                    self.store.insert(key, text);
                }
            }
            ("store", "set" | "remove") => {
                written.insert(key);
            }
            // A missing value is missing in the scenario too.
            _ if answer == "null" => {}
            _ => self.replies.push(call),
        }
        Ok(())
    }

    fn know(&mut self, key: &str, json: Json) {
        self.context.insert(key.to_owned(), json);
    }

    /// The grants that the policy read; if it read none, the narrowest ones that cover its answered calls.
    fn scopes(&self, registry: &Registry, subject: Option<&Subject>) -> BTreeMap<String, Json> {
        if let Some(granted) = &self.granted {
            return granted.clone();
        }
        let mut scopes: BTreeMap<InterfaceName, Scope> = BTreeMap::new();
        for call in self.replies.iter().filter(|call| matches!(call.reply, RecordedReply::Ok(_))) {
            let Some((entry, function)) = registry.find(&call.interface, &call.function) else { continue };
            if matches!(function.body, Body::Base(_)) {
                continue;
            }
            let scope = scopes.remove(&entry.interface.name).unwrap_or_default();
            let arguments: Json = serde_json::from_str(call.arguments.get()).unwrap_or_default();
            let checked = function
                .checks
                .iter()
                .flat_map(|check| check.values(&arguments).into_iter().map(|value| (&check.field, value)));
            let covering = checked.fold(scope, |scope, (field, value)| scope.widened(field, value));
            scopes.insert(entry.interface.name.clone(), covering);
        }
        let mut granted: BTreeMap<String, Json> =
            scopes.into_iter().map(|(name, scope)| (name.to_string(), json!(ScopeTables::from(scope)))).collect();
        // A required capability is granted, even if it was not used.
        if let Some(subject) = subject {
            for (name, request) in &subject.manifest.capabilities {
                if let Some(scope) =
                    subject.scopes.get(name).filter(|_| request.required && !granted.contains_key(name.as_str()))
                {
                    granted.insert(name.to_string(), json!(scope));
                }
            }
        }
        granted
    }

    /// One reply for each different call; several replies with `times` if the same call had different answers.
    fn replies(&self) -> Result<ArrayOfTables, ExportError> {
        let mut answers: HashMap<(String, &str), Vec<String>> = HashMap::new();
        let text = |call: &RecordedCall| serde_json::to_string(&call.reply).unwrap_or_default();
        for call in &self.replies {
            let known = answers.entry((call.name(), call.arguments.get())).or_default();
            let text = text(call);
            if known.last() != Some(&text) || known.len() > 1 {
                known.push(text);
            }
        }
        let mut seen = HashSet::new();
        let mut tables = ArrayOfTables::new();
        for call in &self.replies {
            let key = (call.name(), call.arguments.get());
            let changes = answers.get(&key).is_some_and(|answers| answers.len() > 1);
            if changes || seen.insert(key) {
                tables.push(reply(call, changes)?);
            }
        }
        Ok(tables)
    }
}

fn reply(call: &RecordedCall, changes: bool) -> Result<Table, ExportError> {
    let name = call.name();
    let form = |_| ExportError::Form(name.clone());
    let mut table = Table::new();
    put(&mut table, "call", &json!(name))?;
    let arguments: Json = serde_json::from_str(call.arguments.get()).map_err(form)?;
    if arguments.as_object().is_some_and(|arguments| !arguments.is_empty()) {
        table.insert("arguments", Item::Value(value(&arguments).map_err(not_toml(&name))?));
    }
    if changes {
        put(&mut table, "times", &json!(1))?;
    }
    match &call.reply {
        RecordedReply::Ok(answer) => {
            let mut answer: Json = serde_json::from_str(answer.get()).map_err(form)?;
            // The scenario numbers the steps itself.
            if let Some(preview) = answer.as_object_mut().filter(|preview| preview.contains_key("frees-now-bytes")) {
                preview.shift_remove("step");
            }
            table.insert("ok", Item::Value(spread(&answer).map_err(not_toml(&name))?));
        }
        RecordedReply::Refused(refusal) => put(&mut table, "refusal", &json!(refusal))?,
    }
    Ok(table)
}

/// Writes long lists in an answer with one element per line.
fn spread(answer: &Json) -> Result<Value, NotToml> {
    let mut spread = value(answer)?;
    if let Some(table) = spread.as_inline_table_mut() {
        for (key, json) in answer.as_object().into_iter().flatten() {
            if let Json::Array(elements) = json
                && elements.iter().any(Json::is_object)
            {
                table.insert(key, list(elements)?);
            }
        }
    } else if let Json::Array(elements) = answer
        && elements.iter().any(Json::is_object)
    {
        spread = list(elements)?;
    }
    Ok(spread)
}

fn context(recording: &Recording, told: &Told<'_>) -> Json {
    let mut context = Map::new();
    context.insert("now".into(), recording.at.as_millis().into());
    if !matches!(recording.trigger.as_str(), "schedule" | "event") {
        context.insert("trigger".into(), json!(recording.trigger));
    }
    context.extend(told.context.clone());
    context.retain(|_, json| json.as_array().is_none_or(|list| !list.is_empty()) && json != "");
    context.into()
}

fn expected(recording: &Recording, registry: &Registry) -> Result<Table, ExportError> {
    let failure = match &recording.end {
        RecordedEnd::Deadline => return Err(ExportError::Deadline),
        RecordedEnd::Failed(message) | RecordedEnd::Stopped(message) => Some(message),
        RecordedEnd::Observed(_) | RecordedEnd::Decided(_) => None,
    };
    let mut expect = Table::new();
    let what = "what was said";
    match (recording.phase, &recording.finding) {
        (Phase::Plan, Some(finding)) => {
            let mut plan = Table::new();
            put(&mut plan, "finding", &json!(finding))?;
            match (&recording.end, failure) {
                (_, Some(message)) => put(&mut plan, "failure", &json!(message))?,
                (RecordedEnd::Decided(decision), _) => {
                    put(&mut plan, "decision", &json!(decision))?;
                    let steps = list(&steps(recording, registry)?).map_err(not_toml(what))?;
                    plan.insert("steps", Item::Value(steps));
                }
                _ => return Err(ExportError::Form("the end of the plan".into())),
            }
            let mut plans = ArrayOfTables::new();
            plans.push(plan);
            expect.set_implicit(true);
            expect.insert("plan", Item::ArrayOfTables(plans));
        }
        _ => match (&recording.end, failure) {
            (_, Some(message)) => put(&mut expect, "failure", &json!(message))?,
            (RecordedEnd::Observed(observations), _) => {
                let observations: Vec<Json> = observations.iter().map(|one| json!(one)).collect();
                expect.insert("observations", Item::Value(list(&observations).map_err(not_toml(what))?));
            }
            _ => return Err(ExportError::Form("the end of the evaluation".into())),
        },
    }
    Ok(expect)
}

/// The proposed steps, in order.
fn steps(recording: &Recording, registry: &Registry) -> Result<Vec<Json>, ExportError> {
    let proposed = recording
        .calls
        .iter()
        .filter(|call| matches!(call.reply, RecordedReply::Ok(_)) && registry.action(&call.name()).is_some());
    proposed
        .map(|call| {
            let arguments: Json =
                serde_json::from_str(call.arguments.get()).map_err(|_| ExportError::Form(call.name()))?;
            Ok(json!({"action": call.name(), "arguments": arguments}))
        })
        .collect()
}
