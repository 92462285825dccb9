//! Declarations of the contract for TypeScript, with the types that QuickJS uses: numbers for 64 bits, `null` for
//! absent values, strings for enums, `tag` and `val` for variants, exceptions for refusals.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use wit_parser::{Docs, Function, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner};

#[test]
fn the_declarations_are_those_of_the_contract() {
    crate::is_current("typescript/sdk/contract.d.ts", &declarations());
}

fn declarations() -> String {
    let mut resolve = Resolve::default();
    for (name, text) in ansai_kit::wit::PACKAGES {
        resolve.push_str(name, text).unwrap();
    }
    let mut out = String::from("// Generated from the WIT contract: not to be edited.\n");
    for (id, interface) in &resolve.interfaces {
        module(&mut out, &resolve, &resolve.id_of(id).unwrap(), interface);
    }
    out
}

fn module(out: &mut String, resolve: &Resolve, name: &str, interface: &Interface) {
    out.push('\n');
    documented(out, "", &interface.docs);
    let _ = writeln!(out, "declare module \"{name}\" {{");
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, id) in &interface.types {
        if let Some(from) = origin(resolve, *id) {
            used.entry(from).or_default().insert(upper_camel(name));
        }
    }
    for (module, names) in used {
        let names: Vec<String> = names.into_iter().collect();
        let _ = writeln!(out, "  import type {{ {} }} from \"{module}\";", names.join(", "));
    }
    for (name, id) in &interface.types {
        if origin(resolve, *id).is_none() {
            definition(out, resolve, name, &resolve.types[*id]);
        }
    }
    for function in interface.functions.values() {
        signature(out, resolve, function);
    }
    out.push_str("}\n");
}

/// The interface that a type comes from.
fn origin(resolve: &Resolve, id: TypeId) -> Option<String> {
    let TypeDefKind::Type(Type::Id(source)) = resolve.types[id].kind else { return None };
    match (resolve.types[id].owner, resolve.types[source].owner) {
        (here, TypeOwner::Interface(there)) if here != TypeOwner::Interface(there) => resolve.id_of(there),
        _ => None,
    }
}

fn definition(out: &mut String, resolve: &Resolve, name: &str, definition: &TypeDef) {
    let name = upper_camel(name);
    documented(out, "  ", &definition.docs);
    match &definition.kind {
        TypeDefKind::Record(record) => {
            let _ = writeln!(out, "  export interface {name} {{");
            for field in &record.fields {
                documented(out, "    ", &field.docs);
                let mark = if is_option(resolve, &field.ty) { "?" } else { "" };
                let _ = writeln!(out, "    {}{mark}: {};", camel(&field.name), written(resolve, &field.ty));
            }
            out.push_str("  }\n");
        }
        TypeDefKind::Variant(variant) => {
            let _ = writeln!(out, "  export type {name} =");
            for case in &variant.cases {
                documented(out, "    ", &case.docs);
                let value = case.ty.map(|ty| format!("; val: {}", written(resolve, &ty))).unwrap_or_default();
                let _ = writeln!(out, "    | {{ tag: \"{}\"{value} }}", case.name);
            }
            out.truncate(out.trim_end().len());
            out.push_str(";\n");
        }
        TypeDefKind::Enum(cases) => {
            let _ = writeln!(out, "  export type {name} =");
            for case in &cases.cases {
                documented(out, "    ", &case.docs);
                let _ = writeln!(out, "    | \"{}\"", case.name);
            }
            out.truncate(out.trim_end().len());
            out.push_str(";\n");
        }
        kind => {
            let _ = writeln!(out, "  export type {name} = {};", anonymous(resolve, kind));
        }
    }
}

fn signature(out: &mut String, resolve: &Resolve, function: &Function) {
    let (answer, refusal) = match function.result.map(|ty| (ty, resolved(resolve, &ty))) {
        None => ("void".into(), None),
        Some((_, Some(TypeDefKind::Result(result)))) => {
            (result.ok.map_or("void".into(), |ty| written(resolve, &ty)), result.err)
        }
        Some((ty, _)) => (written(resolve, &ty), None),
    };
    let mut lines: Vec<String> = function.docs.contents.iter().flat_map(|text| text.lines()).map(Into::into).collect();
    if let Some(refusal) = refusal {
        lines.push(format!("@throws an error whose `payload` is a {}", written(resolve, &refusal)));
    }
    comment(out, "  ", &lines);
    let parameters: Vec<String> = function
        .params
        .iter()
        .enumerate()
        .map(|(index, one)| {
            // Only trailing parameters can be optional.
            let rest = function.params.get(index..).unwrap_or_default();
            let mark = if rest.iter().all(|one| is_option(resolve, &one.ty)) { "?" } else { "" };
            format!("{}{mark}: {}", camel(&one.name), written(resolve, &one.ty))
        })
        .collect();
    let _ = writeln!(out, "  export function {}({}): {answer};", camel(&function.name), parameters.join(", "));
}

fn written(resolve: &Resolve, ty: &Type) -> String {
    match ty {
        Type::Bool => "boolean".into(),
        Type::String | Type::Char => "string".into(),
        Type::Id(id) => match &resolve.types[*id] {
            TypeDef { name: Some(name), .. } => upper_camel(name),
            TypeDef { kind, .. } => anonymous(resolve, kind),
        },
        Type::ErrorContext => panic!("no error contexts in the contract"),
        _ => "number".into(),
    }
}

fn anonymous(resolve: &Resolve, kind: &TypeDefKind) -> String {
    let written = |ty: &Type| written(resolve, ty);
    match kind {
        TypeDefKind::Type(ty) => written(ty),
        TypeDefKind::Option(ty) => format!("{} | null", written(ty)),
        TypeDefKind::List(ty) if written(ty).contains(' ') => format!("({})[]", written(ty)),
        TypeDefKind::List(ty) => format!("{}[]", written(ty)),
        TypeDefKind::Tuple(tuple) => format!("[{}]", tuple.types.iter().map(written).collect::<Vec<_>>().join(", ")),
        kind => panic!("no {} without a name in the contract", kind.as_str()),
    }
}

fn resolved<'a>(resolve: &'a Resolve, ty: &Type) -> Option<&'a TypeDefKind> {
    match ty {
        Type::Id(id) => Some(&resolve.types[*id].kind),
        _ => None,
    }
}

fn is_option(resolve: &Resolve, ty: &Type) -> bool {
    matches!(resolved(resolve, ty), Some(TypeDefKind::Option(_)))
}

fn documented(out: &mut String, indent: &str, docs: &Docs) {
    let lines: Vec<String> = docs.contents.iter().flat_map(|text| text.lines()).map(Into::into).collect();
    comment(out, indent, &lines);
}

fn comment(out: &mut String, indent: &str, lines: &[String]) {
    let mut text = lines.join(&format!("\n{indent} * "));
    // Patterns such as `**/*.gz` would end the comment.
    text = text.replace("*/", r"*\/");
    match lines.len() {
        0 => {}
        1 => {
            let _ = writeln!(out, "{indent}/** {text} */");
        }
        _ => {
            let _ = writeln!(out, "{indent}/**\n{indent} * {text}\n{indent} */");
        }
    }
}

fn upper_camel(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

fn camel(name: &str) -> String {
    let upper = upper_camel(name);
    upper[..1].to_lowercase() + &upper[1..]
}
