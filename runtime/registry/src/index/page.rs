//! An index as static pages: an overview, and one page for each policy. They have no scripts, fetch nothing, and show every text
//! of an author as text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ansai_core::Bytes;
use ansai_core::text::{inert, markup};

use super::{Chaos, Index, Listed, Version};

const STYLE: &str = include_str!("style.css");
/// The longest text of an author, in characters.
const MOST_TEXT: usize = 600;
/// The most versions on the page of a policy.
const MOST_VERSIONS: usize = 50;

/// A file for a web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its name: letters, digits, `.`, `-`, `_` and `~`.
    pub name: String,
    /// HTML.
    pub text: String,
}

/// The pages of an index; `index.html` is the first.
pub fn pages(index: &Index) -> Vec<Page> {
    let mut names = BTreeSet::from(["index.html".to_owned()]);
    let named: Vec<(String, &Listed)> = index.policies.iter().map(|one| (file_name(one, &mut names), one)).collect();
    let overview = Page { name: "index.html".to_owned(), text: overview(index, &named) };
    let others = named.iter().map(|(name, one)| Page { name: name.clone(), text: policy(index, one) });
    std::iter::once(overview).chain(others).collect()
}

/// A name that no other page has, also where upper and lower case are the same.
fn file_name(policy: &Listed, taken: &mut BTreeSet<String>) -> String {
    let text = policy.repository.as_deref().unwrap_or(&policy.name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let plain: String =
        text.chars().take(200).map(|c| if is_plain(c) { c.to_ascii_lowercase() } else { '~' }).collect();
    let plain = plain.trim_start_matches('.');
    (1_u32..)
        .map(|number| if number == 1 { format!("{plain}.html") } else { format!("{plain}~{number}.html") })
        .find(|name| taken.insert(name.clone()))
        .unwrap_or_default()
}

fn overview(index: &Index, named: &[(String, &Listed)]) -> String {
    let mut body = format!("<h1>{}</h1>\n", text(&index.title));
    let count = match named.len() {
        1 => "1 policy".to_owned(),
        count => format!("{count} policies"),
    };
    let _ = writeln!(
        body,
        "<p class=\"lead\">{count}. Search with <code>ansai search WORDS</code>.</p>\n<ul class=\"list\">"
    );
    for (file, policy) in named {
        let Some(newest) = policy.newest() else { continue };
        let _ = writeln!(
            body,
            "<li><a href=\"{file}\"><span class=\"name\">{}</span> <span class=\"version\">{}</span></a>\n\
             <p>{}</p>\n<p class=\"marks\">{}</p></li>",
            text(&policy.name),
            text(&newest.version),
            text(&policy.description),
            marks(newest),
        );
    }
    body += "</ul>\n";
    page(&index.title, &body, index)
}

/// Small facts in a row: who signed, scenarios, languages, size.
fn marks(version: &Version) -> String {
    let mut marks = Vec::new();
    match version.signers.as_slice() {
        [] => marks.push(mark("warn", "no known signer")),
        signers => marks.extend(signers.iter().map(|one| mark("good", &format!("signed by {}", one.name)))),
    }
    if version.is_reproduced {
        marks.push(mark("good", "reproducible"));
    }
    if let Some(scenarios) = version.scenarios {
        let kind = if scenarios.passed == scenarios.count { "good" } else { "bad" };
        marks.push(mark(kind, &format!("{} of {} scenarios pass", scenarios.passed, scenarios.count)));
    }
    if let Some(chaos) = &version.chaos {
        let kind = match (chaos.damaging(), chaos.healed() == chaos.faults.len()) {
            (0, true) => "good",
            (0, false) => "",
            _ => "bad",
        };
        marks.push(mark(kind, &chaos.summary()));
    }
    marks.extend(version.languages.iter().take(4).map(|one| mark("", one)));
    marks.push(mark("", &Bytes::new(version.bytes).to_string()));
    marks.join(" ")
}

fn mark(kind: &str, words: &str) -> String {
    format!("<span class=\"mark {kind}\">{}</span>", text(words))
}

fn policy(index: &Index, policy: &Listed) -> String {
    let mut body = format!(
        "<p class=\"back\"><a href=\"index.html\">{}</a></p>\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n",
        text(&index.title),
        text(&policy.name),
        text(&policy.description)
    );
    if let Some(newest) = policy.newest() {
        let _ = writeln!(body, "<p class=\"marks\">{}</p>", marks(newest));
        if let Some(reference) = policy.reference() {
            let (reference, name) = (text(&reference.to_string()), text(&policy.name));
            let _ = writeln!(
                body,
                "<h2>Get it</h2>\n<pre>ansai pull {reference}\n\n[policy.{name}]\nsource = \"oci:{reference}\"</pre>"
            );
        }
        body += "<h2>What it can do</h2>\n";
        body += &list(&newest.abilities, "It can see and change nothing.", "");
        body += "<h2>Imports</h2>\n";
        body += &list(&newest.imports, "None.", "code");
        body += &newest.chaos.as_ref().map(board).unwrap_or_default();
    }
    body += "<h2>Versions</h2>\n";
    for version in policy.versions.iter().take(MOST_VERSIONS) {
        let _ = writeln!(body, "<section>\n<h3>{}</h3>\n<dl>", text(&version.version));
        let mut fact = |name: &str, value: &str| {
            let _ = writeln!(body, "<dt>{name}</dt><dd>{}</dd>", text(value));
        };
        if let Some(digest) = &version.digest {
            fact("Digest", digest);
        }
        fact("Component", &version.component);
        fact("Size", &Bytes::new(version.bytes).to_string());
        for signer in &version.signers {
            fact("Signed by", &format!("{}, key {}", signer.name, signer.key));
        }
        if let Some(scenarios) = version.scenarios {
            fact("Scenarios", &format!("{} of {} pass", scenarios.passed, scenarios.count));
        }
        body += "</dl>\n</section>\n";
    }
    match policy.versions.len().saturating_sub(MOST_VERSIONS) {
        0 => {}
        more => {
            let _ = writeln!(body, "<p>and {more} more</p>");
        }
    }
    page(&policy.name, &body, index)
}

/// What it did about faults that were made on purpose.
fn board(chaos: &Chaos) -> String {
    let mut body = "<h2>Chaos board</h2>\n<p>What it did about faults that were made on purpose.</p>\n\
                    <div class=\"wide\"><table>\n<tr><th>Fault</th><th>Found after</th><th>Healed after</th>\
                    <th>Damage</th><th>False alarms</th></tr>\n"
        .to_owned();
    for one in &chaos.faults {
        let count = |number: u32| if number == 0 { "none".to_owned() } else { number.to_string() };
        let _ = writeln!(
            body,
            "<tr><td><strong>{}</strong><br>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            text(&one.fault),
            text(&one.what),
            text(&one.found()),
            text(&one.healed()),
            count(one.damage),
            count(one.false_alarms),
        );
    }
    let _ = writeln!(body, "</table></div>\n<p class=\"note\">Measured on {}.</p>", text(&chaos.measured));
    body
}

fn list(items: &[String], none: &str, class: &str) -> String {
    if items.is_empty() {
        return format!("<p>{none}</p>\n");
    }
    let items: String = items.iter().map(|one| format!("<li>{}</li>\n", text(one))).collect();
    format!("<ul class=\"{class}\">\n{items}</ul>\n")
}

/// The policy of the page forbids everything but its own style: no script runs even if a text were not escaped.
fn page(title: &str, body: &str, index: &Index) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style></head>\n\
         <body><main>\n{body}<footer>Index {}. The authors wrote the descriptions; the imports are read from the \
         components. <code>ansai verify</code> checks signatures.</footer>\n</main></body></html>\n",
        text(title),
        index.serial
    )
}

/// Text of an author: one line without invisible characters, safe between tags and in attributes.
fn text(words: &str) -> String {
    markup(&inert(words, MOST_TEXT))
}
