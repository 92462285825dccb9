//! Checks whether a value from a scenario has a type of the contract.

use ansai_config::did_you_mean;
use ansai_core::text::inert;
use serde_json::Value;

use super::contract::Ty;

/// How to treat missing fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Missing fields are wrong, unless they are options.
    Refused,
    /// Fields may be missing in the outermost record: the host fills them in.
    AtTop,
    /// Fields may be missing anywhere: the value is compared with a part of another.
    Anywhere,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Keys and indexes, outermost first. For a missing field, the path of its record.
    pub(super) path: Vec<String>,
    /// Whether the key is wrong, rather than its value.
    pub(super) about_key: bool,
    /// The message, a fragment that names the field.
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Returns the first problem.
pub(super) fn check(ty: &Ty, value: &Value, missing: Missing) -> Result<(), Wrong> {
    Walk { path: Vec::new() }.value(ty, value, missing)
}

struct Walk {
    path: Vec<String>,
}

impl Walk {
    fn below(&mut self, part: impl Into<String>, ty: &Ty, value: &Value, missing: Missing) -> Result<(), Wrong> {
        self.path.push(part.into());
        let missing = if missing == Missing::AtTop { Missing::Refused } else { missing };
        let checked = self.value(ty, value, missing);
        self.path.pop();
        checked
    }

    fn wrong(&self, message: String, hint: Option<String>) -> Wrong {
        Wrong { path: self.path.clone(), about_key: false, message, hint }
    }

    /// Returns `` `entries[0].mount` ``, or `it` for the whole value.
    fn name(&self) -> String {
        if self.path.is_empty() {
            return "it".to_owned();
        }
        let mut name = String::new();
        for part in &self.path {
            match part.parse::<usize>() {
                Ok(index) => name.push_str(&format!("[{index}]")),
                Err(_) if name.is_empty() => name.push_str(part),
                Err(_) => name.push_str(&format!(".{part}")),
            }
        }
        format!("`{}`", inert(&name, 120))
    }

    fn not(&self, expected: &str, value: &Value) -> Wrong {
        self.wrong(format!("{} must be {expected}, not {}", self.name(), what(value)), None)
    }

    fn value(&mut self, ty: &Ty, value: &Value, missing: Missing) -> Result<(), Wrong> {
        match (ty, value) {
            (Ty::Foreign, _)
            | (Ty::Bool, Value::Bool(_))
            | (Ty::Number, Value::Number(_))
            | (Ty::Text, Value::String(_))
            | (Ty::Option(_), Value::Null) => Ok(()),
            (Ty::Option(ty), value) => self.value(ty, value, missing),
            (Ty::Whole(least, most), Value::Number(number)) => match whole(number) {
                Some(number) if (*least..=*most).contains(&number) => Ok(()),
                Some(number) => {
                    Err(self.wrong(format!("{} is {number}, not from {least} to {most}", self.name()), None))
                }
                None => Err(self.not("a whole number", value)),
            },
            (Ty::Char, Value::String(text)) if text.chars().count() == 1 => Ok(()),
            (Ty::Enum(cases), Value::String(text)) => {
                let known: Vec<&str> = cases.iter().map(String::as_str).collect();
                if known.contains(&text.as_str()) { Ok(()) } else { Err(self.no_case(text, &known, false)) }
            }
            (Ty::List(ty), Value::Array(values)) => values
                .iter()
                .enumerate()
                .try_for_each(|(index, value)| self.below(index.to_string(), ty, value, missing)),
            (Ty::Flags(flags), Value::Array(values)) => {
                let ty = Ty::Enum(flags.clone());
                values
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, value)| self.below(index.to_string(), &ty, value, missing))
            }
            (Ty::Tuple(types), Value::Array(values)) if types.len() == values.len() => types
                .iter()
                .zip(values)
                .enumerate()
                .try_for_each(|(index, (ty, value))| self.below(index.to_string(), ty, value, missing)),
            (Ty::Record(fields), Value::Object(map)) => self.record(fields, map, missing),
            (Ty::Variant(cases), value) => self.variant(cases, value, missing),
            (ty, value) => Err(self.not(&expected(ty), value)),
        }
    }

    fn record(
        &mut self,
        fields: &[(String, Ty)],
        map: &serde_json::Map<String, Value>,
        missing: Missing,
    ) -> Result<(), Wrong> {
        for (key, value) in map {
            match fields.iter().find(|(name, _)| name == key) {
                Some((_, ty)) => self.below(key, ty, value, missing)?,
                None => {
                    let known: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
                    self.path.push(key.clone());
                    let wrong = Wrong {
                        about_key: true,
                        ..self.wrong(format!("there is no field {}", self.name()), did_you_mean(key, &known))
                    };
                    self.path.pop();
                    return Err(wrong);
                }
            }
        }
        let lacking = fields.iter().find(|(name, ty)| !matches!(ty, Ty::Option(_)) && !map.contains_key(name));
        match lacking {
            Some((name, ty)) if missing == Missing::Refused => {
                self.path.push(name.clone());
                let message = format!("{} is missing", self.name());
                self.path.pop();
                Err(self.wrong(message, Some(format!("it is {}", expected(ty)))))
            }
            _ => Ok(()),
        }
    }

    fn variant(&mut self, cases: &[(String, Option<Ty>)], value: &Value, missing: Missing) -> Result<(), Wrong> {
        let names = |with: bool| -> Vec<&str> {
            cases.iter().filter(|(_, ty)| ty.is_some() == with).map(|(name, _)| name.as_str()).collect()
        };
        match value {
            Value::String(text) if names(false).contains(&text.as_str()) => Ok(()),
            Value::String(text) if names(true).contains(&text.as_str()) => {
                Err(self
                    .wrong(format!("{}: `{text}` has a value", self.name()), Some(format!("write {{ {text} = … }}"))))
            }
            Value::String(text) => {
                let known: Vec<&str> = cases.iter().map(|(name, _)| name.as_str()).collect();
                Err(self.no_case(text, &known, false))
            }
            Value::Object(map) => {
                let mut entries = map.iter();
                let (Some((name, value)), None) = (entries.next(), entries.next()) else {
                    return Err(self.wrong(format!("{} must name one case", self.name()), None));
                };
                match cases.iter().find(|(known, _)| known == name) {
                    Some((_, Some(ty))) => self.below(name, ty, value, missing),
                    Some((_, None)) => Err(self
                        .wrong(format!("{}: `{name}` has no value", self.name()), Some(format!("write \"{name}\"")))),
                    None => {
                        let known = names(true);
                        self.path.push(name.clone());
                        let mut wrong = self.no_case(name, &known, true);
                        self.path.pop();
                        wrong.about_key = true;
                        Err(wrong)
                    }
                }
            }
            value => {
                let known: Vec<String> = cases.iter().map(|(name, _)| format!("`{name}`")).collect();
                Err(self.not(&format!("one of {}", known.join(", ")), value))
            }
        }
    }

    fn no_case(&self, written: &str, known: &[&str], is_key: bool) -> Wrong {
        let name = if is_key { "it".to_owned() } else { self.name() };
        self.wrong(format!("{name} cannot be `{}`", inert(written, 60)), did_you_mean(written, known))
    }
}

