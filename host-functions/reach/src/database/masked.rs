//! The text of a statement without the values in it. Servers replace values themselves only in some statements: a password in
//! `ALTER ROLE` stays.

use ansai_core::text::inert;

/// Characters of a text that are kept.
const MOST: usize = 1_000;

/// What a double quote means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// It encloses a name, as in PostgreSQL. `$tag$` encloses a value.
    Names,
    /// It encloses a value, as usual in MySQL and MariaDB. A backtick encloses a name.
    Values,
}

/// One line in which `?` stands for each value. Comments are left out: frameworks write users and addresses there. What is open
/// at the end, because the server cut the text off, is a value.
///
/// Whether a backslash before a quote escapes it depends on settings of the session: what follows one is masked to the end.
pub(crate) fn masked(text: &str, quotes: Quotes) -> String {
    let mut scan = Scan { rest: text, out: String::new() };
    while let Some(next) = scan.rest.chars().next() {
        match next {
            '\'' => scan.value('\''),
            '"' if quotes == Quotes::Values => scan.value('"'),
            '"' => scan.name('"'),
            '`' if quotes == Quotes::Values => scan.name('`'),
            '$' if quotes == Quotes::Names => scan.dollar(),
            '-' if is_comment(scan.rest, quotes) => scan.skip_line(quotes),
            '#' if quotes == Quotes::Values => scan.skip_line(quotes),
            '/' if scan.rest.starts_with("/*") => scan.skip_comment(),
            '0'..='9' => scan.number(),
            _ if next.is_ascii_whitespace() || next.is_ascii_control() => scan.space(next),
            _ if is_of_word(next) => scan.word(),
            _ => scan.keep(next.len_utf8()),
        }
    }
    inert(scan.out.trim(), MOST)
}

/// Whether servers take it as a letter of a name or of a tag: each character beyond ASCII is one, also a space.
fn is_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || !letter.is_ascii()
}

/// Whether it begins with a comment of one line. To MySQL, `5--'x'` is a subtraction.
fn is_comment(text: &str, quotes: Quotes) -> bool {
    let Some(after) = text.strip_prefix("--") else { return false };
    quotes == Quotes::Names
        || after.chars().next().is_none_or(|one| one.is_ascii_whitespace() || one.is_ascii_control())
}

struct Scan<'t> {
    rest: &'t str,
    out: String,
}

impl Scan<'_> {
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn keep(&mut self, bytes: usize) {
        self.out.push_str(self.rest.get(..bytes).unwrap_or(self.rest));
        self.skip(bytes);
    }

    fn space(&mut self, next: char) {
        if !self.out.ends_with(' ') {
            self.out.push(' ');
        }
        self.skip(next.len_utf8());
    }

    /// A word, with its digits, and each `$` that is not its first character. One directly before a quote belongs to the
    /// value: `E'…'`, `x'…'`, `_utf8'…'`.
    fn word(&mut self) {
        let end = self.rest.find(|one: char| !is_of_word(one) && one != '$').unwrap_or(self.rest.len());
        match self.rest.get(end..).is_some_and(|rest| rest.starts_with('\'')) {
            true => self.skip(end),
            false => self.keep(end),
        }
    }

    /// Whether the `$` of `1x$a$` belongs to a name depends on the version of the server: what follows is masked to the end.
    fn number(&mut self) {
        let is_of_number = |one: char| one.is_ascii_alphanumeric() || one == '.' || one == '_';
        let end = self.rest.find(|one| !is_of_number(one)).unwrap_or(self.rest.len());
        let (number, after) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        let is_unclear = after.starts_with('$') && number.contains(|one: char| one.is_ascii_alphabetic() || one == '_');
        self.skip(if is_unclear { self.rest.len() } else { end });
        self.out.push('?');
    }

    /// From a quote to the next one that is not doubled.
    fn value(&mut self, quote: char) {
        let end = end_of(self.rest, quote);
        let is_clear = self.rest.get(..end).is_some_and(|value| !value.contains("\\'") && !value.contains("\\\""));
        self.skip(if is_clear { end } else { self.rest.len() });
        // Two values beside each other are one.
        if !self.out.ends_with('?') {
            self.out.push('?');
        }
    }

    /// A quoted name. One that is not closed was cut off, or is none.
    fn name(&mut self, quote: char) {
        let end = end_of(self.rest, quote);
        let is_closed = end > 1 && self.rest.get(..end).is_some_and(|name| name.ends_with(quote));
        match is_closed {
            true => self.keep(end),
            false => self.value(quote),
        }
    }

    /// `$1` of a prepared statement is kept; `$tag$…$tag$` is a value.
    fn dollar(&mut self) {
        let after = self.rest.get(1..).unwrap_or_default();
        let tag_end = after.find(|one| !is_of_word(one)).unwrap_or(after.len());
        let tag = after.get(..tag_end).unwrap_or_default();
        let is_tag = after.get(tag_end..).is_some_and(|rest| rest.starts_with('$'));
        if is_tag && !tag.starts_with(|one: char| one.is_ascii_digit()) {
            let fence = format!("${tag}$");
            let begin = fence.len();
            let body = self.rest.get(begin..).unwrap_or_default();
            let end = body.find(&fence).map_or(self.rest.len(), |end| begin + end + begin);
            self.skip(end);
            self.out.push('?');
        } else {
            self.keep(1 + tag.bytes().take_while(u8::is_ascii_digit).count());
        }
    }

    /// A line of PostgreSQL ends at a carriage return, too.
    fn skip_line(&mut self, quotes: Quotes) {
        let is_end = |one: char| one == '\n' || (one == '\r' && quotes == Quotes::Names);
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        self.skip(end);
    }

    /// Comments of PostgreSQL nest. Those of MySQL do not, but what follows one that looks nested is masked then, which is the
    /// safe mistake.
    fn skip_comment(&mut self) {
        let (mut depth, mut at) = (0_u32, 0);
        while let Some(rest) = self.rest.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with("/*") {
                (depth, at) = (depth.saturating_add(1), at + 2);
            } else if rest.starts_with("*/") {
                (depth, at) = (depth.saturating_sub(1), at + 2);
            } else {
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
            if depth == 0 {
                break;
            }
        }
        self.skip(at);
        self.space_once();
    }

    fn space_once(&mut self) {
        if !self.out.ends_with(' ') {
            self.out.push(' ');
        }
    }
}

