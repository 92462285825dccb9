//! Texts that a service accepts: escaped, and within the units in which the service counts.

/// The text with each character escaped. What does not fit into `most` units is left out, in whole characters with their
/// escapes, and `…` says so.
pub(super) fn fitting(text: &str, most: usize, size: fn(char) -> usize, escape: fn(char, &mut String)) -> String {
    let room = most.saturating_sub(size('…'));
    let (mut out, mut used, mut end) = (String::new(), 0_usize, 0);
    for c in text.chars() {
        let begin = out.len();
        escape(c, &mut out);
        used += out.get(begin..).unwrap_or_default().chars().map(size).sum::<usize>();
        if used > most {
            out.truncate(end);
            out.push('…');
            return out;
        }
        if used <= room {
            end = out.len();
        }
    }
    out
}

/// The text with each character escaped.
pub(super) fn escaped(text: &str, escape: fn(char, &mut String)) -> String {
    fitting(text, usize::MAX, utf16, escape)
}

/// Services that are written in JavaScript or C# count so. Those that count characters accept at least as much.
pub(super) fn utf16(c: char) -> usize {
    c.len_utf16()
}

/// Bytes within JSON.
pub(super) fn json_bytes(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' => 2,
        c if c.is_control() => 6,
        c => c.len_utf8(),
    }
}

/// As it is.
pub(super) fn plain(c: char, out: &mut String) {
    out.push(c);
}

/// Slack reads these three characters as the begin of links and mentions:
/// <https://api.slack.com/reference/surfaces/formatting#escaping>.
pub(super) fn slack(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        c => out.push(c),
    }
}

/// Characters that Markdown of Discord and of adaptive cards gives a meaning.
pub(super) fn markdown(c: char, out: &mut String) {
    if matches!(c, '\\' | '*' | '_' | '`' | '~' | '|' | '>' | '<' | '#' | '[' | ']' | '(' | ')' | '@') {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_keep_characters_and_escapes_whole() {
        for (most, expected) in [(12, "a&lt;b&amp;c"), (11, "a&lt;b…"), (6, "a&lt;…"), (5, "a…"), (2, "a…"), (1, "…")]
        {
            assert_eq!(fitting("a<b&c", most, utf16, slack), expected, "{most}");
        }
        // Two units of UTF-16, four bytes.
        assert_eq!(fitting("😀😀", 4, utf16, plain), "😀😀");
        assert_eq!(fitting("😀😀", 3, utf16, plain), "😀…");
        assert_eq!(fitting("😀😀", 7, json_bytes, plain), "😀…");
        assert_eq!(fitting("a\"b", 3, json_bytes, plain), "…");
        assert_eq!(fitting("_x", 2, utf16, markdown), "…");
        assert_eq!(escaped("a_b", markdown), "a\\_b");
        assert_eq!(fitting("", 0, utf16, plain), "");
    }
}
