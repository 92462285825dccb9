//! The shapes of secrets around a trigger, and the code that finds each.

use super::text::{Class, Text};
use super::{block, command, header, named, token, url};

/// Kinds of key blocks.
pub(crate) const BLOCKS: usize = 2;

/// How to find the secret once a word is found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// A block from a word of the first group to one of the second; the number of its kind.
    Block(usize),
    /// A token that begins with the word: bytes of the class, at least and at most so many after the word.
    Token { body: Class, least: usize, most: usize },
    /// `eyJ…` with dots.
    Jwt,
    /// The value after the word, up to a space.
    Rest,
    /// A name, a separator and a value.
    Named(Named),
    /// `--name value`
    OptionValue,
    /// `password 'value'`
    Sql,
    /// An `Authorization` header.
    Authorization,
    /// A `Cookie` or `Set-Cookie` header.
    Cookie,
    /// `Bearer value`
    Bearer,
    /// `Basic value`
    Basic,
    /// `://user:password@`
    Url,
    /// `user:password@tcp(`
    GoDsn,
    /// A program with a short option.
    Command(Flag),
    /// 40 bytes of base64 near the word.
    AwsSecret,
}

/// How sure a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// Always names a secret.
    Strong,
    /// After `:` only what looks random is a secret, because the word is common in messages.
    Weak,
    /// A short word: as a whole name, or after `_` or `-`. Else like `Weak`.
    Short,
    /// Often names a file: paths are kept.
    Key,
    /// The value may have spaces.
    Phrase,
}

/// A short option that takes a password.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag {
    /// The option, several for synonyms.
    pub(crate) options: &'static [&'static str],
    /// The value may also be the next argument.
    pub(crate) separate: bool,
    /// The value is `user:password`.
    pub(crate) with_user: bool,
}

impl Shape {
    /// Whether upper and lower case of the word matter.
    pub(crate) fn is_exact(self) -> bool {
        matches!(self, Shape::Block(_) | Shape::Token { .. } | Shape::Jwt)
    }

    /// Looks around the word at `from..to`. Returns up to where further words of the rule are ignored.
    pub(crate) fn apply(self, text: &mut Text<'_>, group: usize, from: usize, to: usize) -> usize {
        match self {
            Shape::Block(kind) => block::word(text, kind, group, from, to),
            Shape::Token { body, least, most } => token::prefixed(text, from, to, body, least, most),
            Shape::Jwt => token::jwt(text, from, to),
            Shape::Rest => token::rest(text, to),
            Shape::Named(kind) => named::assigned(text, from, to, kind),
            // The third group has the short names.
            Shape::OptionValue => named::option(text, from, to, if group == 2 { Named::Short } else { Named::Strong }),
            Shape::Sql => named::sql(text, from, to),
            Shape::Authorization => header::authorization(text, from, to),
            Shape::Cookie => header::cookie(text, from, to),
            Shape::Bearer => token::bearer(text, from, to),
            Shape::Basic => token::basic(text, from, to),
            Shape::Url => url::password(text, from, to),
            Shape::GoDsn => url::go_dsn(text, from),
            Shape::Command(flag) => return command::options(text, from, to, flag),
            Shape::AwsSecret => token::aws_secret(text, to),
        }
        0
    }
}
