//! Turns settings as written into settings as the policy gets them.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use ansai_core::text::inert;
use ansai_core::{Code, codes, overlay};
use jsonschema::Validator;
use serde_json::{Map, Value};

use super::bounds::{self, Size};
use super::order;
use super::quantity::Quantity;
use super::refused;
use super::tree::{self, View};

use crate::fields::no_quantity;
use crate::nearest;

/// Maximum nesting of settings; deeper ones are refused.
const MOST_DEPTH: usize = 64;
const MOST_PROBLEMS: usize = 50;
/// Maximum number of properties that are compared with those of a table, in sum over all tables.
const MOST_WORK: usize = 1_000_000;

/// A problem of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// Error code.
    pub code: Code,
    /// Keys and list indexes as written, outermost first; for a missing setting, the path of its table.
    pub path: Vec<String>,
    /// The message, a fragment that names the setting.
    pub message: String,
    /// How to fix it.
    pub hint: Option<String>,
    /// Whether the name is wrong, rather than the value.
    pub about_key: bool,
    /// Whether the setting is missing.
    pub missing: bool,
}

impl SettingProblem {
    /// The path as one text: `thresholds.warning`.
    pub fn dotted(&self) -> String {
        self.path.join(".")
    }
}

pub(super) fn resolve(tree: &Value, validator: &Validator, settings: &Value) -> Result<Value, Vec<SettingProblem>> {
    let mut walk = Walk::default();
    let mut settings = settings.clone();
    walk.value(&mut settings, &tree::views(tree), &mut Vec::new());
    walk.validated(tree, validator, settings)
}

/// Resolves settings that are laid over `base`, which is resolved; returns only what differs from it.
pub(super) fn resolve_over(
    tree: &Value,
    validator: &Validator,
    base: &Value,
    own: &Value,
) -> Result<Value, Vec<SettingProblem>> {
    let views = tree::views(tree);
    let mut walk = Walk { keeps_gaps: true, ..Walk::default() };
    let mut own = own.clone();
    walk.value(&mut own, &views, &mut Vec::new());
    if !walk.problems.is_empty() {
        return Err(walk.into_problems());
    }
    // A table that only the target has gets its defaults now.
    (walk.keeps_gaps, walk.size, walk.work) = (false, Size::default(), 0);
    let mut whole = overlay(base, &own);
    walk.value(&mut whole, &views, &mut Vec::new());
    let whole = walk.validated(tree, validator, whole)?;
    Ok(difference(&whole, base, &own))
}

/// The values of `whole` that `own` sets, and defaults that `base` does not have.
fn difference(whole: &Value, base: &Value, own: &Value) -> Value {
    let (Value::Object(whole), Value::Object(base), Value::Object(own)) = (whole, base, own) else {
        return whole.clone();
    };
    let differs = |(key, value): (&String, &Value)| {
        let value = match (own.get(key), base.get(key)) {
            (Some(own), Some(base)) => difference(value, base, own),
            (None, Some(_)) => return None,
            (_, None) => value.clone(),
        };
        Some((key.clone(), value))
    };
    Value::Object(whole.iter().filter_map(differs).collect())
}

/// Maps a canonical path to its last name as written.
type Written = BTreeMap<Vec<String>, String>;

fn as_written(path: &[String], written: &Written) -> Vec<String> {
    (1..=path.len())
        .filter_map(|length| {
            let canonical = path.get(..length)?;
            written.get(canonical).or(canonical.last()).cloned()
        })
        .collect()
}

#[derive(Default)]
struct Walk {
    /// Problems with their canonical paths.
    problems: Vec<(Vec<String>, SettingProblem)>,
    written: Written,
    /// Whether missing settings stay missing, instead of getting their defaults.
    keeps_gaps: bool,
    /// Of the settings so far, with their defaults: a default of a list's elements is copied for each element.
    size: Size,
    work: usize,
    is_too_large: bool,
}

impl Walk {
    /// The settings, if neither the walk nor the validator found a problem.
    fn validated(mut self, tree: &Value, validator: &Validator, settings: Value) -> Result<Value, Vec<SettingProblem>> {
        if !self.is_too_large && bounds::is_too_costly(tree, &settings) {
            self.too_large(&[]);
        }
        if self.is_too_large {
            return Err(self.into_problems());
        }
        for error in validator.iter_errors(&settings).take(MOST_PROBLEMS) {
            let path = super::pointer(error.instance_path());
            // Skip what the walk has already reported in other words.
            if !self.problems.iter().any(|(known, _)| known.starts_with(&path)) {
                let said = refused::setting(&error, &path, tree);
                self.problems.push((path, said));
            }
        }
        if self.problems.is_empty() {
            self.problems = order::problems(&settings, &tree::views(tree));
        }
        if self.problems.is_empty() { Ok(settings) } else { Err(self.into_problems()) }
    }

    /// The problems, with paths as written.
    fn into_problems(self) -> Vec<SettingProblem> {
        let written = self.written;
        let problems = self.problems.into_iter().take(MOST_PROBLEMS);
        problems.map(|(path, problem)| SettingProblem { path: as_written(&path, &written), ..problem }).collect()
    }

