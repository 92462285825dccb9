//! Finds what may be a secret that was written into the configuration by mistake. Messages show lines of the file, and
//! end up in logs.

use crate::address;
use crate::export;
use crate::hook;
use crate::node::{Entry, Kind, Node};
use crate::source::Span;
use crate::target::{KEYS, SECRET_KEYS};
use crate::target_use;

/// Keys whose texts are hidden wherever they are.
const WORDS: &[&str] = &["secret", "password", "passwd", "passphrase", "token"];

/// Places of texts to hide in a configuration that parses.
pub(crate) fn in_tree(root: &Node) -> Vec<Span> {
    let mut found = Vec::new();
    by_word(root, &mut found);
    for target in tables(root, "target") {
        in_target(&target.node, &mut found);
    }
    for hook in tables(root, "hook") {
        in_hook(&hook.node, &mut found);
    }
    for policy in tables(root, "policy") {
        for target in tables(&policy.node, "target") {
            unknown(&target.node, target_use::KEYS, &mut found);
        }
    }
    found
}

/// The entries of a table in another one.
fn tables<'n>(node: &'n Node, key: &str) -> &'n [Entry] {
    node.get(key).and_then(|entry| entry.node.entries()).unwrap_or_default()
}

fn by_word(node: &Node, found: &mut Vec<Span>) {
    match &node.kind {
        Kind::Table(entries) => {
            for entry in entries {
                match &entry.node.kind {
                    Kind::Text(_) if is_word(&entry.key) => found.push(entry.node.span.clone()),
                    _ => by_word(&entry.node, found),
                }
            }
        }
        Kind::Array(list) => list.iter().for_each(|node| by_word(node, found)),
        _ => {}
    }
}

fn in_target(node: &Node, found: &mut Vec<Span>) {
    unknown(node, KEYS, found);
    if let Some(secret) = node.get("secret") {
        unknown(&secret.node, SECRET_KEYS, found);
    }
    if let Some(Node { span, kind: Kind::Text(text) }) = node.get("address").map(|entry| &entry.node)
        && address::check(text).is_err()
    {
        found.push(span.clone());
    }
}

/// A URL may have a secret after its `?`, or a user and a password.
fn in_hook(node: &Node, found: &mut Vec<Span>) {
    unknown(node, hook::KEYS, found);
    if let Some(secret) = node.get("secret") {
        unknown(&secret.node, SECRET_KEYS, found);
    }
    if let Some(Node { span, kind: Kind::Text(text) }) = node.get("url").map(|entry| &entry.node)
        && (text.contains('?') || export::address(text, true).is_err())
    {
        found.push(span.clone());
    }
}

/// The values of keys that do not belong into a table; the value itself if it is no table.
fn unknown(node: &Node, known: &[&str], found: &mut Vec<Span>) {
    match node.entries() {
        Some(entries) => {
            let unknown = entries.iter().filter(|entry| !known.contains(&entry.key.as_str()));
            unknown.for_each(|entry| leaves(&entry.node, found));
        }
        None => leaves(node, found),
    }
}

fn leaves(node: &Node, found: &mut Vec<Span>) {
    match &node.kind {
        Kind::Table(entries) => entries.iter().for_each(|entry| leaves(&entry.node, found)),
        Kind::Array(list) => list.iter().for_each(|node| leaves(node, found)),
        _ => found.push(node.span.clone()),
    }
}

fn is_word(key: &str) -> bool {
    WORDS.iter().any(|word| key.eq_ignore_ascii_case(word))
}

/// The same in a text that does not parse, line by line: what follows `KEY =`, and what is before an `@` in a URL.
pub(crate) fn in_text(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        for (at, _) in line.match_indices('=') {
            let key = line.get(..at).unwrap_or_default().trim_end().trim_end_matches(['"', '\'']);
            let word =
                key.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').next().unwrap_or_default();
            if is_word(word) {
                found.push(start + at + 1..end.max(start + at + 1));
            }
        }
        for (at, mark) in line.match_indices("://") {
            let from = at + mark.len();
            let rest = line.get(from..).unwrap_or_default();
            let authority = rest.find(['"', '\'', ' ']).map_or(rest, |end| rest.get(..end).unwrap_or_default());
            if let Some(length) = authority.rfind('@') {
                found.push(start + from..start + from + length);
            }
        }
        start += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn hidden(text: &str) -> String {
        let (mut source, _) = Source::from_text("f", text, 1 << 20);
        match Node::from_toml(text, 1_000) {
            Ok(node) => source.hide(&in_tree(&node)),
            Err(_) => source.hide(&in_text(text)),
        }
        source.text
    }

    #[test]
    fn secrets_are_hidden_and_nothing_else() {
        for (text, shown) in [
            ("[target.a]\nsecret = \"pw\"\nuser = \"me\"\n", "[target.a]\nsecret = ****\nuser = \"me\"\n"),
            (
                "[target.a]\nsecret = { file = \"/x\", value = \"pw\" }\n",
                "[target.a]\nsecret = { file = \"/x\", value = **** }\n",
            ),
            ("[target.a]\nadress = \"u:pw@h:1\"\n", "[target.a]\nadress = **********\n"),
            ("[target.a]\naddress = \"u:pw@h:1\"\n", "[target.a]\naddress = **********\n"),
            ("[target.a]\naddress = \"h:1\"\n", "[target.a]\naddress = \"h:1\"\n"),
            ("[target.a]\nx = [[\"pw\"], { y = 1 }]\n", "[target.a]\nx = [[****], { y = * }]\n"),
            ("[target]\na = \"pw\"\n", "[target]\na = ****\n"),
            ("[[target.a]]\nx = \"pw\"\n", "[[target.a]]\nx = ****\n"),
            ("[targets.a]\nPassword = \"é\\\"\"\n", "[targets.a]\nPassword = ******\n"),
            ("[policy.p.target.a]\nsecrets = \"pw\"\n", "[policy.p.target.a]\nsecrets = ****\n"),
            ("[target.a]\nsecret = '''p\nw'''\n", "[target.a]\nsecret = ****\n****\n"),
            // These do not parse.
            ("[target.a]\nsecret = pw\n", "[target.a]\nsecret =***\n"),
            ("secret = {file = \"/x\", password = \"a=b\n", "secret =******************************\n"),
            ("[target.a\naddress = \"https://u:pw@h/\"\n", "[target.a\naddress = \"https://****@h/\"\n"),
            ("[target.a\nsecrets = 1\nmode = \"é\"\n", "[target.a\nsecrets = 1\nmode = \"é\"\n"),
            ("secret =", "secret ="),
        ] {
            assert_eq!(hidden(text), shown, "{text}");
        }
    }
}
