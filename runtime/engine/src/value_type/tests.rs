#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
use ansai_kit::wit::PACKAGES;
use wasmtime::component::Val;
use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{Resolve, SizeAlign, Type as Wit, TypeDefKind};

use super::*;

fn of_wit(resolve: &Resolve, ty: &Wit) -> ValueType {
    let of = |ty: &Wit| of_wit(resolve, ty);
    let id = match ty {
        Wit::Bool => return ValueType::Bool,
        Wit::U8 => return ValueType::U8,
        Wit::U16 => return ValueType::U16,
        Wit::U32 => return ValueType::U32,
        Wit::S32 => return ValueType::S32,
        Wit::U64 => return ValueType::U64,
        Wit::S64 => return ValueType::S64,
        Wit::F64 => return ValueType::Float64,
        Wit::String => return ValueType::String,
        Wit::Id(id) => *id,
        other => panic!("{other:?}"),
    };
    match &resolve.types[id].kind {
        TypeDefKind::Type(ty) => of(ty),
        TypeDefKind::List(ty) => ValueType::list(of(ty)),
        TypeDefKind::Option(ty) => ValueType::option(of(ty)),
        TypeDefKind::Tuple(tuple) => ValueType::Tuple(fields(tuple.types.iter().map(|ty| ("", of(ty))))),
        TypeDefKind::Record(record) => {
            ValueType::Record(fields(record.fields.iter().map(|field| (field.name.as_str(), of(&field.ty)))))
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter().map(|case| (case.name.as_str(), case.ty.as_ref().map(of)));
            ValueType::Variant(Box::new(Cases::new(cases)))
        }
        TypeDefKind::Result(result) => {
            let cases = [("ok", result.ok.as_ref().map(of)), ("err", result.err.as_ref().map(of))];
            ValueType::Variant(Box::new(Cases::new(cases)))
        }
        TypeDefKind::Enum(cases) => ValueType::Enum(cases.cases.iter().map(|case| case.name.as_str().into()).collect()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_layout_is_that_of_the_canonical_abi() {
    let mut resolve = Resolve::default();
    for (name, text) in PACKAGES {
        resolve.push_str(name, text).unwrap();
    }
    let mut layout = SizeAlign::default();
    layout.fill(&resolve);
    let functions = resolve.interfaces.iter().flat_map(|(_, interface)| interface.functions.values());
    let results: Vec<&Wit> = functions.filter_map(|function| function.result.as_ref()).collect();
    assert!(results.len() > 30, "{}", results.len());
    let named = resolve.types.iter().map(|(id, _)| Wit::Id(id));
    for ty in results.into_iter().copied().chain(named) {
        let ours = of_wit(&resolve, &ty);
        let (size, alignment) = (layout.size(&ty).size_wasm32(), layout.align(&ty).align_wasm32());
        assert_eq!((ours.size(), ours.alignment()), (size, alignment), "{ours:?}");
        let mut flat = [WasmType::I32; 100];
        let mut flat = FlatTypes::new(&mut flat);
        assert!(resolve.push_flat(&ty, &mut flat));
        assert_eq!(ours.flat_count(), flat.to_vec().len(), "{ours:?}");
        match &ours {
            ValueType::Record(fields) => {
                let Wit::Id(id) = ty else { panic!() };
                let TypeDefKind::Record(record) = &resolve.types[id].kind else { continue };
                let offsets = layout.field_offsets(record.fields.iter().map(|field| &field.ty));
                let offsets: Vec<usize> = offsets.iter().map(|(offset, _)| offset.size_wasm32()).collect();
                assert_eq!(fields.iter().map(|field| field.offset).collect::<Vec<_>>(), offsets, "{ours:?}");
            }
            ValueType::Variant(cases) => {
                let Wit::Id(id) = ty else { panic!() };
                let TypeDefKind::Variant(variant) = &resolve.types[id].kind else { continue };
                let payloads = variant.cases.iter().map(|case| case.ty.as_ref());
                let offset = layout.payload_offset(variant.tag(), payloads).size_wasm32();
                assert_eq!(cases.payload_offset, offset, "{ours:?}");
            }
            _ => {}
        }
    }
}

fn disk() -> ValueType {
    ValueType::Record(fields([
        ("name", ValueType::String),
        ("note", ValueType::option(ValueType::String)),
        ("sizes", ValueType::list(ValueType::U32)),
    ]))
}

fn read(text: &str) -> Result<Vec<(String, Val)>, String> {
    match disk().parse(text) {
        Ok(Val::Record(fields)) => Ok(fields),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn a_record_is_the_same_in_any_order_of_its_text() {
    let wanted = vec![
        ("name".to_owned(), Val::String("a".into())),
        ("note".to_owned(), Val::Option(None)),
        ("sizes".to_owned(), Val::List(vec![Val::U32(1), Val::U32(2)])),
    ];
    for text in [
        r#"{"name":"a","note":null,"sizes":[1,2]}"#,
        r#"{"name":"a","sizes":[1,2]}"#,
        r#"{"sizes":[1,2],"name":"a"}"#,
        r#"{"note":null,"name":"a","sizes":[1,2]}"#,
        r#"{"n\u0061me":"a","sizes":[1,2]}"#,
    ] {
        assert_eq!(read(text).unwrap(), wanted, "{text}");
    }
}

#[test]
fn what_is_missing_foreign_or_twice_is_named() {
    for (text, why) in [
        (r#"{"name":"a"}"#, "`sizes` is missing"),
        (r#"{"sizes":[1]}"#, "`name` is missing"),
        (r#"{"name":"a","size":[1]}"#, "duplicate field `size`"),
        (r#"{"name":"a","name":"b","sizes":[]}"#, "unknown or duplicate field"),
        (r#"{"sizes":[],"sizes":[],"name":"b"}"#, "unknown or duplicate field"),
        (r#"{"name":"a","sizes":[-1]}"#, "invalid value"),
        (r#"{"name":"a","sizes":7}"#, "expected a list"),
        (r#"[]"#, "expected a record"),
    ] {
        let said = read(text).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }
}

#[test]
fn a_case_has_its_payload_or_none() {
    let shape = ValueType::Variant(Box::new(Cases::new([("none", None), ("some", Some(ValueType::Bool))])));
    assert_eq!(shape.parse(r#""none""#).unwrap(), Val::Variant("none".into(), None));
    let some = Val::Variant("some".into(), Some(Box::new(Val::Bool(true))));
    assert_eq!(shape.parse(r#"{"some":true}"#).unwrap(), some);
    for wrong in [r#""some""#, r#"{"none":null}"#, r#"{"other":1}"#, r#"{}"#, r#"{"some":true,"none":1}"#] {
        assert!(shape.parse(wrong).is_err(), "{wrong}");
    }
}
