//! Builds the reference from WIT and the registry.

use ansai_core::InterfaceName;
use ansai_kit::registry::{InterfaceDef, Registry};
use wit_parser::{Docs, Resolve, TypeDefKind, TypeId, WorldItem};

use super::written::{kind, taken_from};
use super::{
    Function, Interface, Member, Package, Parameter, Reference, ReferenceError, Type, Written, bounds, stanza,
};

impl Reference {
    /// Builds the reference of what a registry offers.
    ///
    /// # Errors
    /// If the embedded contract cannot be parsed.
    pub fn of(registry: &Registry) -> Result<Reference, ReferenceError> {
        let mut resolve = Resolve::default();
        let mut packages = Vec::new();
        for (name, text) in ansai_kit::wit::PACKAGES {
            let id = resolve.push_str(name, text).map_err(|error| ReferenceError(format!("{name}: {error:#}")))?;
            packages.push(id);
        }
        let packages = packages.into_iter().filter_map(|id| {
            let package = resolve.packages.get(id)?;
            let interfaces = package.interfaces.values().filter_map(|id| interface(&resolve, *id, registry));
            Some(Package {
                name: package.name.name.clone(),
                version: package.name.version.as_ref().map(ToString::to_string).unwrap_or_default(),
                about: text(&package.docs),
                interfaces: interfaces.collect(),
            })
        });
        let exports =
            resolve.worlds.iter().flat_map(|(_, world)| world.exports.values()).filter_map(|item| match item {
                WorldItem::Function(one) => Some(function(&resolve, one, None)),
                _ => None,
            });
        Ok(Reference { packages: packages.collect(), exports: exports.collect() })
    }
}

fn interface(resolve: &Resolve, id: wit_parser::InterfaceId, registry: &Registry) -> Option<Interface> {
    let found = resolve.interfaces.get(id)?;
    let import: InterfaceName = resolve.id_of(id)?.parse().ok()?;
    let entry = registry.interface(&import);
    // Skips interfaces that the host does not offer. Interfaces with only types stay.
    if entry.is_none() && !found.functions.is_empty() {
        return None;
    }
    let of_entry = entry.map(|entry| &entry.interface);
    let functions = found.functions.values().map(|one| function(resolve, one, entry)).collect();
    let own = found.types.iter().filter(|(_, id)| taken_from(resolve, **id).is_none());
    let types = own.filter_map(|(name, id)| definition(resolve, name, *id)).collect();
    Some(Interface {
        short: found.name.clone()?,
        name: import.without_version(),
        import,
        about: text(&found.docs),
        kind: of_entry.map(|one| one.kind),
        ability: of_entry.map_or("", |one| one.ability),
        sensitivity: of_entry.map(|one| one.sensitivity),
        scope: of_entry.iter().flat_map(|one| one.fields).map(bounds::key).collect(),
        request: of_entry.map(stanza::request).unwrap_or_default(),
        grant: of_entry.map(stanza::grant).unwrap_or_default(),
        functions,
        types,
    })
}

fn function(resolve: &Resolve, one: &wit_parser::Function, entry: Option<&InterfaceDef>) -> Function {
    let of_type = |id: TypeId| resolve.types.get(id).map(|definition| &definition.kind);
    let (answer, refusal) = match one.result {
        Some(wit_parser::Type::Id(id)) if matches!(of_type(id), Some(TypeDefKind::Result(_))) => match of_type(id) {
            Some(TypeDefKind::Result(result)) => (result.ok, result.err),
            _ => (None, None),
        },
        other => (other, None),
    };
    let known = entry.and_then(|entry| entry.functions.iter().find(|known| known.name == one.name));
    Function {
        name: one.name.clone(),
        about: text(&one.docs),
        parameters: one
            .params
            .iter()
            .map(|parameter| Parameter { name: parameter.name.clone(), ty: Written::of(resolve, &parameter.ty) })
            .collect(),
        answer: answer.map(|ty| Written::of(resolve, &ty)),
        refusal: refusal.map(|ty| Written::of(resolve, &ty)),
        bounds: known.iter().flat_map(|known| known.checks).map(bounds::bound).collect(),
    }
}

fn definition(resolve: &Resolve, name: &str, id: TypeId) -> Option<Type> {
    let found = resolve.types.get(id)?;
    let member = |name: &str, ty: Option<&wit_parser::Type>, docs: &Docs| Member {
        name: name.to_owned(),
        ty: ty.map(|ty| Written::of(resolve, ty)),
        about: text(docs),
    };
    let members: Vec<Member> = match &found.kind {
        TypeDefKind::Record(record) => {
            record.fields.iter().map(|field| member(&field.name, Some(&field.ty), &field.docs)).collect()
        }
        TypeDefKind::Variant(variant) => {
            variant.cases.iter().map(|case| member(&case.name, case.ty.as_ref(), &case.docs)).collect()
        }
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| member(&case.name, None, &case.docs)).collect(),
        TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| member(&flag.name, None, &flag.docs)).collect(),
        _ => Vec::new(),
    };
    let kind = kind(&found.kind);
    Some(Type {
        name: name.to_owned(),
        kind,
        about: text(&found.docs),
        alias: (kind == "type").then(|| Written::of_kind(resolve, &found.kind)),
        members,
    })
}

fn text(docs: &Docs) -> String {
    docs.contents.as_deref().unwrap_or_default().trim().to_owned()
}
