//! Answers of WASI functions that have no hand-written replacement: they fail as not available.

use wit_parser::{Handle, Int, Resolve, SizeAlign, Type, TypeDefKind, TypeId, Variant};

/// Address of results in the stand-in's memory, and the number of bytes reserved for them.
pub(super) const RESULT: usize = 16;
const MOST_BYTES: usize = 1008;

/// Error cases that mean "not available", in order of preference, by their names in WASI's interfaces.
const ERRORS: [&str; 12] = [
    "not-permitted",
    "access-denied",
    "access",
    "not-supported",
    "unsupported",
    "HTTP-request-denied",
    "forbidden",
    "denied",
    "closed",
    "unavailable",
    "unknown",
    "other",
];

/// An answer to a WASI function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Instructions that produce the result.
    Text(String),
    /// A new resource of this type, whose functions fail too.
    Resource(TypeId),
    /// No suitable answer: the call ends the evaluation.
    None,
}

/// Chooses the answer for a result of this type; `stored` says whether the result is passed through memory.
pub(super) fn of(resolve: &Resolve, sizes: &SizeAlign, result: Option<Type>, stored: bool) -> Answer {
    let Some(result) = result else { return Answer::None };
    if sizes.size(&result).size_wasm32() > MOST_BYTES {
        return Answer::None;
    }
    let at = |offset: usize, case: usize| format!("(i32.store8 (i32.const {}) (i32.const {case}))", RESULT + offset);
    let nothing = || Answer::Text(format!("(i64.store (i32.const {RESULT}) (i64.const 0)) (i32.const {RESULT})"));
    match kind(resolve, result) {
        Some(TypeDefKind::Result(result)) if stored => {
            let offset = sizes.payload_offset(Int::U8, [result.ok.as_ref(), result.err.as_ref()]).size_wasm32();
            let failed = at(0, 1);
            match result.err.map(|error| case(resolve, error)) {
                None => Answer::Text(format!("{failed} (i32.const {RESULT})")),
                Some(Some(case)) => Answer::Text(format!("{failed} {} (i32.const {RESULT})", at(offset, case))),
                Some(None) => Answer::None,
            }
        }
        // Neither side of the result has a payload.
        Some(TypeDefKind::Result(result)) if result.ok.is_none() && result.err.is_none() => {
            Answer::Text("(i32.const 1)".into())
        }
        Some(TypeDefKind::Option(_) | TypeDefKind::List(_)) if stored => nothing(),
        None if result == Type::String && stored => nothing(),
        Some(TypeDefKind::Handle(Handle::Own(id))) => Answer::Resource(defined(resolve, *id)),
        _ => Answer::None,
    }
}

/// Follows `use` to the interface that defines a type.
pub(super) fn defined(resolve: &Resolve, mut id: TypeId) -> TypeId {
    while let Some(TypeDefKind::Type(Type::Id(next))) = resolve.types.get(id).map(|ty| &ty.kind) {
        id = *next;
    }
    id
}

fn kind(resolve: &Resolve, ty: Type) -> Option<&TypeDefKind> {
    match ty {
        Type::Id(id) => match resolve.types.get(defined(resolve, id)).map(|ty| &ty.kind) {
            Some(TypeDefKind::Type(plain)) => kind(resolve, *plain),
            other => other,
        },
        _ => None,
    }
}

/// The preferred error case that has no payload.
fn case(resolve: &Resolve, error: Type) -> Option<usize> {
    let names: Vec<Option<&str>> = match kind(resolve, error)? {
        TypeDefKind::Enum(error) => error.cases.iter().map(|case| Some(case.name.as_str())).collect(),
        TypeDefKind::Variant(Variant { cases, .. }) => {
            cases.iter().map(|case| case.ty.is_none().then_some(case.name.as_str())).collect()
        }
        _ => return None,
    };
    // With more than 256 cases, the tag has two bytes.
    let place = |wanted: &&str| names.iter().take(256).position(|name| *name == Some(wanted));
    if names.len() > 256 { None } else { ERRORS.iter().find_map(place) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use wit_parser::abi::AbiVariant;

    use super::*;

    const WIT: &str = "package a:b@0.2.0;
interface i {
  resource thing;
  use other.{code};
  enum unfitting { too-long, too-short }
  variant piped { failed(thing), closed }
  variant wordy { not-permitted(string), loud }
  error: func() -> result<u64, code>;
  closed: func() -> result<list<u8>, piped>;
  bare: func() -> result;
  counted: func() -> result<u64>;
  wrong-error: func() -> result<_, unfitting>;
  no-plain-error: func() -> result<_, wordy>;
  maybe: func() -> option<thing>;
  many: func() -> list<string>;
  words: func() -> string;
  make: func() -> thing;
  number: func() -> u32;
  silent: func();
}
interface other { enum code { busy, not-supported, access } }
world w { export i; export other; }";

    fn answers() -> Vec<(String, Answer)> {
        let mut resolve = Resolve::default();
        resolve.push_str("a.wit", WIT).unwrap();
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        let (_, interface) = resolve.interfaces.iter().find(|(_, one)| one.name.as_deref() == Some("i")).unwrap();
        let answer = |function: &wit_parser::Function| {
            let stored = resolve.wasm_signature(AbiVariant::GuestExport, function).retptr;
            of(&resolve, &sizes, function.result, stored)
        };
        interface.functions.iter().map(|(name, function)| (name.clone(), answer(function))).collect()
    }

    #[test]
    fn each_result_type_has_its_failure() {
        for (name, answer) in answers() {
            let expected = match name.as_str() {
                // The payload is 8-byte aligned, because the other side is a `u64`.
                "error" => {
                    "(i32.store8 (i32.const 16) (i32.const 1)) (i32.store8 (i32.const 24) (i32.const 2)) (i32.const 16)"
                }
                "closed" => {
                    "(i32.store8 (i32.const 16) (i32.const 1)) (i32.store8 (i32.const 20) (i32.const 1)) (i32.const 16)"
                }
                "bare" => "(i32.const 1)",
                "counted" => "(i32.store8 (i32.const 16) (i32.const 1)) (i32.const 16)",
                "maybe" | "many" | "words" => "(i64.store (i32.const 16) (i64.const 0)) (i32.const 16)",
                "make" => {
                    assert!(matches!(answer, Answer::Resource(_)), "{answer:?}");
                    continue;
                }
                _ => {
                    assert_eq!(answer, Answer::None, "{name}");
                    continue;
                }
            };
            assert_eq!(answer, Answer::Text(expected.into()), "{name}");
        }
    }
}