/// Where a quoted text ends, behind its last quote; the end of the text if it is not closed.
fn end_of(text: &str, quote: char) -> usize {
    let mut all = text.char_indices().skip(1).peekable();
    while let Some((at, one)) = all.next() {
        if one == quote {
            match all.peek() {
                Some((_, next)) if *next == quote => drop(all.next()),
                _ => return at + quote.len_utf8(),
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_replaced_and_names_stay() {
        let postgresql = [
            ("select * from t1 where a = 'x' and b = 5.5e3", "select * from t1 where a = ? and b = ?"),
            ("alter role app password 'hunter2'", "alter role app password ?"),
            ("select \"Na''me\" from \"t\"\"x\" where a = $1", "select \"Na''me\" from \"t\"\"x\" where a = $1"),
            ("do $$ begin perform 'geheim'; end $$", "do ?"),
            ("select $tag$ secret $other$ $tag$, 1", "select ?, ?"),
            ("select E'it', x'ff', 0xdeadbeef", "select ?, ?, ?"),
            ("select /* user=ann /* nested */ still */ 1 -- secret\n, 2", "select ? , ?"),
            ("select 'it''s'", "select ?"),
            ("select x$a$ = 'cost x$a$ secret'", "select x$a$ = ?"),
            ("select x€$a$ = 'cost x$a$ secret'", "select x€$a$ = ?"),
            ("select \u{a0}$a$ = 'cost $a$ secret'", "select \u{a0}$a$ = ?"),
            ("select $€$ secret $€$, 1", "select ?, ?"),
            ("select 1x$a$, 'cost x$a$ secret'", "select ?"),
            ("select -- it's\r 'a', 1 -- 'b\n, 'secret'", "select ?, ? , ?"),
            ("select 5--'x'\n, 'secret'", "select ? , ?"),
            // Cut off by the server.
            ("select 'half a sec", "select ?"),
            ("select $$half", "select ?"),
            ("select \"half", "select ?"),
            ("select /* half", "select"),
        ];
        for (text, expected) in postgresql {
            assert_eq!(masked(text, Quotes::Names), expected, "{text}");
        }
        let mysql = [
            ("select \"secret\", `a``b` from t # comment", "select ?, `a``b` from t"),
            ("select 'ab', _utf8'c' 'd'", "select ?, ? ?"),
            ("set password = 'x' ", "set password = ?"),
            ("select 5--'it\n secret'", "select ?--?"),
            ("select a$b, 1 -- it's\r secret\n, 2 --", "select a$b, ? , ?"),
            ("select a$b$, 'cost $b$ secret'", "select a$b$, ?"),
        ];
        for (text, expected) in mysql {
            assert_eq!(masked(text, Quotes::Values), expected, "{text}");
        }
    }

    #[test]
    fn a_backslash_before_a_quote_shows_nothing() {
        for quotes in [Quotes::Names, Quotes::Values] {
            for text in [r"select 'C:\', 'secret'", r"select E'it\'s secret', 1", r#"select 'it\"s', 'secret' "#] {
                assert!(!masked(text, quotes).contains("secret"), "{text}");
            }
        }
    }

    #[test]
    fn a_text_is_one_short_line() {
        let long = masked(&format!("select\n\t\u{202e}{}", "a ".repeat(10_000)), Quotes::Names);
        assert!(long.chars().count() <= MOST + 10 && !long.contains(['\n', '\t', '\u{202e}']), "{long}");
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "\\PC{0,200}", mysql: bool) {
            masked(&text, if mysql { Quotes::Values } else { Quotes::Names });
        }

        /// Would break: a quoted value in whatever surroundings that is shown.
        #[test]
        fn a_quoted_value_is_never_shown(before in "[a-z =(]{0,20}", value in "[A-Z]{8,20}", after in "[a-z );]{0,20}") {
            // A dollar directly after a word belongs to the name.
            let dollars = format!("{before} $${value}$$");
            for text in [format!("{before}'{value}'{after}"), format!("{before}'{value}"), dollars] {
                prop_assert!(!masked(&text, Quotes::Names).contains(&value), "{}", text);
            }
        }
    }
}
