//! Who waits for whom: chains of locks, of services, of jobs.

use crate::largest;

/// The beginning of a chain: others wait for it, and it waits for nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its place in the list.
    pub place: usize,
    /// The places of all that wait for it, also behind each other, each once.
    pub waiting: Vec<usize>,
}

/// The roots of all chains of `count` things, those with the most direct waiters first, `most` at most. Each place has a `name`,
/// and `waits_for` are the names that the one at a place waits for; names that no place has are left out. A circle has no root.
///
/// ```
/// use ansai_sdk::waits::{Root, roots};
///
/// // b and c wait for a, and d waits for c.
/// let (names, waits_for) = (["a", "b", "c", "d"], [vec![], vec!["a".to_owned()], vec!["a".into()], vec!["c".into()]]);
/// let found = roots(4, |place| names[place], |place| &waits_for[place], 10);
/// assert_eq!(found, [Root { place: 0, waiting: vec![1, 2, 3] }]);
/// ```
pub fn roots<'n>(
    count: usize,
    name: impl Fn(usize) -> &'n str,
    waits_for: impl Fn(usize) -> &'n [String],
    most: usize,
) -> Vec<Root> {
    if (0..count).all(|place| waits_for(place).is_empty()) {
        return Vec::new();
    }
    // Places instead of names, because comparing texts is what costs.
    let mut places: Vec<(&str, usize)> = (0..count).map(|place| (name(place), place)).collect();
    places.sort_unstable();
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); count];
    for place in 0..count {
        for other in waits_for(place) {
            let found = places.binary_search_by(|(name, _)| (*name).cmp(other)).ok();
            if let Some(known) = found.and_then(|found| behind.get_mut(places.get(found)?.1)) {
                known.push(place);
            }
        }
    }
    let waiters = |place: &usize| behind.get(*place).map_or(0, Vec::len);
    let found = (0..count).filter(|place| waits_for(*place).is_empty() && waiters(place) > 0).collect();
    largest(found, most, waiters).into_iter().map(|place| Root { place, waiting: follow(place, &behind) }).collect()
}

fn follow(root: usize, behind: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; behind.len()];
    let (mut open, mut found) = (vec![root], Vec::new());
    while let Some(next) = open.pop() {
        for place in behind.get(next).into_iter().flatten() {
            if seen.get_mut(*place).is_some_and(|seen| !std::mem::replace(seen, true)) {
                found.push(*place);
                open.push(*place);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn found(waits_for: &[&[&str]], most: usize) -> Vec<(usize, Vec<usize>)> {
        let names = ["a", "b", "c", "d", "e"];
        let lists: Vec<Vec<String>> =
            waits_for.iter().map(|list| list.iter().map(|&one| one.into()).collect()).collect();
        let of = |place: usize| lists.get(place).map_or(&[][..], Vec::as_slice);
        roots(names.len(), |place| names[place], of, most).into_iter().map(|root| (root.place, root.waiting)).collect()
    }

    /// Would break: a circle that is followed without end, and one that counts twice.
    #[test]
    fn chains_are_followed_once() {
        assert_eq!(found(&[], 9), []);
        assert_eq!(found(&[&["b"], &["a"]], 9), [], "a circle");
        assert_eq!(found(&[&[], &["a"], &["a", "b"]], 9), [(0, vec![1, 2])], "by two ways");
        assert_eq!(found(&[&["x"]], 9), [], "unknown");
        assert_eq!(found(&[&[], &["a"], &[], &["c"], &["c"]], 1), [(2, vec![3, 4])], "the one with the most");
    }
}
