//! The functions that a component imports, by interface, for people. Nothing depends on it: linking checks the types.

use std::collections::BTreeMap;

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, ComponentType, ComponentTypeRef,
    InstanceTypeDeclaration, Parser, Payload,
};

/// The most functions that are listed for one interface.
pub const MAX_FUNCTIONS: usize = 200;
/// The most characters of a name. A component can import one type of long names hundreds of times.
const MAX_NAME: usize = 100;
/// The most functions that are listed in sum.
const MAX_LISTED: usize = 5_000;

/// The functions of each imported interface, by its name with version, in the order of the component. A component that
/// the compiler of its author pruned has only those that its code calls.
pub fn functions(bytes: &[u8]) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    // The functions of each type of the outermost component; of a type that is no instance, none.
    let mut types: Vec<Vec<String>> = Vec::new();
    let (mut depth, mut listed) = (0usize, 0usize);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Err(_) => break,
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::ComponentTypeSection(section)) if depth == 0 => {
                types.extend(section.into_iter().map_while(Result::ok).map(|ty| of_type(&ty)));
            }
            Ok(Payload::ComponentAliasSection(section)) if depth == 0 => {
                let aliases = section.into_iter().map_while(Result::ok);
                types.extend(aliases.filter(is_type).map(|_| Vec::new()));
            }
            Ok(Payload::ComponentExportSection(section)) if depth == 0 => {
                let exports = section.into_iter().map_while(Result::ok);
                types.extend(exports.filter(|one| one.kind == ComponentExternalKind::Type).map(|_| Vec::new()));
            }
            Ok(Payload::ComponentImportSection(section)) if depth == 0 => {
                for import in section.into_iter().map_while(Result::ok) {
                    match import.ty {
                        ComponentTypeRef::Instance(index) => {
                            let left = MAX_LISTED.saturating_sub(listed);
                            let functions = types.get(index as usize).into_iter().flatten().take(left);
                            let functions: Vec<String> = functions.cloned().collect();
                            listed = listed.saturating_add(functions.len());
                            found.insert(import.name.name.to_owned(), functions);
                        }
                        ComponentTypeRef::Type(_) => types.push(Vec::new()),
                        _ => {}
                    }
                }
            }
            Ok(_) => {}
        }
    }
    found
}

fn of_type(ty: &ComponentType<'_>) -> Vec<String> {
    let ComponentType::Instance(declarations) = ty else { return Vec::new() };
    let functions = declarations.iter().filter_map(|declaration| match declaration {
        InstanceTypeDeclaration::Export { name, ty: ComponentTypeRef::Func(_) } => {
            Some(name.name.chars().take(MAX_NAME).collect())
        }
        _ => None,
    });
    functions.take(MAX_FUNCTIONS).collect()
}

fn is_type(alias: &ComponentAlias<'_>) -> bool {
    matches!(
        alias,
        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. }
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn functions_are_listed_by_interface() {
        let text = r#"(component
            (type (func))
            (import "a:b/types@0.1.0" (instance $t (export "t" (type (sub resource)))))
            (alias export $t "t" (type $resource))
            (type (instance
                (type (func (result u32)))
                (export "list" (func (type 0)))
                (export "read" (func (type 0)))))
            (import "a:b/c@0.1.0" (instance (type 3)))
            (component (import "a:b/inner@0.1.0" (instance (export "hidden" (func))))))"#;
        let found = functions(&wat::parse_str(text).unwrap());
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a:b/c@0.1.0", "a:b/types@0.1.0"]);
        assert_eq!(found.get("a:b/c@0.1.0").unwrap(), &["list", "read"]);
        assert!(found.get("a:b/types@0.1.0").unwrap().is_empty());
    }

    /// Would break: one of the three bounds, which are each exceeded here.
    #[test]
    fn the_list_of_a_component_with_very_many_functions_is_bounded() {
        let exports: String =
            (0..300).map(|at| format!(r#"(export "f{at}-{}" (func (type 0)))"#, "x".repeat(200))).collect();
        let imports: String = (0..40).map(|at| format!(r#"(import "a:b/i{at}@0.1.0" (instance (type 0)))"#)).collect();
        let text = format!("(component (type (instance (type (func)) {exports})) {imports})");
        let found = functions(&wat::parse_str(text).unwrap());
        assert_eq!(found.len(), 40);
        assert_eq!(found.values().map(Vec::len).max(), Some(MAX_FUNCTIONS));
        assert_eq!(found.values().map(Vec::len).sum::<usize>(), MAX_LISTED);
        assert!(found.values().flatten().all(|name| name.chars().count() == MAX_NAME));
    }

    #[test]
    fn what_is_no_component_has_none() {
        assert!(functions(b"\0asm\x0d\0\x01\0garbage").is_empty() && functions(b"").is_empty());
    }
}
