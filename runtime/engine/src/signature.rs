//! Signatures of functions as text. Loading compares those of a component with those of the contract.

use std::fmt::Write as _;

use wasmtime::component::Type;
use wasmtime::component::types::ComponentFunc;
use wit_parser::{Resolve, TypeDefKind};

/// Maximum length of a signature; those of the contract are shorter. Types that are small in a component may be huge when
/// written in full: a tuple of two tuples of two tuples, and so on. A longer signature is cut, and then equals none of the
/// contract.
pub(crate) const MAX: usize = 64 << 10;

/// The signature of a function of a component: `func(what: record{…}) -> result<…>`.
pub(crate) fn of_func(func: &ComponentFunc) -> String {
    let mut signature = Signature(String::new());
    signature.text("func(");
    signature.parts(func.params(), |signature, (name, ty)| {
        signature.text(name);
        signature.text(": ");
        signature.ty(&ty);
    });
    signature.text(") -> ");
    signature.parts(func.results(), |signature, ty| signature.ty(&ty));
    signature.0
}

/// Text of at most [`MAX`] bytes. Each step of a walk through types writes something, so the walk ends too.
struct Signature(String);

impl Signature {
    fn full(&self) -> bool {
        self.0.len() > MAX
    }

    fn text(&mut self, text: &str) {
        if self.0.len() + text.len() <= MAX {
            self.0.push_str(text);
        } else if !self.full() {
            // Longer than every complete signature.
            self.0.extend(std::iter::repeat_n('…', MAX.saturating_sub(self.0.len()) / '…'.len_utf8() + 1));
        }
    }

    /// Writes parts separated by commas.
    fn parts<T>(&mut self, parts: impl Iterator<Item = T>, mut each: impl FnMut(&mut Signature, T)) {
        for (index, part) in parts.enumerate() {
            if self.full() {
                return;
            }
            if index > 0 {
                self.text(", ");
            }
            each(self, part);
        }
    }

    fn braced<T>(&mut self, kind: &str, parts: impl Iterator<Item = T>, each: impl FnMut(&mut Signature, T)) {
        self.text(kind);
        self.text("{");
        self.parts(parts, each);
        self.text("}");
    }

    fn optional(&mut self, ty: Option<&Type>) {
        match ty {
            Some(ty) => self.ty(ty),
            None => self.text("_"),
        }
    }

    /// Recurses as deep as types are nested, which wasmtime limits to 100.
    fn ty(&mut self, ty: &Type) {
        if self.full() {
            return;
        }
        match ty {
            Type::Bool => self.text("bool"),
            Type::S8 => self.text("s8"),
            Type::U8 => self.text("u8"),
            Type::S16 => self.text("s16"),
            Type::U16 => self.text("u16"),
            Type::S32 => self.text("s32"),
            Type::U32 => self.text("u32"),
            Type::S64 => self.text("s64"),
            Type::U64 => self.text("u64"),
            Type::Float32 => self.text("f32"),
            Type::Float64 => self.text("f64"),
            Type::Char => self.text("char"),
            Type::String => self.text("string"),
            Type::List(list) => {
                self.text("list<");
                self.ty(&list.ty());
                self.text(">");
            }
            Type::Option(option) => {
                self.text("option<");
                self.ty(&option.ty());
                self.text(">");
            }
            Type::Result(result) => {
                self.text("result<");
                self.optional(result.ok().as_ref());
                self.text(", ");
                self.optional(result.err().as_ref());
                self.text(">");
            }
            Type::Tuple(tuple) => self.braced("tuple", tuple.types(), |signature, ty| signature.ty(&ty)),
            Type::Record(record) => self.braced("record", record.fields(), |signature, field| {
                signature.text(field.name);
                signature.text(": ");
                signature.ty(&field.ty);
            }),
            Type::Variant(variant) => self.braced("variant", variant.cases(), |signature, case| {
                signature.text(case.name);
                signature.text("(");
                signature.optional(case.ty.as_ref());
                signature.text(")");
            }),
            Type::Enum(cases) => self.braced("enum", cases.names(), |signature, name| signature.text(name)),
            Type::Flags(flags) => self.braced("flags", flags.names(), |signature, name| signature.text(name)),
            _ => self.text("a type that is not in the contract"),
        }
    }
}

/// The signature of a function of the contract.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_a_shape_may_be_is_cut_and_equals_no_shorter_one() {
        let mut signature = Signature(String::new());
        signature.text(&"a".repeat(MAX));
        assert!(!signature.full());
        signature.text("b");
        assert!(signature.full() && signature.0.ends_with('…'));
        let length = signature.0.len();
        signature.text("b");
        assert_eq!(signature.0.len(), length);
    }
}