fn whole(number: &serde_json::Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn expected(ty: &Ty) -> String {
    match ty {
        Ty::Bool => "true or false".into(),
        Ty::Whole(..) => "a whole number".into(),
        Ty::Number => "a number".into(),
        Ty::Char => "a text of one character".into(),
        Ty::Text => "a text".into(),
        Ty::Enum(cases) => format!("one of {}", cases.join(", ")),
        Ty::Flags(_) | Ty::List(_) => "a list".into(),
        Ty::Tuple(types) => format!("a list of {}", types.len()),
        Ty::Option(ty) => expected(ty),
        Ty::Record(_) => "a table".into(),
        Ty::Variant(cases) => {
            let names: Vec<&str> = cases.iter().map(|(name, _)| name.as_str()).collect();
            format!("one of {}", names.join(", "))
        }
        Ty::Foreign => "something else".into(),
    }
}

fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if whole(number).is_some() => "a whole number",
        Value::Number(_) => "a number with a fraction",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::super::contract::contract;
    use super::*;

    fn wrong(name: &str, value: Value) -> (String, String, Option<String>) {
        let answer = contract().functions.get(name).unwrap().answer.as_ref().unwrap();
        let wrong = check(answer, &value, Missing::Refused).unwrap_err();
        (wrong.path.join("."), wrong.message, wrong.hint)
    }

    #[test]
    fn the_field_is_named() {
        let usage = "ansai:journal/journal-probe.usage";
        let (path, message, hint) = wrong(usage, json!({"archived-byts": 1}));
        assert_eq!((path.as_str(), message.as_str()), ("archived-byts", "there is no field `archived-byts`"));
        assert_eq!(hint.as_deref(), Some("did you mean `archived-bytes`?"));
        let list = "ansai:disk/disk-probe.list-filesystems";
        assert_eq!(wrong(list, json!({"entries": []})).1, "`skipped` is missing");
        assert_eq!(wrong(list, json!({"entries": [], "skipped": -1})).1, "`skipped` is -1, not from 0 to 4294967295");
        let message = wrong(list, json!({"entries": [{"about": {"kind": "a", "name": 1}}], "skipped": 0})).1;
        assert_eq!(message, "`entries[0].about.name` must be a text, not a whole number");
        assert_eq!(wrong(list, json!(7)).1, "it must be a table, not a whole number");
    }

    #[test]
    fn a_part_may_lack_fields_and_a_variant_names_one_case() {
        let observation = contract().named("observation");
        let part = |value| check(observation, &value, Missing::Anywhere);
        part(json!({"key": "/", "status": {"unhealthy": "warning"}})).unwrap();
        assert_eq!(part(json!({"staus": "healthy"})).unwrap_err().hint.unwrap(), "did you mean `status`?");
        let wrong = part(json!({"status": {"unhealthy": "warnin"}})).unwrap_err();
        assert_eq!(wrong.hint.unwrap(), "did you mean `warning`?");
        assert!(part(json!({"status": "unhealthy"})).unwrap_err().message.contains("has a value"));
        assert!(part(json!({"status": {"healthy": 1}})).unwrap_err().message.contains("has no value"));
        assert!(check(observation, &json!({"key": "/"}), Missing::Refused).is_err());
        assert!(check(observation, &json!({"key": "/"}), Missing::AtTop).is_ok());
    }
}
