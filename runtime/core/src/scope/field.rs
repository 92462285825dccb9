//! Fields: name, type, rule and default of what a grant can narrow.

use std::marker::PhantomData;

use serde_json::Value;

use super::rule::{AT_LEAST, AT_MOST, OPERATOR, Rule};
use super::{NotPermitted, Number, NumberType, ScopeValue, Set, SetType, toml};

/// One field of an interface's scope.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name in `ansai.toml`: `min_age_hours`.
    pub name: &'static str,
    /// Description for `inspect`, `--suggest-grants` and the reference.
    pub about: &'static str,
    kind: Kind,
}

/// Sets have one rule: what both cover.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Set(&'static Set),
    Number { number: &'static Number, rule: &'static Rule, default: u64 },
}

/// A field with the type of its values: what a domain declares, and reads scopes through.
#[derive(Debug)]
pub struct TypedField<T> {
    field: Field,
    of: PhantomData<fn() -> T>,
}

/// How a set reads in a sentence: `under directories`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// `under`.
    pub preposition: &'static str,
    /// `directories`.
    pub things: &'static str,
}

impl<T: SetType> TypedField<T> {
    /// What both request and grant cover. Absent from a grant, it permits nothing.
    pub const fn set(name: &'static str, about: &'static str) -> Self {
        let kind = Kind::Set(const { &T::SET });
        TypedField { field: Field { name, about, kind }, of: PhantomData }
    }
}

impl<T: NumberType> TypedField<T> {
    /// An upper bound; the smaller one wins.
    pub const fn at_most(name: &'static str, default: u64, about: &'static str) -> Self {
        Self::number(name, &AT_MOST, default, about)
    }

    /// A lower bound; the larger one wins.
    pub const fn at_least(name: &'static str, default: u64, about: &'static str) -> Self {
        Self::number(name, &AT_LEAST, default, about)
    }

    /// A value that the operator alone chooses.
    pub const fn operator(name: &'static str, default: u64, about: &'static str) -> Self {
        Self::number(name, &OPERATOR, default, about)
    }

    pub(super) const fn number(name: &'static str, rule: &'static Rule, default: u64, about: &'static str) -> Self {
        let kind = Kind::Number { number: const { &T::NUMBER }, rule, default };
        TypedField { field: Field { name, about, kind }, of: PhantomData }
    }
}

impl<T> TypedField<T> {
    /// Without its type, as an interface lists it.
    pub const fn field(&self) -> Field {
        self.field
    }
}

impl Field {
    /// Whether it is a set, which permits nothing where the operator leaves it out.
    pub fn is_set(&self) -> bool {
        matches!(self.kind, Kind::Set(_))
    }

    /// Rule and type as one word: `most-bytes`.
    pub fn kind(&self) -> String {
        match self.kind {
            Kind::Set(set) => set.name.to_owned(),
            Kind::Number { number, rule, .. } => format!("{}{}", rule.prefix, number.name),
        }
    }

    /// The format of a value: `size, at most`.
    pub fn format(&self) -> String {
        match self.kind {
            Kind::Set(set) => set.format.to_owned(),
            Kind::Number { number, rule, .. } if rule.words.is_empty() => number.format.to_owned(),
            Kind::Number { number, rule, .. } => format!("{}, {}", number.format, rule.words),
        }
    }

    /// The scope in force if request and grant both set the field: `the smaller value`.
    pub fn meeting(&self) -> String {
        match self.kind {
            Kind::Set(set) => format!("{} that both cover", set.things),
            Kind::Number { rule, .. } => rule.meeting.to_owned(),
        }
    }

    /// Completes "ARGUMENT must be …" for an argument that the field bounds.
    pub fn must(&self) -> String {
        match self.kind {
            Kind::Set(set) => (set.must)(self.name),
            Kind::Number { rule, .. } if rule.words.is_empty() => format!("equal to `{}`", self.name),
            Kind::Number { rule, .. } => format!("{} `{}`", rule.words, self.name),
        }
    }

    /// How it reads in a sentence; `None` for a number.
    pub fn reach(&self) -> Option<Reach> {
        match self.kind {
            Kind::Set(set) => Some(Reach { preposition: set.preposition, things: set.things }),
            Kind::Number { .. } => None,
        }
    }

