//! The secrets of a target, given literally.

use std::ops::Range;

use super::automaton::Automaton;
use super::forms::{self, Form};
use super::text::{is_solid, push};
use super::view::View;

/// A shorter secret would mask ordinary words. Bytes.
pub const LEAST_SECRET: usize = 6;
/// A longer secret would need too much memory. Bytes.
pub const MOST_SECRET: usize = 16 << 10;

/// Why a redactor does not look for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It has fewer than [`LEAST_SECRET`] bytes.
    TooShort,
    /// It has more than [`MOST_SECRET`] bytes.
    TooLong,
    /// It has only spaces and `*`, as masks have.
    OnlyStars,
}

/// A secret that a redactor does not look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// Which one of the given secrets, from 0.
    pub index: usize,
    /// Why.
    pub why: Why,
}

/// All forms of all secrets.
pub(crate) struct Secrets {
    automaton: Automaton,
    /// For each form: the digit of base64 before and after belongs to it.
    digits: Vec<(bool, bool)>,
    /// Some secret has a space, which forms encode as `+`.
    has_space: bool,
    pub(crate) skipped: Vec<Skipped>,
}

impl Secrets {
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = &'s [u8]>) -> Option<Secrets> {
        let mut all: Vec<Form> = Vec::new();
        let mut skipped = Vec::new();
        let mut has_space = false;
        for (index, secret) in secrets.into_iter().enumerate() {
            let secret = without_line_end(secret);
            let why = match secret.len() {
                ..LEAST_SECRET => Some(Why::TooShort),
                _ if secret.len() > MOST_SECRET => Some(Why::TooLong),
                _ if !is_solid(secret) => Some(Why::OnlyStars),
                _ => None,
            };
            if let Some(why) = why {
                skipped.push(Skipped { index, why });
                continue;
            }
            has_space |= secret.contains(&b' ');
            all.extend(forms::all(secret));
        }
        if all.is_empty() && skipped.is_empty() {
            return None;
        }
        let digits = all.iter().map(|form| (form.digit_before, form.digit_after)).collect();
        let automaton = Automaton::new(all.iter().map(|form| form.bytes.as_slice()), false);
        Some(Secrets { automaton, digits, has_space, skipped })
    }

    /// Adds every place where a form of a secret is.
    pub(crate) fn find(&self, text: &[u8], found: &mut Vec<Range<usize>>) {
        self.in_bytes(text, |range| push(found, range));
        let mut in_view = |view: &View| {
            self.in_bytes(&view.bytes, |range| push(found, view.place(range.start)..view.end(range.end)));
        };
        if text.contains(&b'%') {
            in_view(&View::percent(text, false));
        }
        if self.has_space && text.contains(&b'+') {
            in_view(&View::percent(text, true));
        }
        if text.contains(&b'\\') {
            let view = View::unescaped(text);
            in_view(&view);
            // JSON in a string of JSON.
            if view.bytes.contains(&b'\\') {
                in_view(&View::unescaped(&view.bytes).within(&view));
            }
        }
    }

    fn in_bytes(&self, bytes: &[u8], mut found: impl FnMut(Range<usize>)) {
        let is_digit = |at: usize| bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(b));
        self.automaton.find(bytes, |form, mut from, mut to| {
            let (before, after) = self.digits.get(form).copied().unwrap_or_default();
            if let (true, Some(digit)) = (before, from.checked_sub(1))
                && is_digit(digit)
            {
                from = digit;
            }
            if after && is_digit(to) {
                to = to.saturating_add(1);
                let padding = bytes.get(to..).unwrap_or_default().iter().take(2).take_while(|&&byte| byte == b'=');
                to = to.saturating_add(padding.count());
            }
            found(from..to);
        });
    }
}

/// Files of secrets often end with a line break that is not part of the secret.
fn without_line_end(secret: &[u8]) -> &[u8] {
    let secret = secret.strip_suffix(b"\n").unwrap_or(secret);
    secret.strip_suffix(b"\r").unwrap_or(secret)
}
