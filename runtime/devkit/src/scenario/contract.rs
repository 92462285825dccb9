//! The types of the contract, for checking values from a scenario before a policy sees them.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use ansai_core::InterfaceName;
use ansai_kit::wit::PACKAGES;
use wit_parser::{Resolve, TypeDefKind, TypeId};

/// A type in its JSON form, as serde derives it for the host's types.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ty {
    Bool,
    /// An integer within bounds, both inclusive.
    Whole(i128, i128),
    Number,
    Char,
    Text,
    Enum(Vec<String>),
    Flags(Vec<String>),
    Option(Box<Ty>),
    List(Box<Ty>),
    Tuple(Vec<Ty>),
    Record(Vec<(String, Ty)>),
    Variant(Vec<(String, Option<Ty>)>),
    /// A type that the contract does not use.
    Foreign,
}

impl Ty {
    /// The type of a record's field.
    pub(super) fn field(&self, name: &str) -> Option<&Ty> {
        match self {
            Ty::Record(fields) => fields.iter().find(|(known, _)| known == name).map(|(_, ty)| ty),
            _ => None,
        }
    }
}

/// A function of the contract.
#[derive(Debug)]
pub(super) struct Function {
    /// Its parameters, as a record.
    pub(super) parameters: Ty,
    /// Type of the answer; `None` if it returns nothing.
    pub(super) answer: Option<Ty>,
    /// Whether it can be refused.
    pub(super) refusable: bool,
}

/// The whole contract.
#[derive(Debug, Default)]
pub(super) struct Contract {
    /// Functions by name: `ansai:disk/disk-probe.list-filesystems`.
    pub(super) functions: BTreeMap<String, Function>,
    /// Types of `ansai:policy/types`: `observation`, `decision`, …
    types: HashMap<String, Ty>,
}

impl Contract {
    /// Returns a type of `ansai:policy/types`.
    pub(super) fn named(&self, name: &str) -> &Ty {
        self.types.get(name).unwrap_or(&Ty::Foreign)
    }
}

/// The contract, read once. The texts are compiled in and tested. If they cannot be read, nothing is checked.
pub(super) fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| read().unwrap_or_default())
}

fn read() -> Option<Contract> {
    let mut resolve = Resolve::default();
    for (name, text) in PACKAGES {
        resolve.push_str(name, text).ok()?;
    }
    let mut contract = Contract::default();
    for (id, interface) in resolve.interfaces.iter() {
        let name = resolve.id_of(id)?.parse::<InterfaceName>().ok()?.without_version();
        for (function, found) in &interface.functions {
            let parameters = found.params.iter().map(|one| (one.name.clone(), of(&resolve, &one.ty))).collect();
            let (answer, refusable) = match found.result.as_ref().map(|ty| result_of(&resolve, ty)) {
                None => (None, false),
                Some(Ok(ok)) => (ok, true),
                Some(Err(plain)) => (Some(plain), false),
            };
            let function_name = format!("{name}.{function}");
            contract
                .functions
                .insert(function_name, Function { parameters: Ty::Record(parameters), answer, refusable });
        }
        if name == "ansai:policy/types" {
            contract.types.extend(interface.types.iter().map(|(name, id)| (name.clone(), defined(&resolve, *id))));
        }
    }
    Some(contract)
}

/// `Ok` with the success type of a result, `Err` with any other type.
fn result_of(resolve: &Resolve, ty: &wit_parser::Type) -> Result<Option<Ty>, Ty> {
    if let wit_parser::Type::Id(id) = ty
        && let Some(TypeDefKind::Result(result)) = resolve.types.get(*id).map(|definition| &definition.kind)
    {
        return Ok(result.ok.as_ref().map(|ty| of(resolve, ty)));
    }
    Err(of(resolve, ty))
}

fn of(resolve: &Resolve, ty: &wit_parser::Type) -> Ty {
    use wit_parser::Type as T;
    match ty {
        T::Bool => Ty::Bool,
        T::S8 => Ty::Whole(i8::MIN.into(), i8::MAX.into()),
        T::U8 => Ty::Whole(0, u8::MAX.into()),
        T::S16 => Ty::Whole(i16::MIN.into(), i16::MAX.into()),
        T::U16 => Ty::Whole(0, u16::MAX.into()),
        T::S32 => Ty::Whole(i32::MIN.into(), i32::MAX.into()),
        T::U32 => Ty::Whole(0, u32::MAX.into()),
        T::S64 => Ty::Whole(i64::MIN.into(), i64::MAX.into()),
        T::U64 => Ty::Whole(0, u64::MAX.into()),
        T::F32 | T::F64 => Ty::Number,
        T::Char => Ty::Char,
        T::String => Ty::Text,
        T::Id(id) => defined(resolve, *id),
        _ => Ty::Foreign,
    }
}

/// Recursion ends: the types of the contract are not circular.
fn defined(resolve: &Resolve, id: TypeId) -> Ty {
    let Some(definition) = resolve.types.get(id) else { return Ty::Foreign };
    match &definition.kind {
        TypeDefKind::Type(ty) => of(resolve, ty),
        TypeDefKind::List(ty) => Ty::List(Box::new(of(resolve, ty))),
        TypeDefKind::Option(ty) => Ty::Option(Box::new(of(resolve, ty))),
        TypeDefKind::Tuple(tuple) => Ty::Tuple(tuple.types.iter().map(|ty| of(resolve, ty)).collect()),
        TypeDefKind::Record(record) => {
            Ty::Record(record.fields.iter().map(|field| (field.name.clone(), of(resolve, &field.ty))).collect())
        }
        TypeDefKind::Variant(variant) => Ty::Variant(
            variant.cases.iter().map(|case| (case.name.clone(), case.ty.as_ref().map(|ty| of(resolve, ty)))).collect(),
        ),
        TypeDefKind::Enum(cases) => Ty::Enum(cases.cases.iter().map(|case| case.name.clone()).collect()),
        TypeDefKind::Flags(flags) => Ty::Flags(flags.flags.iter().map(|flag| flag.name.clone()).collect()),
        _ => Ty::Foreign,
    }
}
