//! A guest that makes a random sequence of contract calls, with values of the right types.

use std::fmt::Write as _;

use ansai_fuzz::random::Random;
use ansai_harness::binary;
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Resolve, SizeAlign, Type, TypeDefKind};

use crate::hostile;
use crate::scene::Scene;

/// Start of texts and lists. Below are the answer and the replies of calls.
const ARENA: usize = 65536;
const REPLY: usize = 4096;

/// The contract's functions, with the import names of their interfaces.
pub(crate) struct Contract {
    resolve: Resolve,
    sizes: SizeAlign,
    functions: Vec<(String, Function)>,
}

impl Contract {
    pub(crate) fn read() -> Contract {
        let mut resolve = Resolve::default();
        for package in ["policy", "disk", "files", "system", "journal", "packages"] {
            let file = binary::repository().join(format!("wit/{package}/{package}.wit"));
            resolve.push_str(&file, &std::fs::read_to_string(&file).unwrap()).unwrap();
        }
        let interfaces = resolve.interfaces.iter().filter_map(|(id, it)| Some((resolve.id_of(id)?, it)));
        // A preview of this one would run another program.
        let functions = interfaces
            .filter(|(name, _)| !name.contains("/package-cache-actions@"))
            .flat_map(|(name, it)| it.functions.values().map(move |function| (name.clone(), function.clone())))
            .collect();
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        Contract { resolve, sizes, functions }
    }
}

/// The text of a guest whose `detect` and `plan` make this many calls each.
pub(crate) fn text(contract: &Contract, scene: &Scene, random: &mut Random, calls: usize) -> String {
    let mut guest = Guest { contract, scene, random, imports: Vec::new(), arena: Vec::new() };
    let [detect, plan] = [(); 2].map(|()| guest.calls(calls));
    let end = (ARENA + guest.arena.len()).next_multiple_of(65536);
    let mut text = String::new();
    for (index, (interface, name, signature)) in guest.imports.iter().enumerate() {
        let _ = writeln!(text, "(import {interface:?} {name:?} (func $f{index} {signature}))");
    }
    let bytes: String = guest.arena.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let _ = writeln!(text, "(memory (export \"memory\") {})\n(data (i32.const {ARENA}) \"{bytes}\")", end / 65536 + 64);
    let _ = writeln!(text, "(func $fresh (global.set $top (i32.const {end})))");
    let _ = writeln!(text, "(func (export \"detect\") (result i32) {detect} (call $well) i32.const 1024)");
    let _ = writeln!(text, "(func (export \"plan\") (param i32) (result i32) {plan} i32.const 1024)");
    text
}

struct Guest<'a> {
    contract: &'a Contract,
    scene: &'a Scene,
    random: &'a mut Random,
    /// Interface, function, signature.
    imports: Vec<(String, String, String)>,
    arena: Vec<u8>,
}

