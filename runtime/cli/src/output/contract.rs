//! The contract as text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ansai_core::{InterfaceKind, Sensitivity};
use ansai_devkit::reference::{Found, Function, Interface, Package, Reference, Target, Type};

use super::colour::{FAINT, STRONG, paint};
use super::paragraphs::fitted;

/// All interfaces with the names of their functions.
pub(crate) fn index(reference: &Reference, width: usize) -> String {
    let mut out = String::new();
    for package in &reference.packages {
        for interface in package.interfaces.iter().filter(|interface| interface.kind.is_some()) {
            let names: Vec<&str> = interface.functions.iter().map(|function| function.name.as_str()).collect();
            let _ = writeln!(out, "{}  {}", paint(STRONG, interface.name.as_str()), interface.ability);
            out += &fitted(&names.join(", "), 4, width);
        }
    }
    let exports: Vec<&str> = reference.exports.iter().map(|export| export.name.as_str()).collect();
    let _ = writeln!(out, "{}  called by the host", paint(STRONG, "exports of a policy"));
    out += &fitted(&exports.join(", "), 4, width);
    out
}

/// One entry of the contract.
pub(crate) fn one(found: Found<'_>, reference: &Reference, width: usize) -> String {
    let mut out = String::new();
    match found {
        Found::Package(one) => package(&mut out, one, width),
        Found::Interface(package, one) => interface(&mut out, package, one, width),
        Found::Function(of, one) => {
            let _ = writeln!(out, "{}", paint(STRONG, &format!("{}.{}", of.name, one.name)));
            function(&mut out, one, 2, width);
            let mut needed = Needed::default();
            needed.of_function(reference, one);
            needed.show(&mut out, reference, &of.short, width);
            if of.kind.is_some_and(|kind| kind != InterfaceKind::Base) {
                let _ = writeln!(out, "\nto request and grant it, see `ansai contract {}`", of.short);
            }
        }
        Found::Export(one) => {
            let _ = writeln!(out, "{}", paint(STRONG, &format!("{}, exported by a policy", one.name)));
            function(&mut out, one, 2, width);
            let mut needed = Needed::default();
            needed.of_function(reference, one);
            needed.show(&mut out, reference, "types", width);
        }
        Found::Type(of, one) => {
            let _ = writeln!(out, "{}", paint(STRONG, &format!("{}.{}", of.name, one.name)));
            let mut needed = Needed::default();
            needed.of_type(reference, of, one);
            needed.show(&mut out, reference, &of.short, width);
        }
    }
    out
}

fn package(out: &mut String, package: &Package, width: usize) {
    let _ = writeln!(out, "{}", paint(STRONG, &format!("ansai:{} {}", package.name, package.version)));
    *out += &fitted(&package.about, 0, width);
    for one in &package.interfaces {
        let words = if one.ability.is_empty() { "types" } else { one.ability };
        let _ = writeln!(out, "\n{}  {words}", paint(STRONG, &one.short));
        *out += &fitted(&one.about, 4, width);
    }
}

fn interface(out: &mut String, package: &Package, interface: &Interface, width: usize) {
    let _ = writeln!(out, "{} {}", paint(STRONG, interface.name.as_str()), package.version);
    let what = match interface.kind {
        None => "types only; no capability".to_owned(),
        Some(InterfaceKind::Base) => format!("can {}; needs no grant", interface.ability),
        Some(InterfaceKind::Probe) => format!("a probe: can {}", interface.ability),
        Some(InterfaceKind::Actions) => format!("actions: can {}", interface.ability),
    };
    let _ = writeln!(out, "{what}");
    if interface.sensitivity == Some(Sensitivity::Outgoing) {
        let _ = writeln!(out, "calls servers that the operator names; never without a grant");
    }
    *out += &fitted(&interface.about, 0, width);
    for (file, lines) in [("policy.toml", &interface.request), ("ansai.toml", &interface.grant)] {
        if !lines.is_empty() {
            let _ = writeln!(out, "\n{}", paint(FAINT, file));
            lines.lines().for_each(|line| {
                let _ = writeln!(out, "  {line}");
            });
        }
    }
    if !interface.scope.is_empty() {
        let _ = writeln!(out, "\n{}", paint(FAINT, "scope"));
        for key in &interface.scope {
            let default = key.default.as_deref().unwrap_or("none");
            let words = format!(
                "{}: {}. {}; if both files set it: {}; default: {default}",
                key.name, key.about, key.format, key.meeting
            );
            *out += &fitted(&words, 2, width);
        }
    }
    for one in &interface.functions {
        out.push('\n');
        function(out, one, 0, width);
    }
    for one in &interface.types {
        out.push('\n');
        definition(out, one, width);
    }
}

