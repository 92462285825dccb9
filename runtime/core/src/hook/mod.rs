//! Hooks: the operator's own commands and URLs, `[hook.NAME]`.
//!
//! A policy names a hook and chooses values for its parameters out of the lists of the operator. Commands and URLs are
//! [`Template`]s, so that a value becomes a part of one argument and nothing else: no shell reads it.

mod template;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use template::{Template, TemplateError};

use crate::text::inert;
use crate::{Millis, Refusal, Subject};

/// The kind of the subject of a hook.
pub const HOOK: &str = "hook";

/// What a hook does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// It only reads: a probe may ask it.
    Reads,
    /// It changes something: only a step may run it.
    Acts,
}

/// How a hook is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookCall {
    /// A command, without a shell.
    Command {
        /// The absolute path of the program, and its arguments.
        words: Vec<Template>,
        /// The name of the user who runs it.
        user: String,
    },
    /// A request of a web server.
    Url {
        /// GET or POST.
        method: Method,
        /// `http` on this machine, or `https`. Values are percent-encoded in it.
        url: Template,
        /// The URL as far as it may be shown: without the part after `?`.
        shown: Template,
        /// The header that carries the secret; `None` for `Authorization: Bearer`.
        secret_header: Option<String>,
    },
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Without a body.
    Get,
    /// With the parameters as JSON.
    Post,
}

impl Method {
    /// As in a request: `GET`.
    pub fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// The undo or the check of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linked {
    /// A command with the user, the limit and the parameters of the hook itself.
    Own(HookCall),
    /// Another hook. Its parameters are among those of this hook, with the same values or more.
    Hook(String),
}

/// A hook as the operator describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// What it does.
    pub does: Does,
    /// How it is called.
    pub call: HookCall,
    /// How long one call may take.
    pub limit: Millis,
    /// The permitted values of each parameter.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// What undoes a call; only of a hook that acts.
    pub undo: Option<Linked>,
    /// What tells whether a call had the wanted effect.
    pub check: Option<Linked>,
    /// What a call changes or interrupts, besides the hook itself.
    pub touches: Vec<Subject>,
}

/// A value that a policy chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Parameter {
    pub name: String,
    pub value: String,
}

/// One permitted value for each parameter of a hook.
pub type Values = BTreeMap<String, String>;

/// The most parameters of a hook.
pub const MOST_PARAMETERS: usize = 16;

impl Hook {
    /// The chosen values, if each parameter has exactly one and the operator lists it.
    ///
    /// # Errors
    /// `invalid` if a parameter is missing, unknown or given twice; `denied` if a value is not listed.
    pub fn values(&self, name: &str, chosen: &[Parameter]) -> Result<Values, Refusal> {
        let mut values = Values::new();
        for Parameter { name: parameter, value } in chosen.iter().take(MOST_PARAMETERS + 1) {
            let shown = || inert(parameter, 64);
            let Some(listed) = self.parameters.get(parameter) else {
                let known: Vec<&str> = self.parameters.keys().map(String::as_str).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let why = format!("the hook {name} has no parameter `{}`; it has: {known}", shown());
                return Err(Refusal::Invalid(why));
            };
            if !listed.contains(value) {
                let why = format!(
                    "`{}` is not a permitted value for `{}` of the hook {name}; [hook.{name}] lists it under \
                     `parameters`",
                    inert(value, 80),
                    shown()
                );
                return Err(Refusal::Denied(why));
            }
            if values.insert(parameter.clone(), value.clone()).is_some() {
                return Err(Refusal::Invalid(format!("the parameter `{}` has two values", shown())));
            }
        }
        match self.parameters.keys().find(|parameter| !values.contains_key(*parameter)) {
            Some(missing) => Err(Refusal::Invalid(format!("the hook {name} needs a value for `{missing}`"))),
            None => Ok(values),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn hook() -> Hook {
        let listed = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let user = "www-data".to_owned();
        Hook {
            does: Does::Acts,
            call: HookCall::Command { words: vec![Template::parse("/bin/true").unwrap()], user },
            limit: Millis::new(1_000),
            parameters: [("pool".to_owned(), listed(&["blue", "{size}"])), ("size".to_owned(), listed(&["1"]))].into(),
            undo: None,
            check: None,
            touches: Vec::new(),
        }
    }

    fn chosen(list: &[(&str, &str)]) -> Vec<Parameter> {
        list.iter().map(|(name, value)| Parameter { name: (*name).into(), value: (*value).into() }).collect()
    }

    /// Would break: a value that is only trimmed, compared without case, or taken as a pattern.
    #[test]
    fn only_listed_values_are_permitted() {
        let values = hook().values("flush", &chosen(&[("size", "1"), ("pool", "blue")])).unwrap();
        assert_eq!(values["pool"], "blue");
        let lies = [
            "",
            "Blue",
            "blue ",
            "blue\n",
            "blue\0",
            "--blue",
            "$(id)",
            "`id`",
            "*",
            "b*",
            "{pool}",
            "blue\u{202e}",
            "../blue",
            "blue;id",
            "green",
        ];
        for lie in lies {
            let refused = hook().values("flush", &chosen(&[("size", "1"), ("pool", lie)])).unwrap_err();
            assert!(matches!(refused, Refusal::Denied(_)), "{lie:?}: {refused}");
            let text = refused.to_string();
            assert!(!text.contains(['\n', '\0', '\u{202e}']), "{text:?}");
        }
    }

    #[test]
    fn every_parameter_needs_exactly_one_value() {
        for (list, part) in [
            (vec![("pool", "blue")], "needs a value for `size`"),
            (vec![], "needs a value for `pool`"),
            (vec![("pool", "blue"), ("size", "1"), ("pool", "blue")], "two values"),
            (vec![("pool", "blue"), ("size", "1"), ("p\u{1b}[2J", "x")], "has no parameter"),
            (vec![("Pool", "blue"), ("size", "1")], "it has: pool, size"),
        ] {
            let refused = hook().values("flush", &chosen(&list)).unwrap_err();
            assert!(matches!(&refused, Refusal::Invalid(why) if why.contains(part)), "{list:?}: {refused}");
            assert!(!refused.to_string().contains('\u{1b}'));
        }
        let many = vec![("pool", "blue"); 100_000];
        assert!(matches!(hook().values("flush", &chosen(&many)), Err(Refusal::Invalid(_))));
    }
}
