//! How a hook is called: `command` and `user`, or `url` with `method` and `secret`.

use ansai_core::codes;
use ansai_core::hook::{Does, HookCall, Method, Template};
use ansai_core::text::inert;

use super::DOES;
use super::parameters::Parameters;
use crate::export;
use crate::fields::Fields;
use crate::node::Node;
use crate::problem::{Problem, Problems};
use crate::source::Span;

const METHODS: &[(&str, Method)] = &[("get", Method::Get), ("post", Method::Post)];
const MOST_USER: usize = 256;
const MOST_HEADER: usize = 64;
/// Headers that say how the request is sent.
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads the call, and reports keys that do not belong to it.
pub(super) fn read(
    fields: &Fields<'_>,
    place: &str,
    parameters: &Parameters,
    problems: &mut Problems,
) -> Option<HookCall> {
    let bad = |span: Span, message: String| Problem::error(codes::BAD_HOOK, span, message);
    let (command, url) = (fields.entry("command"), fields.entry("url"));
    let not_of = match (command, url) {
        (Some(_), None) => &["method", "secret", "secret_header"][..],
        (None, Some(_)) => &["user"][..],
        (Some(command), Some(_)) => {
            let message = format!("{place} has a `command` and a `url`");
            problems.add(bad(command.key_span.clone(), message).hint("write two hooks"));
            return None;
        }
        (None, None) => {
            fields.require(
                &[("command", "command = [\"/usr/local/bin/program\"]"), ("user", "user = \"www-data\"")],
                problems,
            );
            return None;
        }
    };
    for key in not_of {
        if let Some(entry) = fields.entry(key) {
            let (kind, other) = if url.is_some() { ("a URL", "command") } else { ("a command", "url") };
            let message = format!("`{key}` belongs to a hook with a `{other}`, and {place} is {kind}");
            problems.add(bad(entry.key_span.clone(), message).hint(format!("delete `{key}`")));
        }
    }
    match (command, url) {
        (Some(command), _) => of_command(fields, &command.node, parameters, problems),
        (_, Some(url)) => of_url(fields, &url.node, parameters, problems),
        (None, None) => None,
    }
}

fn of_command(fields: &Fields<'_>, node: &Node, parameters: &Parameters, problems: &mut Problems) -> Option<HookCall> {
    // Never root by omission.
    fields.require(&[("user", "user = \"www-data\"")], problems);
    let user = fields.text("user", MOST_USER, problems).zip(fields.get("user")).and_then(|(text, node)| {
        let is_name = inert(text, MOST_USER) == text && !text.contains([':', '/']) && text.trim() == text;
        if !is_name {
            let message = "`user` is not the name of a user";
            problems.add(
                Problem::error(codes::BAD_NAME, node.span.clone(), message).hint("write the name as in /etc/passwd"),
            );
        }
        is_name.then(|| text.to_owned())
    });
    let words = words("command", node, parameters, problems)?;
    if let Some(unused) =
        parameters.keys().find(|name| !words.iter().flat_map(Template::parameters).any(|one| one == *name))
    {
        let message = format!("`command` does not use the parameter `{unused}`");
        problems.add(
            Problem::error(codes::BAD_PLACEHOLDER, node.span.clone(), message)
                .hint(format!("write {{{unused}}} where its value belongs, or delete the parameter")),
        );
    }
    Some(HookCall::Command { words, user: user? })
}

/// The words of a command, with places for these parameters.
pub(super) fn words(key: &str, node: &Node, parameters: &Parameters, problems: &mut Problems) -> Option<Vec<Template>> {
    let words = export::command(key, node, problems)?;
    let mut templates = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let template = template(key, word, &node.span, parameters, problems)?;
        if index == 0 && template.parameters().next().is_some() {
            let message = format!("the program in `{key}` depends on a parameter");
            problems.add(
                Problem::error(codes::BAD_PLACEHOLDER, node.span.clone(), message)
                    .hint("write a hook for each program"),
            );
            return None;
        }
        templates.push(template);
    }
    Some(templates)
}