    /// The value in force if neither side sets the field.
    pub fn default(&self) -> ScopeValue {
        match self.kind {
            Kind::Set(_) => ScopeValue::Set(Vec::new()),
            Kind::Number { default, .. } => ScopeValue::Bound(default),
        }
    }

    /// A value as an operator would write it in `ansai.toml`: that of a set is made up.
    pub fn example(&self) -> String {
        match self.kind {
            Kind::Set(set) => toml::list(&[set.example.to_owned()]),
            Kind::Number { number, default, .. } => (number.written)(default),
        }
    }

    /// A value as written in `ansai.toml`.
    pub fn written(&self, value: &ScopeValue) -> String {
        match (self.kind, value) {
            (Kind::Number { number, .. }, ScopeValue::Bound(value)) => (number.written)(*value),
            (_, ScopeValue::Bound(value)) => toml::integer(*value),
            (_, ScopeValue::Set(set)) => toml::list(set),
        }
    }

    /// A value for a person: `/var/log, /srv`, `at most 10 GiB`.
    pub fn show(&self, value: &ScopeValue) -> String {
        match (self.kind, value) {
            (_, ScopeValue::Set(set)) => set.join(", "),
            (Kind::Set(_), ScopeValue::Bound(value)) => value.to_string(),
            (Kind::Number { number, rule, .. }, ScopeValue::Bound(value)) => {
                format!("{} {}", rule.words, (number.show)(*value)).trim_start().to_owned()
            }
        }
    }

    /// Reads a value as written; the error is the end of a sentence that starts with the field.
    pub(super) fn parse(&self, value: &Value) -> Result<ScopeValue, String> {
        match self.kind {
            Kind::Set(set) => set.read(value),
            Kind::Number { number, .. } => number.read(value),
        }
    }

    /// The value in force.
    pub(super) fn meet(&self, asked: Option<&ScopeValue>, granted: Option<&ScopeValue>) -> ScopeValue {
        match self.kind {
            Kind::Set(set) => {
                let granted = granted.and_then(ScopeValue::as_set).unwrap_or_default();
                ScopeValue::Set(set.meet(asked.map(|asked| asked.as_set().unwrap_or_default()), granted))
            }
            Kind::Number { rule, default, .. } => {
                let number = |value: Option<&ScopeValue>| value.and_then(ScopeValue::as_number);
                ScopeValue::Bound((rule.meet)(number(asked), number(granted), default))
            }
        }
    }

    /// The number that permits least; nothing for a set.
    pub(super) fn strictest(&self) -> u64 {
        match self.kind {
            Kind::Set(_) => 0,
            Kind::Number { rule, default, .. } => (rule.strictest)(default),
        }
    }

    /// Whether one value permits everything that another one permits. `false` for values that are too complex to tell.
    pub(super) fn covers(&self, inner: &ScopeValue, outer: &ScopeValue) -> bool {
        match (self.kind, inner, outer) {
            (Kind::Set(set), ScopeValue::Set(inner), ScopeValue::Set(outer)) => set.covers_all(inner, outer),
            (Kind::Number { rule, .. }, ScopeValue::Bound(inner), ScopeValue::Bound(outer)) => {
                (rule.permits)(*inner, *outer)
            }
            _ => false,
        }
    }

    /// The bound that permits more; the first of two values that the operator alone chooses.
    pub(super) fn wider(&self, first: u64, second: u64) -> u64 {
        match self.kind {
            Kind::Number { rule, .. } => (rule.widened)(second, first),
            Kind::Set(_) => first,
        }
    }

    pub(super) fn permits(&self, value: Option<&ScopeValue>, argument: &Value) -> Result<(), NotPermitted> {
        match self.kind {
            Kind::Set(set) => set.check(self.name, value, argument),
            Kind::Number { rule, .. } => rule.check(self.name, value, argument),
        }
    }

    pub(super) fn widened(&self, value: Option<&ScopeValue>, argument: &Value) -> Option<ScopeValue> {
        match self.kind {
            Kind::Set(_) => Set::widened(value, argument),
            Kind::Number { rule, .. } => rule.widen(value, argument),
        }
    }
}
