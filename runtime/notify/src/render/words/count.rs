//! Numbers with their nouns: `1 file`, `2 files`.

/// A number with a noun, in the plural unless the number is one.
pub fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{number} {stem}ies"),
        _ if ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end)) => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_all_else_plural() {
        assert_eq!(count(1_u64, "journal file"), "1 journal file");
        assert_eq!(count(0_u64, "segment"), "0 segments");
        assert_eq!(count(2_usize, "policy"), "2 policies");
        assert_eq!(count(2_u32, "key"), "2 keys");
        assert_eq!(count(0_u32, "process"), "0 processes");
        assert_eq!(count(2_u32, "index"), "2 indexes");
    }
}
