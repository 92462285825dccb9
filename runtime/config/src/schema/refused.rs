//! Puts a validator's errors into words: about settings for the operator, about schemas for their author.

use ansai_core::codes;
use ansai_core::text::inert;
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::quantity::Quantity;
use super::resolve::SettingProblem;
use super::tree::{self, View};
use super::words::{self, MOST_SHOWN, amount, choices, expected, first, found_type, show};
use crate::nearest;

/// The problem of a setting. Its path has canonical names; the caller translates it.
pub(super) fn setting(error: &ValidationError<'_>, path: &[String], tree: &Value) -> SettingProblem {
    let place = Place::of(path, tree);
    let (message, hint) = match error.kind() {
        Kind::Required { property } => place.missing(property.as_str().unwrap_or_default()),
        kind => (place.message(kind, error), place.hint(kind, error.instance())),
    };
    let code = match error.kind() {
        Kind::Required { .. } => codes::MISSING_SETTING,
        Kind::Type { .. } => codes::SETTING_TYPE,
        Kind::AdditionalProperties { .. } => codes::UNKNOWN_SETTING,
        _ => codes::SETTING_VALUE,
    };
    SettingProblem {
        code,
        path: Vec::new(),
        message,
        hint,
        about_key: false,
        missing: matches!(error.kind(), Kind::Required { .. }),
    }
}

/// A place in the settings, and the schemas that apply there.
struct Place<'s> {
    /// Name for messages: `` `warning` ``, or ``element 2 of `never_touch` ``.
    name: String,
    views: Vec<View<'s>>,
    quantity: Option<Quantity>,
}

impl<'s> Place<'s> {
    fn of(path: &[String], tree: &'s Value) -> Self {
        let mut views = tree::views(tree);
        let mut name = "the settings".to_owned();
        for part in path {
            let elements = tree::elements(&views);
            name = match part.parse::<usize>() {
                Ok(index) if !elements.is_empty() => {
                    views = elements;
                    format!("element {} of {name}", index + 1)
                }
                _ => {
                    views = tree::property(&views, part);
                    format!("`{}`", inert(part, MOST_SHOWN))
                }
            };
        }
        let quantity = Quantity::of_views(&views).map(|(quantity, _)| quantity);
        Place { name, views, quantity }
    }

    fn missing(&self, property: &str) -> (String, Option<String>) {
        let views = tree::property(&self.views, property);
        let property = inert(property, MOST_SHOWN);
        let about = match first(&views, "description").and_then(Value::as_str) {
            Some(about) => format!("{}; {about}", words::kind(&views)),
            None => words::kind(&views),
        };
        (
            format!("setting `{property}` is missing and has no default"),
            Some(format!("add `{property} = …`  ({about})")),
        )
    }

    fn message(&self, kind: &Kind, error: &ValidationError<'_>) -> String {
        let name = &self.name;
        let found = amount(error.instance(), self.quantity);
        let limit = |value: &Value| amount(value, self.quantity);
        match kind {
            Kind::Minimum { limit: least } => format!("{name} is {found}, less than {}", limit(least)),
            Kind::Maximum { limit: most } => format!("{name} is {found}, more than {}", limit(most)),
            Kind::ExclusiveMinimum { limit: bound } => {
                format!("{name} is {found}, but must be more than {}", limit(bound))
            }
            Kind::ExclusiveMaximum { limit: bound } => {
                format!("{name} is {found}, but must be less than {}", limit(bound))
            }
            Kind::MultipleOf { multiple_of } => format!("{name} is {found}, not a multiple of {multiple_of}"),
            Kind::Enum { options } => {
                let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
                format!("{name} is {found}, not one of {}", choices(options))
            }
            Kind::Constant { expected_value } => format!("{name} is {found}, but must be {}", show(expected_value)),
            Kind::Type { kind } => {
                let wanted = match self.quantity {
                    Some(quantity) => format!("a {}", quantity.name()),
                    None => expected(kind),
                };
                format!("{name} must be {wanted}, not {}", found_type(error.instance()))
            }
            Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } => format!("{name} is empty"),
            Kind::MinItems { limit } => format!("{name} has fewer than {limit} elements"),
            Kind::MaxItems { limit } => format!("{name} has more than {limit} elements"),
            Kind::UniqueItems => format!("{name} holds an element twice"),
            Kind::MinLength { limit } => format!("{name} has fewer than {limit} characters"),
            Kind::MaxLength { limit } => format!("{name} has more than {limit} characters"),
            Kind::Pattern { pattern } => format!("{name} is {found}, which does not match `{pattern}`"),
            Kind::Format { format } => format!("{name} is {found}, which is not of the form `{format}`"),
            Kind::AdditionalProperties { unexpected } => {
                let names: Vec<&str> = unexpected.iter().map(String::as_str).collect();
                format!("{name} does not know {}", nearest::list(&names).unwrap_or_default())
            }
            Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
                format!("{name} is {found}, which has none of the accepted shapes")
            }
            _ => format!("{name}: {error}"),
        }
    }

    fn hint(&self, kind: &Kind, found: &Value) -> Option<String> {
        match (kind, self.quantity) {
            (Kind::Enum { options }, _) => {
                let options = options.as_array()?.iter().filter_map(Value::as_str);
                let word = nearest::nearest(found.as_str()?, options)?;
                return Some(format!("did you mean \"{}\"?", inert(word, MOST_SHOWN)));
            }
            (Kind::Type { .. }, Some(quantity)) => return Some(quantity.example().to_owned()),
            _ => {}
        }
        let kind = words::kind(&self.views);
        let default = first(&self.views, "default").map(|default| format!("default {}", show(default)));
        let about = first(&self.views, "description").and_then(Value::as_str);
        // A bare type adds nothing to the message.
        let accepted = kind.contains(' ').then(|| format!("accepted: {kind}"));
        let parts: Vec<String> = accepted.into_iter().chain(default).chain(about.map(str::to_owned)).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// The problem of a schema, in words.
pub(super) fn meta(error: &ValidationError<'_>) -> String {
    let found = show(error.instance());
    match error.kind() {
        Kind::Type { kind } => format!("must be {}, not {}", expected(kind), found_type(error.instance())),
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            format!("{found} is not one of {}", choices(options))
        }
        Kind::AnyOf { .. } if error.instance_path().as_str().ends_with("/type") => format!("{found} is not a type"),
        Kind::AnyOf { .. } => format!("{found} is not accepted here"),
        Kind::Format { format } if format == "regex" => format!("{found} is not a valid pattern"),
        _ => error.to_string(),
    }
}