    fn value(&mut self, value: &mut Value, views: &[View<'_>], path: &mut Vec<String>) {
        if path.len() > MOST_DEPTH {
            self.say(codes::TOO_DEEP, path, false, "nested too deeply".to_owned(), None);
            return;
        }
        self.size.add_one(value);
        let properties = views.iter().filter_map(|view| view.schema.get("properties").and_then(Value::as_object));
        let work = properties.map(Map::len).sum::<usize>().saturating_add(views.len());
        self.work = self.work.saturating_add(work);
        if self.size.is_too_large() || self.work > MOST_WORK {
            self.too_large(path);
        }
        if self.is_too_large {
            return;
        }
        match value {
            Value::Object(table) if views.iter().any(tree::is_table) => {
                self.rename(table, views, path);
                if !self.keeps_gaps {
                    fill(table, views);
                }
                for (key, below) in table.iter_mut() {
                    path.push(key.clone());
                    self.value(below, &tree::property(views, key), path);
                    path.pop();
                }
            }
            Value::Array(list) => {
                let views = tree::elements(views);
                for (index, element) in list.iter_mut().enumerate() {
                    path.push(index.to_string());
                    self.value(element, &views, path);
                    path.pop();
                }
            }
            Value::String(text) => {
                let Some((quantity, always)) = Quantity::of_views(views) else {
                    return;
                };
                match quantity.read(text) {
                    Ok(amount) => *value = amount.into(),
                    Err(error) if always => {
                        let name = path.last().map_or("", String::as_str);
                        let (message, hint) = no_quantity(name, quantity.name(), &error, quantity.example());
                        self.say(codes::BAD_QUANTITY, path, false, message, Some(hint));
                    }
                    // Another accepted alternative may be a string.
                    Err(_) => {}
                }
            }
            _ => {}
        }
    }

    /// Renames every key to its canonical name; reports and removes unknown keys.
    fn rename(&mut self, table: &mut Map<String, Value>, views: &[View<'_>], path: &[String]) {
        let names = tree::names(views);
        let open = views.iter().any(|view| {
            let more = view.schema.get("additionalProperties");
            more.is_some_and(|more| more != &Value::Bool(false)) || view.schema.contains_key("patternProperties")
        });
        let others = OtherNames { names: &names, views, known: OnceCell::new() };
        for (key, value) in std::mem::take(table) {
            let mut at = path.to_vec();
            let name = names.iter().copied().find(|name| *name == key).or_else(|| others.find(&key));
            at.push(name.unwrap_or(&key).to_owned());
            let Some(name) = name.or(open.then_some(key.as_str())) else {
                at.pop();
                at.push(key.clone());
                if self.problems.len() >= MOST_PROBLEMS {
                    continue;
                }
                let shown = inert(&key, 80);
                let message = format!("unknown setting `{shown}`");
                self.say(codes::UNKNOWN_SETTING, &at, true, message, nearest::hint(&key, &names));
                continue;
            };
            if table.contains_key(name) {
                let other = self.written.get(&at).cloned().unwrap_or_else(|| name.to_owned());
                let message = format!("`{}` and `{other}` are the same setting", inert(&key, 80));
                // Both names are in the file; the caret points to the second.
                at.pop();
                at.push(key.clone());
                self.say(codes::DUPLICATE_SETTING, &at, true, message, Some("keep one of them".to_owned()));
                continue;
            }
            table.insert(name.to_owned(), value);
            if name != key {
                self.written.insert(at, key);
            }
        }
    }

    /// Reports once that the settings are too large.
    fn too_large(&mut self, path: &[String]) {
        if !self.is_too_large {
            let message = "the settings are too large together with their defaults".to_owned();
            let hint = "settings have at most 20,000 values, 1 MiB of text, and a bounded number of checks".to_owned();
            // It must be among the reported problems.
            self.problems.truncate(MOST_PROBLEMS - 1);
            self.say(codes::SETTINGS_TOO_LARGE, path, false, message, Some(hint));
            self.is_too_large = true;
        }
    }

    fn say(&mut self, code: Code, path: &[String], about_key: bool, message: String, hint: Option<String>) {
        if self.problems.len() < MOST_PROBLEMS {
            let problem = SettingProblem { code, path: Vec::new(), message, hint, about_key, missing: false };
            self.problems.push((path.to_vec(), problem));
        }
    }
}

/// The declared names that a key means without being one: with `_` for `-`, or as an alias.
struct OtherNames<'n, 's> {
    names: &'n [&'s str],
    views: &'n [View<'s>],
    known: OnceCell<HashMap<String, &'s str>>,
}

impl<'s> OtherNames<'_, 's> {
    fn find(&self, key: &str) -> Option<&'s str> {
        self.known.get_or_init(|| self.list()).get(&plain(key)).copied()
    }

    /// Where two properties have the same other name, the first one has it.
    fn list(&self) -> HashMap<String, &'s str> {
        let mut known = HashMap::new();
        for name in self.names {
            known.entry(plain(name)).or_insert(*name);
            for view in tree::property(self.views, name) {
                let aliases = view.schema.get("ansai-aliases").and_then(Value::as_array);
                for alias in aliases.into_iter().flatten().filter_map(Value::as_str) {
                    known.entry(plain(alias)).or_insert(*name);
                }
            }
        }
        known
    }
}

fn plain(text: &str) -> String {
    text.replace('-', "_")
}

/// Fills in missing defaults. Adds a missing table without a default if the defaults of its properties make it
/// complete.
fn fill(table: &mut Map<String, Value>, views: &[View<'_>]) {
    for name in tree::names(views) {
        if table.contains_key(name) {
            continue;
        }
        let below: Vec<View<'_>> = tree::property(views, name).into_iter().filter(|view| view.always).collect();
        if let Some(default) = below.iter().find_map(|view| view.schema.get("default")) {
            table.insert(name.to_owned(), default.clone());
        } else if below.iter().any(tree::is_table) {
            let mut inner = Map::new();
            fill(&mut inner, &below);
            let complete = below
                .iter()
                .filter_map(|view| view.schema.get("required").and_then(Value::as_array))
                .flatten()
                .filter_map(Value::as_str)
                .all(|required| inner.contains_key(required));
            if complete && !inner.is_empty() {
                table.insert(name.to_owned(), Value::Object(inner));
            }
        }
    }
}