impl Guest<'_> {
    fn calls(&mut self, most: usize) -> String {
        let count = 1 + self.random.below(most);
        (0..count).map(|_| self.call()).collect()
    }

    fn call(&mut self) -> String {
        let contract = self.contract;
        // Prefer functions about files, because they can go wrong in most ways.
        let files = |at: &usize| contract.functions[*at].0.starts_with("ansai:files/");
        let draws = [(); 4].map(|()| self.random.below(contract.functions.len()));
        let chosen = draws.into_iter().find(files).unwrap_or(draws[0]);
        let (interface, function) = &contract.functions[chosen];
        let signature = contract.resolve.wasm_signature(AbiVariant::GuestImport, function);
        assert!(!signature.indirect_params, "{} has too many parameters for this generator", function.name);
        let index = self.import(interface, &function.name, &signature.params, &signature.results);
        let mut arguments = String::new();
        for param in &function.params {
            self.value(&param.ty, &mut arguments);
        }
        if signature.retptr {
            let _ = write!(arguments, "(i32.const {REPLY})");
        }
        let call = format!("(call $f{index} {arguments})");
        let call = if signature.results.is_empty() { call } else { format!("(drop {call})") };
        format!("(call $fresh) {call}\n")
    }

    fn import(&mut self, interface: &str, name: &str, params: &[WasmType], results: &[WasmType]) -> usize {
        if let Some(known) = self.imports.iter().position(|(i, n, _)| i == interface && n == name) {
            return known;
        }
        let list = |types: &[WasmType]| types.iter().map(|ty| word(*ty)).collect::<Vec<_>>().join(" ");
        let signature = format!("(param {}) (result {})", list(params), list(results));
        self.imports.push((interface.to_owned(), name.to_owned(), signature));
        self.imports.len() - 1
    }

    /// The flattened value, as constants.
    fn value(&mut self, ty: &Type, out: &mut String) {
        let number = hostile::number(self.random);
        let _ = match ty {
            Type::Bool => write!(out, "(i32.const {})", number & 1),
            Type::U8 | Type::S8 => write!(out, "(i32.const {})", number & 0x7f),
            Type::U16 | Type::S16 => write!(out, "(i32.const {})", number & 0x7fff),
            Type::U32 | Type::S32 => write!(out, "(i32.const {})", number & 0xffff_ffff),
            Type::U64 | Type::S64 => write!(out, "(i64.const {number})"),
            Type::F32 => write!(out, "(f32.reinterpret_i32 (i32.const {}))", number & 0xffff_ffff),
            Type::F64 => write!(out, "(f64.reinterpret_i64 (i64.const {}))", hostile::float(self.random)),
            Type::Char => write!(out, "(i32.const {})", number & 0xffff),
            Type::String => {
                let (pointer, length) = self.text();
                write!(out, "(i32.const {pointer}) (i32.const {length})")
            }
            Type::Id(id) => return self.defined(*id, out),
            other => panic!("no values of {other:?} yet"),
        };
    }

    fn defined(&mut self, id: wit_parser::TypeId, out: &mut String) {
        let contract = self.contract;
        match &contract.resolve.types[id].kind {
            TypeDefKind::Type(ty) => self.value(ty, out),
            TypeDefKind::Record(record) => record.fields.iter().for_each(|field| self.value(&field.ty, out)),
            TypeDefKind::Option(ty) => {
                let _ = write!(out, "(i32.const {})", self.random.below(2));
                self.value(ty, out);
            }
            TypeDefKind::Enum(cases) => {
                let _ = write!(out, "(i32.const {})", self.case(cases.cases.len()));
            }
            TypeDefKind::List(element) => {
                let (at, count) = self.list(element);
                let _ = write!(out, "(i32.const {at}) (i32.const {count})");
            }
            other => panic!("no values of {other:?} yet"),
        }
    }

    /// A list in the arena: its address and its length.
    fn list(&mut self, element: &Type) -> (usize, usize) {
        // Usually shares, because any other number is refused.
        let shares = *element == Type::F64 && !self.random.once_in(3);
        let count = self.random.below(if *element == Type::F64 { 40 } else { 4 });
        let mut elements = Vec::new();
        for _ in 0..count {
            elements.extend(match shares {
                true => (self.random.below(1_001) as f64 / 1_000.0).to_le_bytes().to_vec(),
                false => self.stored(element),
            });
        }
        self.arena.resize(self.arena.len().next_multiple_of(8), 0);
        let at = ARENA + self.arena.len();
        self.arena.extend(elements);
        (at, count)
    }

    /// The value as it lies in memory, in the layout of the canonical ABI.
    fn stored(&mut self, ty: &Type) -> Vec<u8> {
        let number = hostile::number(self.random);
        match ty {
            Type::Bool => vec![u8::from(number & 1 == 1)],
            Type::U64 | Type::S64 => number.to_le_bytes().to_vec(),
            Type::F64 => hostile::float(self.random).to_le_bytes().to_vec(),
            Type::String => words(self.text()),
            Type::Id(id) => self.stored_defined(*id),
            other => panic!("no stored values of {other:?} yet"),
        }
    }

    fn stored_defined(&mut self, id: wit_parser::TypeId) -> Vec<u8> {
        let contract = self.contract;
        let mut bytes = vec![0; contract.sizes.size(&Type::Id(id)).size_wasm32()];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        match &contract.resolve.types[id].kind {
            TypeDefKind::Type(ty) => put(0, &self.stored(ty)),
            TypeDefKind::Record(record) => {
                for (offset, ty) in contract.sizes.field_offsets(record.fields.iter().map(|field| &field.ty)) {
                    put(offset.size_wasm32(), &self.stored(ty));
                }
            }
            TypeDefKind::Enum(cases) => put(0, &[self.case(cases.cases.len())]),
            TypeDefKind::Variant(variant) => {
                let case = self.case(variant.cases.len());
                put(0, &[case]);
                let payloads = variant.cases.iter().map(|case| case.ty.as_ref());
                let offset = contract.sizes.payload_offset(variant.tag(), payloads).size_wasm32();
                if let Some(ty) = variant.cases.get(usize::from(case)).and_then(|case| case.ty.as_ref()) {
                    put(offset, &self.stored(ty));
                }
            }
            TypeDefKind::List(element) => put(0, &words(self.list(element))),
            other => panic!("no stored values of {other:?} yet"),
        }
        bytes
    }

    /// The number of a case; once in a while one that does not exist, which ends the evaluation.
    fn case(&mut self, cases: usize) -> u8 {
        let beyond = usize::from(self.random.once_in(40));
        u8::try_from(self.random.below(cases) + beyond * 50).unwrap()
    }

    /// A text in the arena; once in a while invalid UTF-8, or an address outside the memory.
    fn text(&mut self) -> (usize, usize) {
        let mut bytes = hostile::text(self.random, self.scene);
        if self.random.once_in(100) {
            bytes.push(0xff);
        }
        let at = ARENA + self.arena.len();
        self.arena.extend(&bytes);
        let beyond = if self.random.once_in(200) { 1 << 30 } else { 0 };
        (at + beyond, bytes.len())
    }
}

/// Address and length as they lie in memory.
fn words((at, length): (usize, usize)) -> Vec<u8> {
    [at, length].iter().flat_map(|word| u32::try_from(*word).unwrap().to_le_bytes()).collect()
}

fn word(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}