fn template(key: &str, text: &str, span: &Span, parameters: &Parameters, problems: &mut Problems) -> Option<Template> {
    let bad = |message: String, hint: String| Problem::error(codes::BAD_PLACEHOLDER, span.clone(), message).hint(hint);
    let found = match Template::parse(text) {
        Ok(found) => found,
        Err(error) => {
            let message = format!("`{}` in `{key}` {error}", inert(text, 80));
            problems.add(bad(message, "write {name} for a parameter, and {{ or }} for a brace".to_owned()));
            return None;
        }
    };
    if let Some(unknown) = found.parameters().find(|name| !parameters.contains_key(*name)) {
        let message = format!("`{key}` has {{{unknown}}}, and the hook has no such parameter");
        problems.add(bad(message, format!("list its values: parameters.{unknown} = [\"some-value\"]")));
        return None;
    }
    Some(found)
}

fn of_url(fields: &Fields<'_>, node: &Node, parameters: &Parameters, problems: &mut Problems) -> Option<HookCall> {
    let method = match fields.get("method") {
        Some(_) => fields.word("method", METHODS, problems),
        // A request that changes something is no GET.
        None => match fields.word("does", DOES, &mut Problems::default()) {
            Some(Does::Acts) => Some(Method::Post),
            _ => Some(Method::Get),
        },
    };
    let secret_header = match fields.text("secret_header", MOST_HEADER, problems).zip(fields.get("secret_header")) {
        Some((text, node)) => Some(header(text, node, problems)?),
        None => None,
    };
    if let (Some(entry), None) = (fields.entry("secret_header"), fields.entry("secret")) {
        let message = "`secret_header` needs `secret`";
        problems.add(Problem::error(codes::BAD_HOOK, entry.key_span.clone(), message));
    }
    let text = fields.text("url", export::MOST_TEXT, problems)?;
    let shown = match export::address(text, false) {
        Ok(shown) => shown,
        Err((code, words, hint)) => {
            let hint = if code == codes::PLAIN_HTTP { "write https://, or an address of this machine" } else { hint };
            problems.add(Problem::error(code, node.span.clone(), format!("`url` {words}")).hint(hint));
            return None;
        }
    };
    let url = template("url", text, &node.span, parameters, problems)?;
    if let Some((name, _)) = parameters.iter().find(|(_, values)| values.iter().any(|value| is_dots(value))) {
        let message = format!("a value of `{name}` is `.` or `..`, which in a URL means another directory");
        problems
            .add(Problem::error(codes::BAD_HOOK, node.span.clone(), message).hint("write the whole path into `url`"));
        return None;
    }
    let shown = template("url", &shown, &node.span, parameters, problems)?;
    if method == Some(Method::Get)
        && let Some(unused) = parameters.keys().find(|name| !url.parameters().any(|one| one == *name))
    {
        let message = format!("`url` does not use the parameter `{unused}`, and a GET has no body");
        problems.add(
            Problem::error(codes::BAD_PLACEHOLDER, node.span.clone(), message)
                .hint(format!("write {{{unused}}} where its value belongs, or delete the parameter")),
        );
    }
    Some(HookCall::Url { method: method?, url, shown, secret_header })
}

fn is_dots(value: &str) -> bool {
    matches!(value, "." | "..")
}

fn header(text: &str, node: &Node, problems: &mut Problems) -> Option<String> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_header = text.chars().all(known) && !RESERVED.iter().any(|name| name.eq_ignore_ascii_case(text));
    if !is_header {
        let message = format!("`{}` cannot be a header for the secret", inert(text, 80));
        problems.add(Problem::error(codes::BAD_HOOK, node.span.clone(), message).hint("such as \"X-Api-Key\""));
    }
    is_header.then(|| text.to_owned())
}
