//! When two instances undo what the other does.

use ansai_core::InstanceName;

/// One plan of an instance that changed a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) instance: InstanceName,
    /// Whether all that it did to the thing was to free space on it.
    pub(crate) frees: bool,
}

/// The instance that acts by turns with the one that acted last, so many times each. `acts` are those on one thing, the
/// oldest first. Two that only free space help each other, and are not compared.
pub(super) fn opponent(acts: &[Act], turns: usize) -> Option<InstanceName> {
    let last = &acts.last()?.instance;
    let mut others: Vec<&InstanceName> = acts.iter().map(|act| &act.instance).filter(|one| *one != last).collect();
    others.sort_unstable();
    others.dedup();
    others.into_iter().find(|other| are_opposed(acts, last, other, turns)).cloned()
}

fn are_opposed(acts: &[Act], one: &InstanceName, other: &InstanceName, turns: usize) -> bool {
    let of_both: Vec<&Act> = acts.iter().filter(|act| act.instance == *one || act.instance == *other).collect();
    if of_both.iter().all(|act| act.frees) {
        return false;
    }
    let mut by_turns: Vec<&InstanceName> = of_both.into_iter().map(|act| &act.instance).collect();
    by_turns.dedup();
    by_turns.len() >= turns * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A letter is an act of that instance; a small one only frees space.
    fn acts(text: &str) -> Vec<Act> {
        let name = |letter: char| match letter.to_ascii_lowercase() {
            'a' => "a",
            'b' => "b",
            _ => "c",
        };
        let act =
            |letter: char| Act { instance: InstanceName::from_static(name(letter)), frees: letter.is_lowercase() };
        text.chars().map(act).collect()
    }

    #[test]
    fn three_turns_of_each_are_a_fight() {
        for (done, expected) in [
            ("", None),
            ("AAAAAA", None),
            ("ABABA", None),
            ("ABABAB", Some("a")),
            ("BABABA", Some("b")),
            // Several acts are one turn.
            ("AABBAABBAAB", Some("a")),
            ("AAABBB", None),
            // A third one changes nothing, and three may go round.
            ("ACBACBACB", Some("a")),
            ("ABCABCABC", Some("a")),
            ("CCCABAB", None),
            // Two that only free space on the same disk help each other.
            ("ababab", None),
            ("aBaBaB", Some("a")),
        ] {
            let found = opponent(&acts(done), 3);
            assert_eq!(found.as_ref().map(InstanceName::as_str), expected, "{done}");
        }
    }
}
