//! JSON values of a WIT type, and nearly valid ones.

use serde_json::{Map, Value, json};
use wit_parser::{Resolve, Type, TypeDefKind};

/// Values that together cover every field, case and bound of the type. The first one is the simplest.
pub(crate) fn valid(resolve: &Resolve, ty: &Type) -> Vec<Value> {
    match ty {
        Type::Bool => vec![json!(true), json!(false)],
        Type::U8 => vec![json!(7), json!(0), json!(u8::MAX)],
        Type::U16 => vec![json!(7), json!(0), json!(u16::MAX)],
        Type::U32 => vec![json!(7), json!(0), json!(u32::MAX)],
        Type::U64 => vec![json!(7), json!(0), json!(u64::MAX)],
        Type::S32 => vec![json!(7), json!(i32::MIN), json!(i32::MAX)],
        Type::S64 => vec![json!(7), json!(i64::MIN), json!(i64::MAX)],
        Type::F64 => vec![json!(0.5), json!(-1e300)],
        Type::String => vec![json!("text"), json!(""), json!("ø \u{1f980}")],
        Type::Id(id) => named(resolve, &resolve.types[*id].kind, Kind::Valid),
        other => panic!("a type that no package uses: {other:?}"),
    }
}

/// Values that are not of this type, each for one reason.
pub(crate) fn invalid(resolve: &Resolve, ty: &Type) -> Vec<Value> {
    let above = |max: u64| vec![json!(max + 1), json!(-1), json!(0.5), json!("7"), Value::Null];
    match ty {
        Type::Bool => vec![json!("true"), json!(1), Value::Null],
        Type::U8 => above(u8::MAX.into()),
        Type::U16 => above(u16::MAX.into()),
        Type::U32 => above(u32::MAX.into()),
        Type::U64 => vec![json!(-1), json!(0.5), json!("7"), Value::Null],
        Type::S32 => vec![json!(i64::from(i32::MAX) + 1), json!(i64::from(i32::MIN) - 1), json!(0.5), json!("7")],
        Type::S64 => vec![json!(u64::MAX), json!(0.5), json!("7")],
        Type::F64 => vec![json!("0.5"), json!(true)],
        Type::String => vec![json!(7), json!(true), Value::Null],
        Type::Id(id) => named(resolve, &resolve.types[*id].kind, Kind::Invalid),
        other => panic!("a type that no package uses: {other:?}"),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Valid,
    Invalid,
}

impl Kind {
    fn of(self, resolve: &Resolve, ty: &Type) -> Vec<Value> {
        if self == Kind::Valid { valid(resolve, ty) } else { invalid(resolve, ty) }
    }
}

fn plain(resolve: &Resolve, ty: &Type) -> Value {
    valid(resolve, ty).swap_remove(0)
}

fn named(resolve: &Resolve, ty: &TypeDefKind, kind: Kind) -> Vec<Value> {
    match ty {
        TypeDefKind::Type(ty) => kind.of(resolve, ty),
        TypeDefKind::Option(ty) => {
            let mut values = kind.of(resolve, ty);
            match kind {
                Kind::Valid => values.push(Value::Null),
                Kind::Invalid => values.retain(|value| !value.is_null()),
            }
            values
        }
        TypeDefKind::List(ty) => {
            let mut values: Vec<Value> = kind.of(resolve, ty).into_iter().map(|value| json!([value])).collect();
            values.push(if kind == Kind::Valid { json!([]) } else { json!({}) });
            values
        }
        TypeDefKind::Tuple(tuple) => {
            let whole: Vec<Value> = tuple.types.iter().map(|ty| plain(resolve, ty)).collect();
            let mut values = if kind == Kind::Valid { vec![json!(whole)] } else { vec![json!(whole[1..])] };
            for (index, ty) in tuple.types.iter().enumerate() {
                values.extend(kind.of(resolve, ty).into_iter().map(|value| {
                    let mut changed = whole.clone();
                    changed[index] = value;
                    json!(changed)
                }));
            }
            values
        }
        TypeDefKind::Record(record) => {
            let fields: Vec<(&str, &Type)> = record.fields.iter().map(|field| (&*field.name, &field.ty)).collect();
            fields_of(resolve, &fields, kind)
        }
        TypeDefKind::Enum(cases) => match kind {
            Kind::Valid => cases.cases.iter().map(|case| json!(case.name)).collect(),
            Kind::Invalid => vec![json!("no-such-case"), json!(0), Value::Null],
        },
        TypeDefKind::Variant(variant) => {
            let mut values = if kind == Kind::Valid { vec![] } else { vec![json!("no-such-case"), Value::Null] };
            for case in &variant.cases {
                match &case.ty {
                    Some(ty) => {
                        let payloads = kind.of(resolve, ty).into_iter();
                        values.extend(payloads.map(|payload| json!({ case.name.clone(): payload })));
                    }
                    None if kind == Kind::Valid => values.push(json!(case.name)),
                    None => values.push(json!({ case.name.clone(): 7 })),
                }
            }
            values
        }
        other => panic!("a kind of type that no package uses: {other:?}"),
    }
}

/// The same for the fields of a record or the parameters of a function.
pub(crate) fn valid_fields(resolve: &Resolve, fields: &[(&str, &Type)]) -> Vec<Value> {
    fields_of(resolve, fields, Kind::Valid)
}

/// Invalid values for fields.
pub(crate) fn invalid_fields(resolve: &Resolve, fields: &[(&str, &Type)]) -> Vec<Value> {
    fields_of(resolve, fields, Kind::Invalid)
}

fn fields_of(resolve: &Resolve, fields: &[(&str, &Type)], kind: Kind) -> Vec<Value> {
    let whole: Map<String, Value> = fields.iter().map(|(name, ty)| ((*name).to_owned(), plain(resolve, ty))).collect();
    let mut values = if kind == Kind::Valid { vec![Value::Object(whole.clone())] } else { vec![] };
    for (name, ty) in fields {
        values.extend(kind.of(resolve, ty).into_iter().map(|value| {
            let mut changed = whole.clone();
            changed.insert((*name).to_owned(), value);
            Value::Object(changed)
        }));
        if kind == Kind::Invalid && !is_option(resolve, ty) {
            let mut changed = whole.clone();
            changed.remove(*name);
            values.push(Value::Object(changed));
        }
    }
    values
}

fn is_option(resolve: &Resolve, ty: &Type) -> bool {
    match ty {
        Type::Id(id) => match &resolve.types[*id].kind {
            TypeDefKind::Option(_) => true,
            TypeDefKind::Type(ty) => is_option(resolve, ty),
            _ => false,
        },
        _ => false,
    }
}
