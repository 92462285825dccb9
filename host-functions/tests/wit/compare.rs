//! What differs between the list of host functions and the contract.

use std::collections::BTreeSet;

use ansai_kit::registry::{InterfaceDef, Registry};
use serde_json::Value;
use wit_parser::{Function, Resolve, Type, TypeDefKind};

use crate::values;

/// The contract, from the text of its packages.
pub(crate) fn contract<'a>(packages: impl IntoIterator<Item = (&'a str, &'a str)>) -> Resolve {
    let mut resolve = Resolve::default();
    for (name, text) in packages {
        resolve.push_str(name, text).unwrap_or_else(|error| panic!("{name}: {error:#}"));
    }
    resolve
}

/// Functions that only one of the two has, as `ansai:files/files-probe@0.2.0 list-files`.
pub(crate) fn functions(registry: &Registry, resolve: &Resolve) -> Vec<String> {
    let mut wit = BTreeSet::new();
    for (id, interface) in &resolve.interfaces {
        let name = resolve.id_of(id).expect("a name");
        wit.extend(interface.functions.keys().map(|function| format!("{name} {function}")));
    }
    let mut list = BTreeSet::new();
    for entry in registry.entries() {
        let name = entry.interface.import_name();
        list.extend(entry.functions.iter().map(|function| format!("{name} {}", function.name)));
    }
    let only_wit = wit.difference(&list).map(|function| format!("{function}: the list has no such function"));
    only_wit.chain(list.difference(&wit).map(|function| format!("{function}: wit/ has no such function"))).collect()
}

/// Functions whose Rust types are not those of the contract.
pub(crate) fn types(entry: &InterfaceDef, resolve: &Resolve) -> Vec<String> {
    let name = entry.interface.import_name();
    let Some((_, interface)) =
        resolve.interfaces.iter().find(|(id, _)| resolve.id_of(*id).is_some_and(|id| name == id))
    else {
        return vec![format!("{name}: wit/ has no such interface")];
    };
    let mut found = Vec::new();
    for function in entry.functions {
        let Some(wit) = interface.functions.get(function.name) else {
            found.push(format!("{name} {}: wit/ has no such function", function.name));
            continue;
        };
        let types = function.body.types();
        let fields: Vec<(&str, &Type)> = wit.params.iter().map(|param| (&*param.name, &param.ty)).collect();
        let valid = values::valid_fields(resolve, &fields);
        let at = |what: &str| format!("{name} {} {what}", function.name);
        found.extend(through(&at("arguments"), types.arguments, &valid, &values::invalid_fields(resolve, &fields)));
        match reply(resolve, wit) {
            Ok(Some(ty)) => {
                let (valid, invalid) = (values::valid(resolve, &ty), values::invalid(resolve, &ty));
                found.extend(through(&at("reply"), types.reply, &valid, &invalid));
            }
            Ok(None) => found.extend(through(&at("reply"), types.reply, &[Value::Null], &[Value::Bool(true)])),
            Err(why) => found.push(format!("{}: {why}", at("reply"))),
        }
    }
    found
}

/// The type of a reply that is not a refusal.
fn reply(resolve: &Resolve, function: &Function) -> Result<Option<Type>, String> {
    let Some(ty) = function.result else { return Ok(None) };
    let Type::Id(id) = ty else { return Ok(Some(ty)) };
    let TypeDefKind::Result(result) = &resolve.types[id].kind else { return Ok(Some(ty)) };
    match result.err.map(|err| is_refusal(resolve, err)) {
        Some(true) => Ok(result.ok),
        _ => Err("the error of its result is no `refusal`".into()),
    }
}

fn is_refusal(resolve: &Resolve, ty: Type) -> bool {
    let Type::Id(id) = ty else { return false };
    let def = &resolve.types[id];
    match (&def.kind, def.name.as_deref()) {
        (TypeDefKind::Type(ty), _) => is_refusal(resolve, *ty),
        (TypeDefKind::Variant(_), Some("refusal")) => true,
        _ => false,
    }
}

/// Passes values through a Rust type: valid ones come back as they were, invalid ones are refused.
pub(crate) fn through(
    what: &str,
    pass: fn(Value) -> Result<Value, serde_json::Error>,
    valid: &[Value],
    invalid: &[Value],
) -> Vec<String> {
    let mut found = Vec::new();
    for value in valid {
        match pass(value.clone()) {
            Ok(back) if back == *value => {}
            Ok(back) => found.push(format!("{what}: {value} comes back as {back}")),
            Err(error) => found.push(format!("{what}: {value} is refused: {error}")),
        }
    }
    for value in invalid {
        if let Ok(back) = pass(value.clone()) {
            found.push(format!("{what}: {value} is accepted, as {back}"));
        }
    }
    found
}
