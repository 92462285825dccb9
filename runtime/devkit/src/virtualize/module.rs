//! The core module of a stand-in, as text: hand-written functions as far as they are imported, and generated answers
//! for the rest.

use std::collections::BTreeSet;

use ansai_core::InterfaceName;
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{
    Function, InterfaceId, LiftLowerAbi, ManglingAndAbi, Resolve, ResourceIntrinsic, SizeAlign, TypeId, TypeOwner,
    WasmExport, WasmExportKind, WasmImport, WorldKey,
};

use super::VirtualizeError;
use super::answer::{self, Answer};
use super::guest::{Guest, not_composed};
use super::stand_in::HOST;

/// The hand-written functions.
const FUNCTIONS: &str = include_str!("functions.wat");
const NAMES: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
/// Address of the generated texts. The texts of `FUNCTIONS` come before it.
const TEXTS: usize = 3136;
const PAGE: usize = 1 << 16;

/// The parts of the module generated so far.
struct Module<'g> {
    resolve: &'g Resolve,
    sizes: SizeAlign,
    /// Imports of the functions that create the handles of resources.
    makers: BTreeSet<String>,
    functions: String,
    /// Generated log messages.
    texts: String,
}

/// Returns the core module for a guest, as text.
pub(super) fn text(guest: &Guest) -> Result<String, VirtualizeError> {
    let mut sizes = SizeAlign::default();
    sizes.fill(&guest.resolve);
    let mut module = Module {
        resolve: &guest.resolve,
        sizes,
        makers: BTreeSet::new(),
        functions: String::new(),
        texts: String::new(),
    };
    for (name, id) in &guest.wasi {
        let functions = guest.resolve.interfaces.get(*id).map(|interface| &interface.functions);
        for function in functions.into_iter().flat_map(|functions| functions.values()) {
            module.function(name, *id, function)?;
        }
    }
    let shared: String = paragraphs().filter(|text| name_of(text).is_none()).flat_map(|text| [text, "\n"]).collect();
    let arguments = (TEXTS + module.texts.len()).next_multiple_of(PAGE);
    let makers: String = module.makers.into_iter().collect();
    let [(context, ..), (log, ..)] = HOST;
    Ok(format!(
        "(module\n(import \"{context}\" \"now\" (func $context-now (result i64)))\n\
         (import \"{log}\" \"write\" (func $log (param i32 i32 i32)))\n{makers}\
         (memory (export \"memory\") {})\n(global $arguments i32 (i32.const {arguments}))\n\
         (data (i32.const {TEXTS}) \"{}\")\n{shared}\n{})",
        arguments / PAGE + 1,
        module.texts,
        module.functions,
    ))
}

impl<'g> Module<'g> {
    fn function(
        &mut self,
        interface: &InterfaceName,
        id: InterfaceId,
        function: &Function,
    ) -> Result<(), VirtualizeError> {
        let key = WorldKey::Interface(id);
        let export = WasmExport::Func { interface: Some(&key), func: function, kind: WasmExportKind::Normal };
        let export = self.resolve.wasm_export_name(NAMES, export);
        let signature = self.resolve.wasm_signature(AbiVariant::GuestExport, function);
        let name = format!("{}#{}", interface.without_version(), function.name);
        let answer = answer::of(self.resolve, &self.sizes, function.result, signature.retptr);
        let text = match (paragraphs().find(|text| name_of(text) == Some(&name)), answer) {
            (Some(text), answer) => {
                let text = text.replace(&format!("$\"{name}\""), &format!("(export \"{export}\")"));
                match answer {
                    Answer::Resource(id) => text.replace("{new}", &self.maker(id)?),
                    Answer::Text(_) | Answer::None => text,
                }
            }
            (None, Answer::Text(body)) => with_signature(&export, &signature, &body),
            (None, Answer::Resource(id)) => {
                let body = format!("(call {} (i32.const 0))", self.maker(id)?);
                with_signature(&export, &signature, &body)
            }
            (None, Answer::None) => {
                let said = format!("{interface} has no {} where policies run", function.name);
                let at = TEXTS + self.texts.len();
                let body = format!("(call $log (i32.const 3) (i32.const {at}) (i32.const {})) unreachable", said.len());
                self.texts += &said;
                with_signature(&export, &signature, &body)
            }
        };
        self.functions += &text;
        self.functions.push('\n');
        Ok(())
    }

    /// The function that creates a handle of a resource from its representation.
    fn maker(&mut self, resource: TypeId) -> Result<String, VirtualizeError> {
        let owner = self.resolve.types.get(resource);
        let (Some(name), Some(TypeOwner::Interface(owner))) =
            (owner.and_then(|ty| ty.name.as_ref()), owner.map(|ty| ty.owner))
        else {
            return Err(not_composed("a resource is of no interface"));
        };
        let key = WorldKey::Interface(owner);
        let intrinsic = ResourceIntrinsic::ExportedNew;
        let import = WasmImport::ResourceIntrinsic { interface: Some(&key), resource, intrinsic };
        let (module, function) = self.resolve.wasm_import_name(NAMES, import);
        let id = format!("$\"{} {name}\"", self.resolve.name_world_key(&key));
        self.makers.insert(format!("(import \"{module}\" \"{function}\" (func {id} (param i32) (result i32)))\n"));
        Ok(id)
    }
}

/// The paragraphs of the hand-written functions.
fn paragraphs() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.split("\n\n")
}

/// The WASI function that a paragraph implements, with its interface but without a version.
fn name_of(paragraph: &'static str) -> Option<&'static str> {
    let line = paragraph.lines().find(|line| !line.starts_with(";;"))?;
    line.strip_prefix("(func $\"")?.split('"').next()
}

fn with_signature(export: &str, signature: &WasmSignature, body: &str) -> String {
    let list = |word: &str, types: &[WasmType]| -> String {
        if types.is_empty() {
            return String::new();
        }
        let types: String = types.iter().map(|ty| format!(" {}", core_type(*ty))).collect();
        format!(" ({word}{types})")
    };
    let (params, results) = (list("param", &signature.params), list("result", &signature.results));
    format!("(func (export \"{export}\"){params}{results} {body})")
}

fn core_type(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}
