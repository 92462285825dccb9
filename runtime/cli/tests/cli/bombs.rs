//! Components that are small and cost their compiler dearly. Each exports `detect` and `plan`, so that it is not refused
//! for less; none has the shape of a policy, so that one which compiles within the limits is refused by that.

use wasm_encoder::{
    BlockType, CanonicalOption, CodeSection, Component, ComponentBuilder, ComponentExportKind, ComponentTypeRef,
    ComponentValType, ConstExpr, ElementSection, Elements, ExportKind, ExportSection, Function, FunctionSection,
    InstanceType, Instruction, Module, ModuleArg, NestedComponentSection, PrimitiveValType, RefType, TableSection,
    TableType, TypeBounds, TypeSection, ValType,
};

/// What compiles easily and is no policy.
pub(crate) fn harmless() -> Vec<u8> {
    of_module(&module(&[], [], |body| {
        body.instruction(&Instruction::Nop);
    }))
}

/// One `br_table` with so many targets, a byte each.
pub(crate) fn br_table(targets: usize) -> Vec<u8> {
    of_module(&module(&[], [], |body| {
        body.instruction(&Instruction::Block(BlockType::Empty));
        body.instruction(&Instruction::I32Const(0));
        body.instruction(&Instruction::BrTable(vec![0; targets].into(), 0));
        body.instruction(&Instruction::End);
    }))
}

/// So many functions, each a little different.
pub(crate) fn functions(count: u32) -> Vec<u8> {
    let others = (0..count).map(|index| {
        let mut body = Function::new([]);
        body.instruction(&Instruction::I32Const(index as i32)).instruction(&Instruction::Drop);
        body.instruction(&Instruction::End);
        body
    });
    of_module(&module(&[], others, |_| {}))
}

/// Blocks within blocks.
pub(crate) fn blocks(depth: usize) -> Vec<u8> {
    of_module(&module(&[], [], |body| {
        for _ in 0..depth {
            body.instruction(&Instruction::Block(BlockType::Empty));
        }
        for _ in 0..depth {
            body.instruction(&Instruction::End);
        }
    }))
}

/// Loops within loops, each of which may begin every outer one again.
pub(crate) fn loops(depth: u32) -> Vec<u8> {
    of_module(&module(&[], [], |body| {
        for level in 0..depth {
            body.instruction(&Instruction::Loop(BlockType::Empty));
            body.instruction(&Instruction::I32Const(0)).instruction(&Instruction::BrIf(level / 2));
        }
        for _ in 0..depth {
            body.instruction(&Instruction::End);
        }
    }))
}

/// So many functions of 50,000 locals each, in a dozen bytes each.
pub(crate) fn locals(functions: u32) -> Vec<u8> {
    let others = (0..functions).map(|_| {
        let mut body = Function::new([(49_999, ValType::I64)]);
        body.instruction(&Instruction::LocalGet(0)).instruction(&Instruction::LocalSet(49_998));
        body.instruction(&Instruction::End);
        body
    });
    of_module(&module(&[], others, |_| {}))
}

/// Calls of a function with 1,000 parameters and as many results, two bytes each.
pub(crate) fn parameters(calls: usize) -> Vec<u8> {
    let wide = vec![ValType::I64; 1_000];
    let mut itself = Function::new([]);
    for index in 0..1_000 {
        itself.instruction(&Instruction::LocalGet(index));
    }
    for _ in 0..calls {
        itself.instruction(&Instruction::Call(1));
    }
    itself.instruction(&Instruction::End);
    of_module(&module(&wide, [itself], |_| {}))
}

/// So many types of functions, all different.
pub(crate) fn types(count: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    for index in 0..count {
        let bits = (0..20).map(|bit| if index >> bit & 1 == 1 { ValType::I64 } else { ValType::I32 });
        types.ty().function(bits, []);
    }
    let mut body = Function::new([]);
    body.instruction(&Instruction::End);
    of_module(&assemble(&types, &[0], &[body]))
}

/// Tables of a million entries each, of which only the last is said: in the compiled form all are.
pub(crate) fn tables(count: u32) -> Vec<u8> {
    const ENTRIES: u32 = 1 << 20;
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut tables = TableSection::new();
    let mut elements = ElementSection::new();
    for index in 0..count {
        let minimum = u64::from(ENTRIES);
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum,
            maximum: None,
            shared: false,
        });
        let last = ConstExpr::i32_const(ENTRIES as i32 - 1);
        elements.active(Some(index), &last, Elements::Functions(vec![0].into()));
    }
    let mut exports = ExportSection::new();
    exports.export("f", ExportKind::Func, 0);
    let mut code = CodeSection::new();
    let mut body = Function::new([]);
    body.instruction(&Instruction::End);
    code.function(&body);
    module.section(&types).section(&functions).section(&tables).section(&exports).section(&elements).section(&code);
    of_module(&module)
}

