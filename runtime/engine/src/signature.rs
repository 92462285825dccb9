//! The shape of functions as text: from a component's types and from the contract, to compare them at loading.

use std::fmt::Write as _;

use wasmtime::component::Type;
use wasmtime::component::types::ComponentFunc;
use wit_parser::{Resolve, TypeDefKind};

/// `func(what: record{…}) -> result<…>` of a component's function.
pub(crate) fn of_func(func: &ComponentFunc) -> String {
    let params: Vec<String> = func.params().map(|(name, ty)| format!("{name}: {}", of_type(&ty))).collect();
    let result: Vec<String> = func.results().map(|ty| of_type(&ty)).collect();
    format!("func({}) -> {}", params.join(", "), result.join(", "))
}

/// The shape of a component's type.
pub(crate) fn of_type(ty: &Type) -> String {
    let optional = |ty: Option<Type>| ty.map_or_else(|| "_".to_owned(), |ty| of_type(&ty));
    match ty {
        Type::Bool => "bool".into(),
        Type::S8 => "s8".into(),
        Type::U8 => "u8".into(),
        Type::S16 => "s16".into(),
        Type::U16 => "u16".into(),
        Type::S32 => "s32".into(),
        Type::U32 => "u32".into(),
        Type::S64 => "s64".into(),
        Type::U64 => "u64".into(),
        Type::Float32 => "f32".into(),
        Type::Float64 => "f64".into(),
        Type::Char => "char".into(),
        Type::String => "string".into(),
        Type::List(list) => format!("list<{}>", of_type(&list.ty())),
        Type::Option(option) => format!("option<{}>", of_type(&option.ty())),
        Type::Result(result) => format!("result<{}, {}>", optional(result.ok()), optional(result.err())),
        Type::Tuple(tuple) => braced("tuple", tuple.types().map(|ty| of_type(&ty))),
        Type::Record(record) => {
            braced("record", record.fields().map(|field| format!("{}: {}", field.name, of_type(&field.ty))))
        }
        Type::Variant(variant) => {
            braced("variant", variant.cases().map(|case| format!("{}({})", case.name, optional(case.ty))))
        }
        Type::Enum(cases) => braced("enum", cases.names().map(str::to_owned)),
        Type::Flags(flags) => braced("flags", flags.names().map(str::to_owned)),
        _ => "a type that is not in the contract".into(),
    }
}

/// The same of a function of the contract.
pub(crate) fn of_contract(resolve: &Resolve, func: &wit_parser::Function) -> String {
    let params: Vec<String> =
        func.params.iter().map(|param| format!("{}: {}", param.name, of_wit(resolve, &param.ty))).collect();
    let result = func.result.as_ref().map(|ty| of_wit(resolve, ty)).unwrap_or_default();
    format!("func({}) -> {result}", params.join(", "))
}

fn of_wit(resolve: &Resolve, ty: &wit_parser::Type) -> String {
    use wit_parser::Type as T;
    let optional = |ty: &Option<wit_parser::Type>| ty.as_ref().map_or_else(|| "_".to_owned(), |ty| of_wit(resolve, ty));
    let id = match ty {
        T::Bool => return "bool".into(),
        T::S8 => return "s8".into(),
        T::U8 => return "u8".into(),
        T::S16 => return "s16".into(),
        T::U16 => return "u16".into(),
        T::S32 => return "s32".into(),
        T::U32 => return "u32".into(),
        T::S64 => return "s64".into(),
        T::U64 => return "u64".into(),
        T::F32 => return "f32".into(),
        T::F64 => return "f64".into(),
        T::Char => return "char".into(),
        T::String => return "string".into(),
        T::Id(id) => *id,
        _ => return "a type that ansai does not use".into(),
    };
    let Some(definition) = resolve.types.get(id) else { return String::new() };
    match &definition.kind {
        TypeDefKind::Type(ty) => of_wit(resolve, ty),
        TypeDefKind::List(ty) => format!("list<{}>", of_wit(resolve, ty)),
        TypeDefKind::Option(ty) => format!("option<{}>", of_wit(resolve, ty)),
        TypeDefKind::Result(result) => format!("result<{}, {}>", optional(&result.ok), optional(&result.err)),
        TypeDefKind::Tuple(tuple) => braced("tuple", tuple.types.iter().map(|ty| of_wit(resolve, ty))),
        TypeDefKind::Record(record) => {
            braced("record", record.fields.iter().map(|f| format!("{}: {}", f.name, of_wit(resolve, &f.ty))))
        }
        TypeDefKind::Variant(variant) => {
            braced("variant", variant.cases.iter().map(|case| format!("{}({})", case.name, optional(&case.ty))))
        }
        TypeDefKind::Enum(cases) => braced("enum", cases.cases.iter().map(|case| case.name.clone())),
        TypeDefKind::Flags(flags) => braced("flags", flags.flags.iter().map(|flag| flag.name.clone())),
        _ => "a type that ansai does not use".into(),
    }
}

fn braced(kind: &str, parts: impl Iterator<Item = String>) -> String {
    let mut out = format!("{kind}{{");
    for (index, part) in parts.enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{}{part}", if index == 0 { "" } else { ", " });
    }
    out.push('}');
    out
}