fn function(out: &mut String, function: &Function, indent: usize, width: usize) {
    let signature = function.signature();
    let (name, rest) = signature.split_at(function.name.len());
    let _ = writeln!(out, "{:indent$}{}{rest}", "", paint(STRONG, name));
    *out += &fitted(&function.about, indent + 4, width);
    for bound in &function.bounds {
        *out += &fitted(&format!("denied unless {} is {}", bound.argument, bound.must), indent + 4, width);
    }
}

fn definition(out: &mut String, ty: &Type, width: usize) {
    let alias = ty.alias.as_ref().map(|alias| format!(" = {alias}")).unwrap_or_default();
    let _ = writeln!(out, "{} {}{alias}", ty.kind, paint(STRONG, &ty.name));
    *out += &fitted(&ty.about, 4, width);
    for member in &ty.members {
        let written = match (&member.ty, ty.kind) {
            (None, _) => String::new(),
            (Some(ty), "record") => format!(": {ty}"),
            (Some(ty), _) => format!("({ty})"),
        };
        let _ = writeln!(out, "  {}{written}", member.name);
        *out += &fitted(&member.about, 6, width);
    }
}

/// Types that a reader needs, each once, in order of first use.
#[derive(Default)]
struct Needed {
    seen: BTreeSet<(String, String)>,
    order: Vec<(String, String)>,
}

impl Needed {
    fn of_function(&mut self, reference: &Reference, function: &Function) {
        let written = function.parameters.iter().map(|one| &one.ty).chain(&function.answer).chain(&function.refusal);
        written.flat_map(|written| written.targets()).for_each(|target| self.target(reference, target));
    }

    fn of_type(&mut self, reference: &Reference, interface: &Interface, ty: &Type) {
        let place = (interface.short.clone(), ty.name.clone());
        if !self.seen.insert(place.clone()) {
            return;
        }
        self.order.push(place);
        let written = ty.members.iter().filter_map(|member| member.ty.as_ref()).chain(&ty.alias);
        written.flat_map(|written| written.targets()).for_each(|target| self.target(reference, target));
    }

    fn target(&mut self, reference: &Reference, target: &Target) {
        let Some(interface) = reference.interface(&target.interface) else { return };
        if let Some(ty) = interface.types.iter().find(|ty| ty.name == target.name) {
            self.of_type(reference, interface, ty);
        }
    }

    /// Those of `own` in full, and the names of the others.
    fn show(&self, out: &mut String, reference: &Reference, own: &str, width: usize) {
        let mut elsewhere = Vec::new();
        for (interface, name) in &self.order {
            if interface != own {
                elsewhere.push(name.as_str());
                continue;
            }
            let of = reference.interface(interface);
            if let Some(ty) = of.and_then(|of| of.types.iter().find(|ty| ty.name == *name)) {
                out.push('\n');
                definition(out, ty, width);
            }
        }
        if !elsewhere.is_empty() {
            out.push('\n');
            *out += &fitted(&format!("ansai contract shows these too: {}", elsewhere.join(", ")), 0, width);
        }
    }
}