/// Lists of lists.
pub(crate) fn lists(depth: u32) -> Vec<u8> {
    importing(|types| {
        types.ty().defined_type().list(PrimitiveValType::U8);
        for index in 1..depth {
            types.ty().defined_type().list(ComponentValType::Type(index - 1));
        }
        depth - 1
    })
}

/// A pair of pairs of pairs: twice as large with each level, and a few bytes longer.
pub(crate) fn pairs(depth: u32) -> Vec<u8> {
    importing(|types| {
        types.ty().defined_type().tuple([ComponentValType::Primitive(PrimitiveValType::U8); 2]);
        for index in 1..depth {
            types.ty().defined_type().tuple([ComponentValType::Type(index - 1); 2]);
        }
        depth - 1
    })
}

/// Records of records, each with so many fields of the one before.
pub(crate) fn records(depth: u32, fields: u32) -> Vec<u8> {
    importing(|types| {
        types.ty().defined_type().list(PrimitiveValType::String);
        let mut last = 0;
        for level in 1..depth {
            let names: Vec<String> = (0..fields).map(|field| format!("f{field}")).collect();
            let of = ComponentValType::Type(last);
            let record = types.type_count();
            types.ty().defined_type().record(names.iter().map(|name| (name.as_str(), of)));
            // A record is used by its name.
            last = types.type_count();
            types.export(format!("r{level}"), ComponentTypeRef::Type(TypeBounds::Eq(record)));
        }
        last
    })
}

/// Components within components.
pub(crate) fn components(depth: usize) -> Vec<u8> {
    let mut inner = Component::new();
    for _ in 0..depth {
        let mut outer = Component::new();
        outer.section(&NestedComponentSection(&inner));
        inner = outer;
    }
    inner.finish()
}

/// The same interface name over and over, told apart by its version.
pub(crate) fn imports(count: usize) -> Vec<u8> {
    let mut builder = ComponentBuilder::default();
    let empty = builder.type_instance(None, &InstanceType::new());
    for index in 0..count {
        builder.import(format!("ansai:disk/disk-probe@0.{index}.0"), ComponentTypeRef::Instance(empty));
    }
    builder.finish()
}

/// A component that imports a function of a known name with one parameter, whose type is the last of those made.
fn importing(make: impl FnOnce(&mut InstanceType) -> u32) -> Vec<u8> {
    let mut instance = InstanceType::new();
    let last = make(&mut instance);
    // A record has to have a name to be used in an export.
    let exported = instance.type_count();
    instance.export("t", ComponentTypeRef::Type(TypeBounds::Eq(last)));
    instance.ty().function().params([("what", ComponentValType::Type(exported))]).result(None);
    instance.export("list-filesystems", ComponentTypeRef::Func(instance.type_count() - 1));
    let mut builder = ComponentBuilder::default();
    let ty = builder.type_instance(None, &instance);
    builder.import("ansai:disk/disk-probe@0.2.0", ComponentTypeRef::Instance(ty));
    export_twice(builder, &module(&[], [], |_| {}))
}

/// A module with an exported function `f`, and others, which have these parameters and results.
fn module(wide: &[ValType], others: impl IntoIterator<Item = Function>, fill: impl FnOnce(&mut Function)) -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function(wide.iter().copied(), wide.iter().copied());
    let mut body = Function::new([]);
    fill(&mut body);
    body.instruction(&Instruction::End);
    let bodies: Vec<Function> = std::iter::once(body).chain(others).collect();
    let of_types: Vec<u32> = (0..bodies.len()).map(|index| u32::from(index > 0)).collect();
    assemble(&types, &of_types, &bodies)
}

fn assemble(types: &TypeSection, of_types: &[u32], bodies: &[Function]) -> Module {
    let mut functions = FunctionSection::new();
    of_types.iter().for_each(|ty| {
        functions.function(*ty);
    });
    let mut exports = ExportSection::new();
    exports.export("f", ExportKind::Func, 0);
    let mut code = CodeSection::new();
    bodies.iter().for_each(|body| {
        code.function(body);
    });
    let mut module = Module::new();
    module.section(types).section(&functions).section(&exports).section(&code);
    module
}

fn of_module(module: &Module) -> Vec<u8> {
    export_twice(ComponentBuilder::default(), module)
}

/// `detect` and `plan` are the module's `f`.
fn export_twice(mut builder: ComponentBuilder, module: &Module) -> Vec<u8> {
    let module = builder.core_module(None, module);
    let instance = builder.core_instantiate(None, module, std::iter::empty::<(&str, ModuleArg)>());
    let core = builder.core_alias_export(None, instance, "f", ExportKind::Func);
    let (ty, mut encoder) = builder.type_function(None);
    encoder.params(std::iter::empty::<(&str, ComponentValType)>()).result(None);
    let lifted = builder.lift_func(None, core, ty, std::iter::empty::<CanonicalOption>());
    for name in ["detect", "plan"] {
        builder.export(name, ComponentExportKind::Func, lifted, None);
    }
    builder.finish()
}
