//! Changes the level of an action in the text of a configuration, and nothing else: no other byte moves.
//!
//! The text is not written anew from a tree. Each change is an insertion or a replaced value at a place that the parser
//! found, so comments, order, spaces and line ends stay. Then the whole text is parsed again and compared with the one
//! before: apart from the mode of the instance and `approve` in its grants, all values must be the same.

mod splice;

use ansai_core::{InstanceName, Interface, InterfaceKind, InterfaceName, Mode};
use serde_json::Value as Json;
use toml_edit::{Document, Item, Table};

use self::splice::{Splices, set_in, tables_of};
use crate::diagnostics::Diagnostics;
use crate::host::HostConfig;
use crate::instance::Instance;
use crate::node::{MOST_HOST_VALUES, Node};

/// The level of an action of an instance: what happens to a plan with it.
///
/// In mode `enforce`, one table of the grant with `approve = true` is enough: nobody knows which table a future step uses.
pub fn level(instance: &Instance, action: &InterfaceName) -> Mode {
    match instance.mode {
        Mode::Enforce if instance.approve.get(action).is_some_and(|marked| !marked.is_empty()) => Mode::Approve,
        mode => mode,
    }
}

/// The actions that an instance is granted, by name.
pub fn granted_actions<'a>(instance: &'a Instance, interfaces: &'a [Interface]) -> Vec<&'a InterfaceName> {
    let is_action =
        |name: &&InterfaceName| interfaces.iter().any(|one| one.name == **name && one.kind == InterfaceKind::Actions);
    instance.grants.keys().filter(is_action).collect()
}

/// A configuration with another level of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole text.
    pub text: String,
    /// Every action of the instance whose level differs: its name, the level before, the level after.
    pub levels: Vec<(InterfaceName, Mode, Mode)>,
}

/// Why a configuration was not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EditError {
    /// It is invalid as it is.
    #[error("it is invalid")]
    Invalid(Diagnostics),
    /// It has no such instance.
    #[error("it has no instance {0}")]
    NoInstance(InstanceName),
    /// The instance is not granted the action.
    #[error("{instance} is not granted {action}")]
    NotGranted {
        /// The instance.
        instance: InstanceName,
        /// The interface.
        action: InterfaceName,
    },
    /// It is written in a way that ansai does not change.
    #[error("the table of {0} is written in a form that ansai does not edit")]
    Form(InstanceName),
}

/// Gives an action of an instance a level.
///
/// - `observe` and, from `observe`, `approve` are modes of the instance: all its actions get this level.
/// - `enforce` sets the mode `enforce`, and marks the grants of all other actions with `approve = true` unless the mode
///   was `enforce` already: no other action gets past `approve`.
/// - `approve` from `enforce` marks the grant of the action.
///
/// # Errors
/// See [`EditError`]. An edit that would change anything else is [`EditError::Form`].
pub fn set_level(
    text: &str,
    (instance, action): (&InstanceName, &InterfaceName),
    to: Mode,
    interfaces: &[Interface],
) -> Result<Edited, EditError> {
    let before = HostConfig::parse("ansai.toml", text, interfaces).map_err(EditError::Invalid)?;
    let own = before.policies.get(instance).ok_or_else(|| EditError::NoInstance(instance.clone()))?;
    let actions = granted_actions(own, interfaces);
    if !actions.contains(&action) {
        return Err(EditError::NotGranted { instance: instance.clone(), action: action.clone() });
    }
    let form = || EditError::Form(instance.clone());
    let edited = splice(text, instance, own, (action, &actions, to)).ok_or_else(form)?;
    let after = HostConfig::parse("ansai.toml", &edited, interfaces).map_err(|_| form())?;
    let new = after.policies.get(instance).ok_or_else(form)?;
    let is_right = level(new, action) == to
        // No other action does more than before without a person who is asked.
        && actions.iter().all(|one| *one == action || level(new, one) <= level(own, one).max(to.min(Mode::Approve)))
        && others(text, instance) == others(&edited, instance)
        && others(text, instance).is_some();
    if !is_right {
        return Err(form());
    }
    let levels = actions.iter().map(|one| ((*one).clone(), level(own, one), level(new, one)));
    Ok(Edited { text: edited, levels: levels.filter(|(_, before, after)| before != after).collect() })
}

/// The text with its splices; `None` if it is written in a form that is not known here.
fn splice(
    text: &str,
    instance: &InstanceName,
    own: &Instance,
    (action, actions, to): (&InterfaceName, &[&InterfaceName], Mode),
) -> Option<String> {
    // The parser takes a mark at the beginning for nothing, and places count without it.
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let document = Document::parse(text).ok()?;
    let table = document.as_table().get("policy")?;
    let table = splice::get(table, instance.as_str())?;
    let mut splices = Splices::new(text);
    let mode = match (to, own.mode) {
        (Mode::Approve, Mode::Enforce) => Mode::Enforce,
        (to, _) => to,
    };
    if mode != own.mode {
        set_in(table, "mode", &format!("\"{mode}\""), &mut splices)?;
    }
    let mut mark_tables = |name: &InterfaceName, is_marked: bool| -> Option<()> {
        let grant = splice::get(splice::get(table, "grant")?, name.as_str())?;
        for one in tables_of(grant)? {
            if one.flag("approve") != is_marked {
                one.set("approve", if is_marked { "true" } else { "false" }, &mut splices)?;
            }
        }
        Some(())
    };
    match (to, own.mode) {
        (Mode::Enforce, was) => {
            mark_tables(action, false)?;
            if was != Mode::Enforce {
                for other in actions.iter().filter(|one| **one != action) {
                    mark_tables(other, true)?;
                }
            }
        }
        (Mode::Approve, Mode::Enforce) => mark_tables(action, true)?,
        _ => {}
    }
    Some(format!("{mark}{}", splices.done()?))
}

/// All values of a configuration apart from the levels of this instance.
fn others(text: &str, instance: &InstanceName) -> Option<Json> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut all = Node::from_toml(text, MOST_HOST_VALUES).ok()?.to_json();
    let own = all.get_mut("policy")?.get_mut(instance.as_str())?.as_object_mut()?;
    own.remove("mode");
    if let Some(grants) = own.get_mut("grant").and_then(Json::as_object_mut) {
        for (_, grant) in grants.iter_mut() {
            let tables = match grant {
                Json::Array(tables) => tables.iter_mut().collect(),
                one => vec![one],
            };
            for table in tables {
                if let Some(fields) = table.as_object_mut() {
                    fields.remove("approve");
                }
            }
        }
    }
    Some(all)
}

/// A table with its own header, or the tables of a list.
fn is_plain(table: &Table) -> bool {
    !table.is_dotted() && !table.is_implicit()
}

/// A key with a value, or a table.
fn has(item: &Item) -> bool {
    !item.is_none()
}

#[cfg(test)]
mod tests;
