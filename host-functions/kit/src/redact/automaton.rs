//! Finds many words in one walk over a text (Aho–Corasick).
//!
//! The crate `aho-corasick` would do, but it keeps the words in memory that it does not wipe. Here the words may be
//! secrets, so the bytes of the words are wiped on drop. Time is linear in the text, for any text and any words.

use zeroize::Zeroize as _;

/// One state. State 0 is the root; 0 also means "none" in every link.
#[derive(Clone, Copy, Default)]
struct Node {
    /// The byte that leads here from the parent.
    byte: u8,
    /// First child, and next child of the same parent.
    child: u32,
    sibling: u32,
    /// The state of the longest proper suffix.
    fail: u32,
    /// First word that ends here, plus 1.
    word: u32,
    /// Nearest state on the chain of `fail` where a word ends.
    shorter: u32,
}

/// One word: its length in bytes, and the next equal word plus 1.
struct Word {
    length: usize,
    same: u32,
}

/// A set of words to search for.
pub(crate) struct Automaton {
    nodes: Vec<Node>,
    /// The step from the root for every byte: most steps of most texts start there.
    root: [u32; 256],
    words: Vec<Word>,
    fold: bool,
}

impl Automaton {
    /// Words keep their order: the first has number 0. `fold`: upper and lower case of ASCII are the same.
    /// Empty words are never found.
    pub(crate) fn new<'w>(words: impl Iterator<Item = &'w [u8]> + Clone, fold: bool) -> Automaton {
        // The exact capacity: a vector that grows would leave copies behind that are not wiped.
        let room = words.clone().map(<[u8]>::len).sum::<usize>().saturating_add(1);
        let mut all = Automaton { nodes: Vec::with_capacity(room), root: [0; 256], words: Vec::new(), fold };
        all.nodes.push(Node::default());
        for word in words {
            all.insert(word);
        }
        all.link();
        all
    }

    fn insert(&mut self, word: &[u8]) {
        let mut state = 0;
        for &byte in word {
            let byte = self.folded(byte);
            state = match self.child(state, byte) {
                0 => self.add(state, byte),
                child => child,
            };
        }
        let same = self.node(state).word;
        self.words.push(Word { length: word.len(), same });
        let number = u32::try_from(self.words.len()).unwrap_or(0);
        if state != 0 {
            self.change(state, |node| node.word = number);
        }
    }

    fn add(&mut self, parent: u32, byte: u8) -> u32 {
        let Ok(new) = u32::try_from(self.nodes.len()) else { return 0 };
        let sibling = self.node(parent).child;
        self.nodes.push(Node { byte, sibling, ..Node::default() });
        self.change(parent, |node| node.child = new);
        if let (0, Some(step)) = (parent, self.root.get_mut(usize::from(byte))) {
            *step = new;
        }
        new
    }

    /// Sets `fail` and `shorter`, level by level: a state's links need those of shorter states.
    fn link(&mut self) {
        let mut level: Vec<u32> = self.children(0).collect();
        while !level.is_empty() {
            let mut next = Vec::new();
            for parent in level {
                for child in self.children(parent).collect::<Vec<_>>() {
                    let fail = self.step(self.node(parent).fail, self.node(child).byte);
                    let suffix = self.node(fail);
                    let shorter = if suffix.word == 0 { suffix.shorter } else { fail };
                    self.change(child, |node| (node.fail, node.shorter) = (fail, shorter));
                    next.push(child);
                }
            }
            level = next;
        }
    }

    /// Calls `each` with the number of the word and the offsets of its first byte and of the byte after it, for all
    /// occurrences, also those that overlap, in the order of their ends.
    pub(crate) fn find(&self, text: &[u8], mut each: impl FnMut(usize, usize, usize)) {
        let mut state = 0;
        for (at, &byte) in text.iter().enumerate() {
            state = self.step(state, self.folded(byte));
            if state == 0 {
                continue;
            }
            let mut found = if self.node(state).word == 0 { self.node(state).shorter } else { state };
            while found != 0 {
                let node = self.node(found);
                let mut word = node.word;
                while let Some(index) = usize::try_from(word).ok().and_then(|word| word.checked_sub(1)) {
                    let Some(Word { length, same }) = self.words.get(index) else { break };
                    let end = at.saturating_add(1);
                    each(index, end.saturating_sub(*length), end);
                    word = *same;
                }
                found = node.shorter;
            }
        }
    }

    #[inline]
    fn step(&self, mut state: u32, byte: u8) -> u32 {
        while state != 0 {
            match self.child(state, byte) {
                0 => state = self.node(state).fail,
                child => return child,
            }
        }
        self.root.get(usize::from(byte)).copied().unwrap_or(0)
    }

    #[inline]
    fn child(&self, state: u32, byte: u8) -> u32 {
        let mut child = self.node(state).child;
        while child != 0 {
            let node = self.node(child);
            if node.byte == byte {
                return child;
            }
            child = node.sibling;
        }
        0
    }

    fn children(&self, state: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.node(state).child;
        std::iter::successors((first != 0).then_some(first), |&child| {
            Some(self.node(child).sibling).filter(|&sibling| sibling != 0)
        })
    }

    #[inline]
    fn node(&self, state: u32) -> Node {
        usize::try_from(state).ok().and_then(|state| self.nodes.get(state)).copied().unwrap_or_default()
    }

    fn change(&mut self, state: u32, change: impl FnOnce(&mut Node)) {
        if let Some(node) = usize::try_from(state).ok().and_then(|state| self.nodes.get_mut(state)) {
            change(node);
        }
    }

    #[inline]
    fn folded(&self, byte: u8) -> u8 {
        if self.fold { byte.to_ascii_lowercase() } else { byte }
    }
}

impl Drop for Automaton {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            node.byte.zeroize();
        }
        self.root.zeroize();
    }
}
