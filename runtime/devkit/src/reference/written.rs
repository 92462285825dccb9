//! A type in WIT notation, with a link target for each name in it.

use serde::{Serialize, Serializer};
use wit_parser::{Resolve, Type, TypeDefKind, TypeId, TypeOwner};

/// A type such as `result<list<sample>, refusal>`, split into parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written(pub Vec<Part>);

/// A piece of a type's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The text.
    pub text: String,
    /// Where the name is defined, if the text is a name.
    pub target: Option<Target>,
}

/// The place of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Package without `ansai:`.
    pub package: String,
    /// Last part of the interface's name.
    pub interface: String,
    /// `record`, `variant`, `enum`, `flags` or `type`.
    pub kind: &'static str,
    /// Name of the type.
    pub name: String,
}

impl Written {
    pub(super) fn of(resolve: &Resolve, ty: &Type) -> Written {
        let mut written = Written::default();
        written.add(resolve, ty);
        written
    }

    /// The type that an alias stands for.
    pub(super) fn of_kind(resolve: &Resolve, kind: &TypeDefKind) -> Written {
        let mut written = Written::default();
        written.add_kind(resolve, kind);
        written
    }

    /// The definitions that the names refer to.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.0.iter().filter_map(|part| part.target.as_ref())
    }

    fn plain(&mut self, text: &str) {
        self.0.push(Part { text: text.to_owned(), target: None });
    }

    fn add(&mut self, resolve: &Resolve, ty: &Type) {
        match ty {
            Type::Id(id) => match resolve.types.get(*id).and_then(|definition| definition.name.clone()) {
                Some(name) => self.0.push(Part { target: target(resolve, *id), text: name }),
                None => {
                    if let Some(definition) = resolve.types.get(*id) {
                        self.add_kind(resolve, &definition.kind);
                    }
                }
            },
            Type::Bool => self.plain("bool"),
            Type::U8 => self.plain("u8"),
            Type::U16 => self.plain("u16"),
            Type::U32 => self.plain("u32"),
            Type::U64 => self.plain("u64"),
            Type::S8 => self.plain("s8"),
            Type::S16 => self.plain("s16"),
            Type::S32 => self.plain("s32"),
            Type::S64 => self.plain("s64"),
            Type::F32 => self.plain("f32"),
            Type::F64 => self.plain("f64"),
            Type::Char => self.plain("char"),
            Type::String => self.plain("string"),
            Type::ErrorContext => self.plain("error-context"),
        }
    }

    fn add_kind(&mut self, resolve: &Resolve, kind: &TypeDefKind) {
        match kind {
            TypeDefKind::Type(ty) => self.add(resolve, ty),
            TypeDefKind::Option(ty) => self.around("option", resolve, &[Some(*ty)]),
            TypeDefKind::List(ty) => self.around("list", resolve, &[Some(*ty)]),
            TypeDefKind::Tuple(tuple) => {
                let types: Vec<Option<Type>> = tuple.types.iter().copied().map(Some).collect();
                self.around("tuple", resolve, &types);
            }
            TypeDefKind::Result(result) => self.around("result", resolve, &[result.ok, result.err]),
            // The contract has no other unnamed types; a test checks every type.
            other => self.plain(other.as_str()),
        }
    }

    fn around(&mut self, name: &str, resolve: &Resolve, types: &[Option<Type>]) {
        self.plain(name);
        self.plain("<");
        for (index, ty) in types.iter().enumerate() {
            if index > 0 {
                self.plain(", ");
            }
            match ty {
                Some(ty) => self.add(resolve, ty),
                None => self.plain("_"),
            }
        }
        self.plain(">");
    }
}

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|part| f.write_str(&part.text))
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The WIT keyword of a type.
pub(super) fn kind(kind: &TypeDefKind) -> &'static str {
    match kind {
        TypeDefKind::Record(_) => "record",
        TypeDefKind::Variant(_) => "variant",
        TypeDefKind::Enum(_) => "enum",
        TypeDefKind::Flags(_) => "flags",
        _ => "type",
    }
}

/// Where a type is defined, following every `use`.
fn target(resolve: &Resolve, id: TypeId) -> Option<Target> {
    if let Some(origin) = taken_from(resolve, id) {
        return target(resolve, origin);
    }
    let definition = resolve.types.get(id)?;
    let TypeOwner::Interface(owner) = definition.owner else { return None };
    let interface = resolve.interfaces.get(owner)?;
    let package = resolve.packages.get(interface.package?)?;
    Some(Target {
        package: package.name.name.clone(),
        interface: interface.name.clone()?,
        kind: kind(&definition.kind),
        name: definition.name.clone()?,
    })
}

/// The type of another interface that an interface or a world imports with `use` under this id.
pub(super) fn taken_from(resolve: &Resolve, id: TypeId) -> Option<TypeId> {
    let definition = resolve.types.get(id)?;
    let TypeDefKind::Type(Type::Id(origin)) = definition.kind else { return None };
    (resolve.types.get(origin)?.owner != definition.owner).then_some(origin)
}
