//! What crosses the boundary of a component: the functions of its world and their types, as JSON. JavaScript and Python
//! have no types that their glue could check, so an entry point that knows this description surrounds the policy: it
//! names the field of a value that does not fit, where the glue would trap or change the value.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wit_parser::{Function, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner, WorldId, WorldItem};

/// The functions of a world.
#[derive(Default)]
pub(super) struct Crossing {
    /// By interface, with its version: its functions by name.
    pub(super) imports: BTreeMap<String, BTreeMap<String, Value>>,
    /// By name.
    pub(super) exports: BTreeMap<String, Value>,
}

impl Crossing {
    pub(super) fn of(resolve: &Resolve, world: WorldId) -> Crossing {
        let mut found = Crossing::default();
        let Some(world) = resolve.worlds.get(world) else { return found };
        for (key, item) in &world.imports {
            if let WorldItem::Interface { id, .. } = item
                && let Some(interface) = resolve.interfaces.get(*id)
            {
                let functions = interface.functions.values().map(|one| (one.name.clone(), function(resolve, one)));
                found.imports.insert(resolve.name_world_key(key), functions.collect());
            }
        }
        for item in world.exports.values() {
            if let WorldItem::Function(one) = item {
                found.exports.insert(one.name.clone(), function(resolve, one));
            }
        }
        found
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "imports": self.imports, "exports": self.exports })
    }
}

/// `{"params": [["key", "string"]], "ok": TYPE, "err": TYPE}`; a type is `null` where there is no value.
fn function(resolve: &Resolve, function: &Function) -> Value {
    let params: Vec<Value> = function.params.iter().map(|one| json!([one.name, written(resolve, &one.ty)])).collect();
    let result = function.result.as_ref();
    let (ok, err) = match result.and_then(|ty| definition(resolve, ty)).map(|(_, found)| &found.kind) {
        Some(TypeDefKind::Result(result)) => (result.ok.as_ref(), result.err.as_ref()),
        _ => (result, None),
    };
    let written = |ty: Option<&Type>| ty.map_or(Value::Null, |ty| written(resolve, ty));
    json!({ "params": params, "ok": written(ok), "err": written(err) })
}

/// `"u64"`, `{"list": TYPE}`, `{"option": TYPE}`, or a type with a name and its interface: `{"record": [["key", TYPE]]}`,
/// `{"variant": [["wait", TYPE]]}`, `{"enum": ["stop"]}`. The contract has no other kinds; they are not checked.
fn written(resolve: &Resolve, ty: &Type) -> Value {
    let Some((id, found)) = definition(resolve, ty) else { return json!(primitive(ty)) };
    let (kind, parts) = match &found.kind {
        TypeDefKind::List(of) => return json!({ "list": written(resolve, of) }),
        TypeDefKind::Option(of) => return json!({ "option": written(resolve, of) }),
        TypeDefKind::Type(other) => return written(resolve, other),
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter().map(|field| json!([field.name, written(resolve, &field.ty)]));
            ("record", fields.collect::<Vec<_>>())
        }
        TypeDefKind::Variant(variant) => {
            let case = |ty: &Option<Type>| ty.as_ref().map_or(Value::Null, |ty| written(resolve, ty));
            ("variant", variant.cases.iter().map(|one| json!([one.name, case(&one.ty)])).collect())
        }
        TypeDefKind::Enum(cases) => ("enum", cases.cases.iter().map(|one| json!(one.name)).collect()),
        _ => return Value::Null,
    };
    let interface = match resolve.types.get(id).map(|found| found.owner) {
        Some(TypeOwner::Interface(owner)) => resolve.id_of(owner),
        _ => None,
    };
    json!({ kind: parts, "name": found.name, "in": interface })
}

/// The definition of a type, behind all names that other interfaces give it.
fn definition<'r>(resolve: &'r Resolve, ty: &Type) -> Option<(TypeId, &'r TypeDef)> {
    let Type::Id(id) = ty else { return None };
    let found = resolve.types.get(*id)?;
    match &found.kind {
        TypeDefKind::Type(other @ Type::Id(_)) => definition(resolve, other),
        _ => Some((*id, found)),
    }
}

fn primitive(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char | Type::String => "string",
        Type::Id(_) | Type::ErrorContext => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn world() -> Crossing {
        let text = "package local:test;\nworld test {\n  include ansai:policy/policy@0.2.0;\n  import \
                    ansai:files/files-actions@0.2.0;\n}\n";
        let parsed = crate::build::world::parse(text);
        let Ok((resolve, world)) = parsed else { return Crossing::default() };
        Crossing::of(&resolve, world)
    }

    /// Whatever is not described is not checked.
    #[test]
    fn everything_that_crosses_is_described() {
        fn unknown(value: &Value, path: &str, found: &mut Vec<String>) {
            match value {
                // A case of a variant may have no value.
                Value::Null if !path.contains("/variant/") => found.push(path.into()),
                Value::Array(list) => {
                    list.iter().enumerate().for_each(|(at, one)| unknown(one, &format!("{path}/{at}"), found));
                }
                Value::Object(map) => map.iter().for_each(|(key, one)| unknown(one, &format!("{path}/{key}"), found)),
                _ => {}
            }
        }
        let crossing = world();
        let of = |interface: &str| crossing.imports.get(interface).map_or(0, BTreeMap::len);
        assert!(of("ansai:policy/context@0.2.0") > 10 && of("ansai:files/files-actions@0.2.0") > 1);
        assert_eq!(crossing.exports.keys().collect::<Vec<_>>(), ["detect", "plan"]);
        for (name, function) in crossing.imports.values().flatten().chain(&crossing.exports) {
            let mut found = Vec::new();
            unknown(&function["params"], name, &mut found);
            unknown(&json!([function["ok"]]), name, &mut found);
            found.retain(|path| function["ok"] != Value::Null || path != &format!("{name}/0"));
            assert_eq!(found, Vec::<String>::new());
        }
    }

    #[test]
    fn a_type_is_that_of_its_interface() {
        let plan = &world().exports["plan"];
        assert_eq!(plan["ok"]["name"], "decision");
        assert_eq!(plan["ok"]["in"], "ansai:policy/types@0.2.0");
        assert_eq!(plan["ok"]["variant"][2], json!(["wait", "string"]));
        assert_eq!(plan["params"][0][1]["record"][0], json!(["key", "string"]));
        assert_eq!(plan["err"]["name"], "failure");
    }
}
