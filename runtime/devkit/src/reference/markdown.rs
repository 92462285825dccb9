//! The reference as Markdown pages.

use std::fmt::Write as _;

use ansai_core::{InterfaceKind, Sensitivity};

use super::{Function, Interface, Package, Reference, ScopeKey, Type, Written};

/// The beginning of the entry page. Its links are relative to that page.
const INTRODUCTION: &str = include_str!("introduction.txt");
const MARK: &str = "<!-- Generated from wit/ and the list of host functions: not to be edited. -->\n";

/// All pages with their file names: `README.md`, then one for each package.
pub fn pages(reference: &Reference) -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), index(reference))];
    pages.extend(reference.packages.iter().map(|one| (format!("{}.md", one.name), package(one, reference))));
    pages
}

fn index(reference: &Reference) -> String {
    let mut out = format!("{MARK}{INTRODUCTION}\n## All functions\n\n");
    out += "A policy exports two of these functions, and the host calls them. The host provides all others.\n\n";
    out += "| function | interface | returns | scope |\n|---|---|---|---|\n";
    let mut row = |page: &str, of: &str, function: &Function, scope: &[ScopeKey]| {
        let keys: Vec<String> = scope.iter().map(|key| format!("`{}`", key.name)).collect();
        let name = &function.name;
        let answer = function.answer.as_ref().map(|answer| linked(answer, "")).unwrap_or_default();
        let _ = writeln!(out, "| [{name}]({page}.md#{name}) | {of} | {answer} | {} |", keys.join(", "));
    };
    for export in &reference.exports {
        row("policy", "the policy", export, &[]);
    }
    for package in &reference.packages {
        for interface in &package.interfaces {
            let of = format!("[{}]({}.md#{})", interface.short, package.name, interface.short);
            interface.functions.iter().for_each(|function| row(&package.name, &of, function, &interface.scope));
        }
    }
    out
}

fn package(package: &Package, reference: &Reference) -> String {
    let Package { name, version, about, interfaces } = package;
    let mut out = format!("{MARK}# ansai:{name} {version}\n\n{about}\n\n[All packages](README.md)\n");
    for one in interfaces {
        interface(&mut out, one, name);
    }
    if name == "policy" {
        out += "\n## Exports of a policy\n\nThe host calls these functions; a policy calls none of them.\n";
        reference.exports.iter().for_each(|export| function(&mut out, export, name));
    }
    out
}

fn interface(out: &mut String, interface: &Interface, page: &str) {
    let Interface { short, about, .. } = interface;
    let _ = write!(out, "\n## {short}\n\n{}\n", capability(interface));
    if !about.is_empty() {
        let _ = write!(out, "\n{about}\n");
    }
    if !interface.request.is_empty() {
        let _ = write!(out, "\nRequest it in `policy.toml` and grant it in `ansai.toml`:\n");
        let _ = write!(out, "\n```toml\n{}```\n\n```toml\n{}```\n", interface.request, interface.grant);
    }
    if !interface.scope.is_empty() {
        out.push_str("\n| key | meaning | format | default | if both files set it |\n|---|---|---|---|---|\n");
        for key in &interface.scope {
            let default = key.default.as_ref().map_or("none".to_owned(), |default| format!("`{default}`"));
            let (about, written, meeting) = (cell(key.about), &key.format, &key.meeting);
            let _ = writeln!(out, "| `{}` | {about} | {written} | {default} | {meeting} |", key.name);
        }
    }
    interface.functions.iter().for_each(|one| function(out, one, page));
    interface.types.iter().for_each(|one| definition(out, one, page));
}

/// Describes an interface in one or two sentences.
fn capability(interface: &Interface) -> String {
    let Interface { name, ability, .. } = interface;
    let words = match interface.kind {
        None => format!("`{name}` has only types and is no capability."),
        Some(InterfaceKind::Base) => {
            format!("`{name}` lets a policy {ability}. Every policy has it: it needs no grant.")
        }
        Some(InterfaceKind::Probe) => format!("The probe `{name}` lets a policy {ability}."),
        Some(InterfaceKind::Actions) => format!("The actions `{name}` let a policy {ability}."),
    };
    match interface.sensitivity {
        Some(Sensitivity::Outgoing) => {
            format!("{words} It calls servers that the operator names, so a policy never has it without a grant.")
        }
        _ => words,
    }
}

fn function(out: &mut String, function: &Function, page: &str) {
    let _ = write!(out, "\n### {}\n\n```wit\n{}\n```\n", function.name, function.signature());
    if !function.about.is_empty() {
        let _ = write!(out, "\n{}\n", function.about);
    }
    out.push('\n');
    for parameter in &function.parameters {
        let _ = writeln!(out, "- parameter `{}`: {}", parameter.name, linked(&parameter.ty, page));
    }
    let answer = function.answer.as_ref().map_or("nothing".to_owned(), |answer| linked(answer, page));
    let or = function.refusal.as_ref().map(|refusal| format!(", or a {}", linked(refusal, page))).unwrap_or_default();
    let _ = writeln!(out, "- returns {answer}{or}");
    for bound in &function.bounds {
        let _ = writeln!(out, "- `denied` unless `{}` is {}", bound.argument, bound.must);
    }
}

fn definition(out: &mut String, ty: &Type, page: &str) {
    let Type { name, kind, about, .. } = ty;
    let _ = write!(out, "\n### {kind} {name}\n");
    if let Some(alias) = &ty.alias {
        let _ = write!(out, "\nAnother name for {}.\n", linked(alias, page));
    }
    if !about.is_empty() {
        let _ = write!(out, "\n{about}\n");
    }
    let plain = ty.members.iter().all(|member| member.ty.is_none() && member.about.is_empty());
    if plain && !ty.members.is_empty() {
        let names: Vec<String> = ty.members.iter().map(|member| format!("`{}`", member.name)).collect();
        let _ = write!(out, "\nOne of {}.\n", names.join(", "));
    } else if !ty.members.is_empty() {
        let what = if *kind == "record" { "field" } else { "case" };
        let _ = write!(out, "\n| {what} | type | meaning |\n|---|---|---|\n");
        for member in &ty.members {
            let written = member.ty.as_ref().map(|written| linked(written, page)).unwrap_or_default();
            let _ = writeln!(out, "| `{}` | {written} | {} |", member.name, cell(&member.about));
        }
    }
}

impl Function {
    /// The signature as in WIT.
    pub fn signature(&self) -> String {
        let parameters: Vec<String> = self.parameters.iter().map(|one| format!("{}: {}", one.name, one.ty)).collect();
        let answer = match (&self.answer, &self.refusal) {
            (None, None) => String::new(),
            (Some(answer), None) => format!(" -> {answer}"),
            (None, Some(refusal)) => format!(" -> result<_, {refusal}>"),
            (Some(answer), Some(refusal)) => format!(" -> result<{answer}, {refusal}>"),
        };
        format!("{}: func({}){answer}", self.name, parameters.join(", "))
    }
}

/// A type with links, relative to the page of a package, or to the entry page if `page` is `""`.
fn linked(written: &Written, page: &str) -> String {
    if written.targets().next().is_none() {
        return format!("`{written}`");
    }
    let parts = written.0.iter().map(|part| match &part.target {
        None => part.text.replace('<', "\\<").replace('>', "\\>"),
        Some(target) => {
            let file = if target.package == page { String::new() } else { format!("{}.md", target.package) };
            format!("[{}]({file}#{}-{})", part.text, target.kind, target.name)
        }
    });
    parts.collect()
}

/// Escapes text for one cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
