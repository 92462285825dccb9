//! Texts of the list as they are shown: written with the indentation of the source, read without.

/// Paragraphs, each on one line.
pub(super) fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![Vec::new()];
    for line in text.lines().map(str::trim) {
        match paragraphs.last_mut() {
            Some(last) if !line.is_empty() => last.push(line),
            Some(last) if !last.is_empty() => paragraphs.push(Vec::new()),
            _ => {}
        }
    }
    paragraphs.iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join(" ")).collect()
}

/// Lines without the indentation that they share, and without empty ones around them.
pub(super) fn dedented(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().skip_while(|line| line.trim().is_empty()).collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(line)).min().unwrap_or(0);
    lines.iter().map(|line| line.get(shared..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_of_the_source_is_not_shown() {
        assert_eq!(paragraphs("\n  one\n    line\n\n\n  two\n  "), ["one line", "two"]);
        assert_eq!(dedented("\n    [a]\n      b = 1\n\n    c\n  "), "[a]\n  b = 1\n\nc");
        assert_eq!(dedented("one"), "one");
        assert!(paragraphs(" \n ").is_empty());
    }
}
