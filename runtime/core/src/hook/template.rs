//! Texts with places for parameters: `--pool={pool}`.

use super::Values;

/// A text with places for parameters. `{{` and `}}` stand for braces.
///
/// ```
/// use ansai_core::hook::{Template, Values};
/// let template = Template::parse("--pool={pool}").unwrap();
/// let values = Values::from([("pool".to_owned(), "{pool}".to_owned())]);
/// assert_eq!(template.fill(&values).as_deref(), Some("--pool={pool}"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

/// A text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace is open.
    #[error("has a `{{` without `}}`")]
    Open,
    /// A brace closes nothing.
    #[error("has a `}}` without `{{`")]
    Closed,
    /// Between braces is something else than the name of a parameter.
    #[error("has braces around something other than a name")]
    NotAName,
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// A brace is alone, or there is no name between two.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let (mut pieces, mut plain) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else if let Some(after) = from.strip_prefix('{') {
                let (name, after) = after.split_once('}').ok_or(TemplateError::Open)?;
                let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                if name.is_empty() || !name.chars().all(known) {
                    return Err(TemplateError::NotAName);
                }
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(Piece::Parameter(name.to_owned()));
                rest = after;
            } else {
                return Err(TemplateError::Closed);
            }
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Template(pieces))
    }

    /// The names of its parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text with these values, which are not read as templates again. `None` if one is missing.
    pub fn fill(&self, values: &Values) -> Option<String> {
        self.filled(values, |text, value| text.push_str(value))
    }

    /// The same for a URL: everything in a value but letters, digits, `-`, `.`, `_` and `~` is percent-encoded, so that a
    /// value never adds a segment, a query or a host.
    pub fn fill_url(&self, values: &Values) -> Option<String> {
        self.filled(values, |text, value| {
            // As a segment of a path, these mean another directory, also if they are encoded. The configuration refuses
            // them.
            if matches!(value, "." | "..") {
                return;
            }
            for byte in value.bytes() {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                    text.push(char::from(byte));
                } else {
                    text.push_str(&format!("%{byte:02X}"));
                }
            }
        })
    }

    fn filled(&self, values: &Values, add: impl Fn(&mut String, &str)) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Parameter(name) => add(&mut text, values.get(name)?),
            }
        }
        Some(text)
    }
}

/// As it was written, up to the spelling of braces.
impl std::fmt::Display for Template {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => formatter.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Piece::Parameter(name) => write!(formatter, "{{{name}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn filled(text: &str, values: &[(&str, &str)]) -> Option<String> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Template::parse(text).unwrap().fill(&values)
    }

    #[test]
    fn a_value_is_put_in_once() {
        assert_eq!(filled("a{p}b{q}c", &[("p", "{q}"), ("q", "{p}")]).unwrap(), "a{q}b{p}c");
        assert_eq!(filled("{{p}}", &[("p", "x")]).unwrap(), "{p}");
        assert_eq!(filled("{{{p}}}", &[("p", "x")]).unwrap(), "{x}");
        assert_eq!(filled("plain", &[]).unwrap(), "plain");
        assert_eq!(filled("", &[]).unwrap(), "");
        assert_eq!(filled("{p}", &[]), None);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, why) in [
            ("{p", TemplateError::Open),
            ("p}", TemplateError::Closed),
            ("{}", TemplateError::NotAName),
            ("{a b}", TemplateError::NotAName),
            ("{a{b}", TemplateError::NotAName),
            ("{$(id)}", TemplateError::NotAName),
        ] {
            assert_eq!(Template::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn it_is_shown_as_it_was_written() {
        for text in ["--pool={pool}", "{{a}}{b}", "", "x"] {
            let template = Template::parse(text).unwrap();
            assert_eq!((template.to_string().as_str(), Template::parse(&template.to_string())), (text, Ok(template)));
        }
    }

    /// Would break: a value that leaves its place in the URL.
    #[test]
    fn a_value_stays_in_its_segment_of_a_url() {
        let template = Template::parse("http://127.0.0.1/gc/{p}?x={p}").unwrap();
        let fill = |value: &str| template.fill_url(&Values::from([("p".to_owned(), value.to_owned())])).unwrap();
        assert_eq!(fill("a-b_c.d~1"), "http://127.0.0.1/gc/a-b_c.d~1?x=a-b_c.d~1");
        assert_eq!(fill("a/../b?c#d&e=é %"), {
            let value = "a%2F..%2Fb%3Fc%23d%26e%3D%C3%A9%20%25";
            format!("http://127.0.0.1/gc/{value}?x={value}")
        });
        assert_eq!(fill(".."), "http://127.0.0.1/gc/?x=");
    }
}
