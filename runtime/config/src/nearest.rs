//! "did you mean": finds the known word nearest to an unknown one.

use ansai_core::text::inert;

/// Maximum length of compared words, in bytes. No key is longer, and the time of a comparison grows with the product of
/// both lengths.
const MOST_COMPARED: usize = 80;

/// Maximum number of known words that are compared: a component can declare thousands of settings.
const MOST_WORDS: usize = 200;

/// The nearest known word, if it is near enough. Only the first 200 words are compared, and none that is longer than 80
/// bytes.
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if written.len() > MOST_COMPARED {
        return None;
    }
    let written = plain(written);
    known
        .into_iter()
        .filter(|word| word.len() <= MOST_COMPARED)
        .take(MOST_WORDS)
        .map(|word| (score(&written, word), word))
        .filter(|(score, _)| *score >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// Returns `did you mean `x`?`, or else the list of known words.
pub(crate) fn hint(written: &str, known: &[&str]) -> Option<String> {
    if let Some(word) = nearest(written, known.iter().copied()) {
        return Some(format!("did you mean `{word}`?"));
    }
    list(known).map(|list| format!("known here: {list}"))
}

/// Formats `` `a`, `b`, `c` ``, at most 32 words.
pub(crate) fn list(words: &[&str]) -> Option<String> {
    let (shown, rest) = words.split_at(words.len().min(32));
    let mut list: Vec<String> = shown.iter().map(|word| format!("`{}`", inert(word, MOST_COMPARED))).collect();
    if !rest.is_empty() {
        list.push(format!("{} more", rest.len()));
    }
    (!list.is_empty()).then(|| list.join(", "))
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

fn score(written: &str, word: &str) -> f64 {
    let word = plain(word);
    let whole = strsim::normalized_damerau_levenshtein(written, &word);
    // Also compare without the package: `disk-probe` of `ansai:disk/disk-probe`.
    let last = word.rsplit('/').next().unwrap_or_default();
    whole.max(strsim::normalized_damerau_levenshtein(written, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_near() {
        let known = ["name", "version", "ansai:disk/disk-probe", "min_age_hours"];
        for (written, expected) in [
            ("nmae", Some("name")),
            ("disk-probe", Some("ansai:disk/disk-probe")),
            ("ansai:disk/disk", Some("ansai:disk/disk-probe")),
            ("min-age-hours", Some("min_age_hours")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), expected, "{written}");
        }
    }
}
