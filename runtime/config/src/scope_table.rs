//! Tables that map interface names to scopes, in requests and in grants.

use ansai_core::codes;
use ansai_core::scope::{MOST_TABLES, TableCountError};
use ansai_core::text::inert;
use ansai_core::{Field, Interface, InterfaceName, Scope, ScopeError, ScopeTables};

use crate::fields::without_units;
use crate::grants::FEWER;
use crate::nearest;
use crate::node::{Entry, Kind, Node};
use crate::problem::{Problem, Problems};

/// Which file the table belongs to. Only a request may leave a field to the operator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Grant,
}

/// Looks up the interface that a key names; reports a problem if it does not exist.
pub(crate) fn interface<'i>(
    entry: &Entry,
    interfaces: &'i [Interface],
    problems: &mut Problems,
) -> Option<&'i Interface> {
    let found = interfaces.iter().find(|one| one.name == entry.key);
    if found.is_none() {
        let names: Vec<&str> = interfaces.iter().map(|one| one.name.as_str()).collect();
        let written = entry.key.parse::<InterfaceName>().ok();
        let same = |one: &&Interface| written.as_ref().is_some_and(|name| name.same_interface(&one.name));
        let hint = match interfaces.iter().find(same) {
            Some(one) => Some(format!("leave out the version: \"{}\"", one.name)),
            None if problems.is_full() => None,
            None => nearest::hint(&entry.key, &names),
        };
        problems.add(
            Problem::error(
                codes::UNKNOWN_CAPABILITY,
                entry.key_span.clone(),
                format!("unknown capability \"{}\"", inert(&entry.key, 100)),
            )
            .maybe_hint(hint),
        );
    }
    found
}

/// Reads a table, or a list of tables.
pub(crate) fn read(
    node: &Node,
    place: &str,
    interface: &Interface,
    side: Side,
    problems: &mut Problems,
) -> ScopeTables {
    let mut table = |one: &Node, must: &str| match one.entries() {
        Some(entries) => fields(entries, interface, side, problems),
        None => {
            let message = format!("{must}, not {}", one.what());
            problems.add(Problem::error(codes::WRONG_TYPE, one.span.clone(), message).hint(example(interface)));
            Scope::default()
        }
    };
    let Kind::Array(nodes) = &node.kind else {
        return table(node, &format!("{place} must be a table or a list of tables")).into();
    };
    let read = nodes.iter().enumerate().take(MOST_TABLES);
    let tables: Vec<Scope> =
        read.map(|(index, one)| table(one, &format!("table {} of {place} must be a table", index + 1))).collect();
    if let Some(beyond) = nodes.get(MOST_TABLES) {
        let message = format!("{place} has {}", TableCountError::TooMany(nodes.len()));
        problems.add(Problem::error(codes::TOO_MANY_TABLES, beyond.span.clone(), message).hint(FEWER));
    }
    ScopeTables::try_from(tables).unwrap_or_else(|error| {
        let (verb, purpose) = match side {
            Side::Grant => ("grants", "to grant nothing"),
            Side::Request => ("requests", "to leave everything to the operator"),
        };
        let message = format!("{place} is {error}, which {verb} nothing");
        let hint = format!("leave the line out {purpose}, or write a table: {}", example(interface));
        problems.add(Problem::error(codes::NO_TABLES, node.span.clone(), message).hint(hint));
        ScopeTables::default()
    })
}

/// Reads every field of a table separately, so that all problems are found.
fn fields(entries: &[Entry], interface: &Interface, side: Side, problems: &mut Problems) -> Scope {
    let mut scope = Scope::default();
    for entry in entries {
        if side == Side::Grant && entry.node.kind == Kind::Text("operator".to_owned()) {
            problems.add(
                Problem::error(
                    codes::OPERATOR_IN_GRANT,
                    entry.node.span.clone(),
                    format!("`{}` says \"operator\", which only a manifest may", inert(&entry.key, 80)),
                )
                .hint("a grant is where the operator decides: write the value"),
            );
            continue;
        }
        let single = serde_json::Map::from_iter([(entry.key.clone(), entry.node.to_json())]);
        match Scope::parse(interface.name.as_str(), interface.fields, &single) {
            Ok(parsed) => scope = scope.merged(parsed),
            Err(error) => problems.add(explain(&error, entry, interface)),
        }
    }
    scope
}

fn explain(error: &ScopeError, entry: &Entry, interface: &Interface) -> Problem {
    match error {
        ScopeError::UnknownField { known, .. } => {
            let hint = nearest::hint(&entry.key, known)
                .unwrap_or_else(|| format!("{} has nothing to narrow: \"{}\" = {{}}", interface.name, interface.name));
            Problem::error(codes::UNKNOWN_SCOPE, entry.key_span.clone(), error.to_string()).hint(hint)
        }
        ScopeError::Value { .. } => {
            let field = interface.fields.iter().find(|field| field.name == entry.key);
            let message = error.to_string();
            let (words, units) = without_units(&message);
            let sample = field.map(|field| format!("{} = {}  # {}", field.name, field.example(), field.about));
            let culprit = culprit(&entry.node, field);
            let near = field.filter(|field| !field.names_targets()).zip(culprit.text()).and_then(|(field, text)| {
                let near = nearest::nearest(text, field.among().iter().copied())?;
                Some(format!("did you mean \"{near}\"?"))
            });
            let hint: Vec<String> = near.into_iter().chain(sample).chain(units).collect();
            Problem::error(codes::BAD_SCOPE, culprit.span.clone(), words).hint(hint.join("\n"))
        }
    }
}

/// The wrong element of a list, or the whole value.
fn culprit<'n>(node: &'n Node, field: Option<&Field>) -> &'n Node {
    let wrong = match (&node.kind, field) {
        (Kind::Array(list), Some(field)) => list.iter().find(|element| {
            let single = serde_json::Map::from_iter([(
                field.name.to_owned(),
                serde_json::Value::Array(vec![element.to_json()]),
            )]);
            Scope::parse("", std::slice::from_ref(field), &single).is_err()
        }),
        _ => None,
    };
    wrong.unwrap_or(node)
}

/// Example such as `"ansai:x/y" = { roots = ["/some/directory"] }`, with the fields without which nothing is granted.
pub(crate) fn example(interface: &Interface) -> String {
    let sets: Vec<String> = interface
        .fields
        .iter()
        .filter(|field| field.is_set())
        .map(|field| format!("{} = {}", field.name, field.example()))
        .collect();
    match sets.is_empty() {
        true => format!("\"{}\" = {{}}", interface.name),
        false => format!("\"{}\" = {{ {} }}", interface.name, sets.join(", ")),
    }
}
