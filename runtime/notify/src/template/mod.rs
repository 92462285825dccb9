//! Templates of the operator: text or JSON from a message, in the language of Jinja.
//!
//! A template sees the fields of `render::json`, and nothing of the host: it cannot include files or call functions. It
//! may take a bounded number of instructions and write a bounded number of bytes. In text, every value is inert; in JSON,
//! every value is written as JSON: `{"title": {{ subject }}}`.

mod bounds;
pub(crate) mod sample;

use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use ansai_core::text::inert;
use ansai_core::{Code, codes};
use ansai_storage::{Directory, Links, TrustError};
use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use crate::message::Message;
use crate::render;

/// Largest file of a template, in bytes.
const MOST_SOURCE: u64 = 64 << 10;
/// Most instructions of one rendering.
const FUEL: u64 = 200_000;
/// Most bytes of a rendered text.
const MOST_BYTES: usize = 256 << 10;
const NAME: &str = "template";

/// What a template writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Text for people.
    Text,
    /// A JSON document.
    Json,
}

/// A template that compiles.
pub struct Template {
    environment: Environment<'static>,
    target: Target,
    path: PathBuf,
}

/// A template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct TemplateError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, with the line where that is known.
    pub why: String,
    code: Code,
}

impl TemplateError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl Template {
    /// Reads and compiles a template. Only root and the user who runs ansai may be able to change the file.
    ///
    /// # Errors
    /// It cannot be read, is too large, or is not a template.
    pub fn read(path: &Path, target: Target) -> Result<Template, TemplateError> {
        let failed = |code, why: String| TemplateError { path: path.to_owned(), why, code };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(failed(codes::BAD_PATH, "not the path of a file".to_owned()));
        };
        let directory = Directory::open_trusted(parent, Links::Checked).map_err(|error| match error {
            TrustError::Untrusted((problem, fix)) => failed(codes::NOTIFY_TEMPLATE, format!("{problem}; {fix}")),
            TrustError::Access(error) => failed(codes::FILE_ACCESS, error.to_string()),
        })?;
        let content =
            directory.read(name, MOST_SOURCE).map_err(|error| failed(codes::FILE_ACCESS, error.to_string()))?;
        let content = content.ok_or_else(|| failed(codes::FILE_ACCESS, "no such file".to_owned()))?;
        if content.bytes.len() as u64 > MOST_SOURCE {
            return Err(failed(codes::FILE_TOO_LARGE, format!("larger than {} KiB", MOST_SOURCE >> 10)));
        }
        let source = String::from_utf8(content.bytes);
        let source = source.map_err(|_| failed(codes::NOTIFY_TEMPLATE, "not UTF-8".to_owned()))?;
        Template::new(path, source, target)
    }

    fn new(path: &Path, source: String, target: Target) -> Result<Template, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        bounds::restrict(&mut environment);
        environment.set_formatter(move |out, _, value| {
            // A value is not written to the end if the bound is reached before.
            let mut bounded = Bounded::default();
            let written = match target {
                Target::Text => text_of(value, &mut bounded),
                Target::Json => serde_json::to_writer(&mut bounded, value)
                    .map_err(|error| minijinja::Error::new(minijinja::ErrorKind::BadSerialization, error.to_string())),
            };
            if bounded.is_full {
                return Err(minijinja::ErrorKind::WriteFailure.into());
            }
            written?;
            let text = std::str::from_utf8(&bounded.written).unwrap_or_default();
            out.write_str(text).map_err(minijinja::Error::from)
        });
        let template = Template { environment, target, path: path.to_owned() };
        template.compiled(source)
    }

    fn compiled(mut self, source: String) -> Result<Template, TemplateError> {
        if let Some(why) = bounds::refused(&source) {
            return Err(self.wrong(&why));
        }
        match self.environment.add_template_owned(NAME, source) {
            Ok(()) => Ok(self),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Renders a message.
    ///
    /// # Errors
    /// It names a field that does not exist, takes too long, writes too much, or does not write JSON where it has to.
    pub fn render(&self, message: &Message) -> Result<String, TemplateError> {
        let template = self.environment.get_template(NAME).map_err(|error| self.failed(&error))?;
        let mut out = Bounded::default();
        let context = Value::from(Serde(inert_values(render::json(message))));
        let rendered = template.render_captured_to(context, &mut out).map(drop);
        rendered.map_err(|error| self.failed(&error))?;
        let text = String::from_utf8(out.written).map_err(|_| self.wrong("it does not write UTF-8"))?;
        if self.target == Target::Json
            && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text)
        {
            return Err(self.wrong(&format!("it does not write JSON: {error}")));
        }
        Ok(text)
    }

    /// Renders sample messages of every kind.
    ///
    /// # Errors
    /// As [`Template::render`], for the first one that fails.
    pub fn check(&self) -> Result<(), TemplateError> {
        sample::messages().iter().try_for_each(|message| {
            self.render(message).map(drop).map_err(|error| {
                let kind = message.notices.first().map_or("digest", |notice| notice.kind.name());
                TemplateError { why: format!("{} (with a sample of the kind {kind})", error.why), ..error }
            })
        })
    }

    fn failed(&self, error: &minijinja::Error) -> TemplateError {
        let line = error.line().map(|line| format!(" (line {line})")).unwrap_or_default();
        let why = match error.kind() {
            minijinja::ErrorKind::OutOfFuel => "it takes too many instructions".to_owned(),
            minijinja::ErrorKind::WriteFailure => format!("it writes more than {} KiB", MOST_BYTES >> 10),
            _ => error.to_string(),
        };
        self.wrong(&format!("{why}{line}"))
    }

    fn wrong(&self, why: &str) -> TemplateError {
        TemplateError { path: self.path.clone(), why: inert(why, 500), code: codes::NOTIFY_TEMPLATE }
    }
}

/// The fields with inert texts. The field `text` has several lines, each of which is inert already.
fn inert_values(mut fields: serde_json::Value) -> serde_json::Value {
    fn walk(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = inert(text, text.len()),
            serde_json::Value::Array(list) => list.iter_mut().for_each(walk),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(walk),
            _ => {}
        }
    }
    let fields_of = fields.as_object_mut().into_iter().flatten();
    fields_of.filter(|(name, _)| *name != "text").for_each(|(_, value)| walk(value));
    fields
}

/// A value in a text.
fn text_of(value: &Value, out: &mut Bounded) -> Result<(), minijinja::Error> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(()),
        _ => write!(out, "{value}").map_err(minijinja::Error::from),
    }
}

/// What is written up to a bound.
#[derive(Default)]
struct Bounded {
    written: Vec<u8>,
    is_full: bool,
}

impl Bounded {
    fn add(&mut self, bytes: &[u8]) -> Result<(), ()> {
        self.is_full |= self.written.len().saturating_add(bytes.len()) > MOST_BYTES;
        if self.is_full {
            return Err(());
        }
        self.written.extend_from_slice(bytes);
        Ok(())
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text.as_bytes()).map_err(|()| fmt::Error)
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes).map_err(|()| io::Error::other("too much"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
