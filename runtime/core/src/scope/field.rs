//! Fields: name, type, rule and default of what a grant can narrow.

use std::marker::PhantomData;

use serde_json::Value;

use super::rule::{ALLOW, AT_LEAST, AT_MOST, OPERATOR, RESTRICT, Rule};
use super::types::{Endpoints, Hooks, Switch, Targets, Words};
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
    Set { set: &'static Set, among: &'static [&'static str] },
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
        Self::among(name, &[], about)
    }

    const fn among(name: &'static str, among: &'static [&'static str], about: &'static str) -> Self {
        let kind = Kind::Set { set: const { &T::SET }, among };
        TypedField { field: Field { name, about, kind }, of: PhantomData }
    }
}

impl TypedField<Words> {
    /// A set of words out of these.
    pub const fn words(name: &'static str, known: &'static [&'static str], about: &'static str) -> Self {
        Self::among(name, known, about)
    }
}

impl TypedField<Targets> {
    /// A set of targets of these kinds.
    pub const fn targets(name: &'static str, kinds: &'static [&'static str], about: &'static str) -> Self {
        Self::among(name, kinds, about)
    }
}

impl TypedField<Switch> {
    /// A switch that permits more if it is on. It is on if both request and grant say so; a request that does not name
    /// it leaves it to the operator.
    pub const fn allow(name: &'static str, default: bool, about: &'static str) -> Self {
        Self::number(name, &ALLOW, default as u64, about)
    }

    /// A switch that permits less if it is on. It is on if the request or the grant says so.
    pub const fn restrict(name: &'static str, default: bool, about: &'static str) -> Self {
        Self::number(name, &RESTRICT, default as u64, about)
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

    /// A value that the operator alone chooses, whatever a manifest requests.
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
        matches!(self.kind, Kind::Set { .. })
    }

    /// Whether the operator alone chooses the value.
    pub fn is_of_the_operator(&self) -> bool {
        matches!(self.kind, Kind::Number { rule, .. } if rule.prefix == OPERATOR.prefix)
    }

    /// Whether it counts bytes.
    pub fn counts_bytes(&self) -> bool {
        matches!(self.kind, Kind::Number { number, .. } if number.name == "bytes")
    }

    /// What the members of a set are among: the known words of [`Words`], the kinds of [`Targets`]. Empty for any.
    pub fn among(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Set { among, .. } => among,
            Kind::Number { .. } => &[],
        }
    }

    /// Whether the members are targets.
    pub fn names_targets(&self) -> bool {
        matches!(self.kind, Kind::Set { set, .. } if set.name == Targets::SET.name)
    }

    /// Whether the members are hooks.
    pub fn names_hooks(&self) -> bool {
        matches!(self.kind, Kind::Set { set, .. } if set.name == Hooks::SET.name)
    }

    /// Whether the members are servers or hooks, which only the operator can name.
    pub fn names_servers(&self) -> bool {
        let is_endpoints = matches!(self.kind, Kind::Set { set, .. } if set.name == Endpoints::SET.name);
        self.names_targets() || self.names_hooks() || is_endpoints
    }

    /// Rule and type as one word: `most-bytes`.
    pub fn kind(&self) -> String {
        match self.kind {
            Kind::Set { set, .. } => set.name.to_owned(),
            Kind::Number { number, rule, .. } => format!("{}{}", rule.prefix, number.name),
        }
    }

    /// The format of a value: `size, at most`.
    pub fn format(&self) -> String {
        match self.kind {
            Kind::Set { set, among: [] } => set.format.to_owned(),
            Kind::Set { set, among } if self.names_targets() => format!("{} ({})", set.format, among.join(", ")),
            Kind::Set { set, among } => format!("{}: {}", set.format, among.join(", ")),
            Kind::Number { number, rule, .. } if rule.words.is_empty() => number.format.to_owned(),
            Kind::Number { number, rule, .. } => format!("{}, {}", number.format, rule.words),
        }
    }

    /// The scope in force if request and grant both set the field: `the smaller value`.
    pub fn meeting(&self) -> String {
        match self.kind {
            Kind::Set { set, .. } => format!("{} that both cover", set.things),
            Kind::Number { rule, .. } => rule.meeting.to_owned(),
        }
    }

    /// Completes "ARGUMENT must be …" for an argument that the field bounds.
    pub fn must(&self) -> String {
        match self.kind {
            Kind::Set { set, .. } => (set.must)(self.name),
            Kind::Number { rule, .. } => (rule.must)(self.name),
        }
    }

    /// How it reads in a sentence; `None` for a number.
    pub fn reach(&self) -> Option<Reach> {
        match self.kind {
            Kind::Set { set, .. } => {
                // The name of the field says what its words are.
                let things = if set.name == Words::SET.name { self.name } else { set.things };
                Some(Reach { preposition: set.preposition, things })
            }
            Kind::Number { .. } => None,
        }
    }

    /// The value in force if neither side sets the field.
    pub fn default(&self) -> ScopeValue {
        match self.kind {
            Kind::Set { .. } => ScopeValue::Set(Vec::new()),
            Kind::Number { number, default, .. } => (number.value)(default),
        }
    }

    /// A value as an operator would write it in `ansai.toml`: that of a set is made up.
    pub fn example(&self) -> String {
        match self.kind {
            // The first of known words; a kind is no name of a target.
            Kind::Set { set, among } => {
                let known = among.first().filter(|_| !self.names_targets());
                toml::list(&[known.map_or(set.example, |known| known).to_owned()])
            }
            Kind::Number { number, default, .. } => (number.written)(default),
        }
    }

    /// A value as written in `ansai.toml`.
    pub fn written(&self, value: &ScopeValue) -> String {
        match (self.kind, value) {
            (_, ScopeValue::Set(set)) => toml::list(set),
            (Kind::Number { number, .. }, value) => (number.written)(value.as_number().unwrap_or_default()),
            (Kind::Set { .. }, value) => value.plain(),
        }
    }

    /// A value for a person: `/var/log, /srv`, `at most 10 GiB`.
    pub fn show(&self, value: &ScopeValue) -> String {
        match (self.kind, value) {
            (_, ScopeValue::Set(set)) => set.join(", "),
            (Kind::Set { .. }, value) => value.plain(),
            (Kind::Number { number, rule, .. }, value) => {
                let shown = (number.show)(value.as_number().unwrap_or_default());
                format!("{} {shown}", rule.words).trim_start().to_owned()
            }
        }
    }

    /// Reads a value as written; the error is the end of a sentence that starts with the field.
    pub(super) fn parse(&self, value: &Value) -> Result<ScopeValue, String> {
        match self.kind {
            Kind::Set { set, among } => set.read(value, among),
            Kind::Number { number, .. } => number.read(value),
        }
    }

    /// The value in force.
    pub(super) fn meet(&self, asked: Option<&ScopeValue>, granted: Option<&ScopeValue>) -> ScopeValue {
        match self.kind {
            Kind::Set { set, .. } => {
                let granted = granted.and_then(ScopeValue::as_set).unwrap_or_default();
                ScopeValue::Set(set.meet(asked.map(|asked| asked.as_set().unwrap_or_default()), granted))
            }
            Kind::Number { number: of, rule, default } => {
                let number = |value: Option<&ScopeValue>| value.and_then(ScopeValue::as_number);
                (of.value)((rule.meet)(number(asked), number(granted), default))
            }
        }
    }

    /// The number that permits least; nothing for a set.
    pub(super) fn strictest(&self) -> u64 {
        match self.kind {
            Kind::Set { .. } => 0,
            Kind::Number { rule, default, .. } => (rule.strictest)(default),
        }
    }

    /// Whether one value permits everything that another one permits. `false` for values that are too complex to tell.
    pub fn covers(&self, inner: &ScopeValue, outer: &ScopeValue) -> bool {
        match self.kind {
            Kind::Set { set, .. } => {
                inner.as_set().zip(outer.as_set()).is_some_and(|(inner, outer)| set.covers_all(inner, outer))
            }
            Kind::Number { rule, .. } => {
                inner.as_number().zip(outer.as_number()).is_some_and(|(inner, outer)| (rule.permits)(inner, outer))
            }
        }
    }

    /// The bound that permits more; the first of two values that the operator alone chooses.
    pub(super) fn wider(&self, first: u64, second: u64) -> u64 {
        match self.kind {
            Kind::Number { rule, .. } => (rule.widened)(second, first),
            Kind::Set { .. } => first,
        }
    }

    /// A number as a value of this field.
    pub(super) fn value_of(&self, number: u64) -> ScopeValue {
        match self.kind {
            Kind::Number { number: of, .. } => (of.value)(number),
            Kind::Set { .. } => ScopeValue::Bound(number),
        }
    }

    pub(super) fn permits(&self, value: Option<&ScopeValue>, argument: &Value) -> Result<(), NotPermitted> {
        match self.kind {
            Kind::Set { set, .. } => set.check(self.name, value, argument),
            Kind::Number { number, rule, .. } => rule.check(number, self.name, value, argument),
        }
    }

    pub(super) fn widened(&self, value: Option<&ScopeValue>, argument: &Value) -> Option<ScopeValue> {
        match self.kind {
            Kind::Set { .. } => Set::widened(value, argument),
            Kind::Number { number, rule, .. } => rule.widen(number, value, argument),
        }
    }
}
