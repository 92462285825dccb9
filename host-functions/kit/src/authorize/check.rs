//! Arguments that a scope bounds, and where they are.

use ansai_core::scope::{Field, TypedField};
use serde_json::Value;

/// The most elements of a list in the arguments of one call that are checked.
pub const MOST_ELEMENTS: usize = 1_000;

/// One argument that a scope bounds, or all elements of a list.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// JSON pointer into the arguments: `/what/root`. `*` stands for every element of a list: `/endpoints/*/address`.
    pub argument: &'static str,
    /// The field that bounds it.
    pub field: Field,
}

/// A value that a check applies to.
pub(super) struct Found<'v> {
    pub(super) value: &'v Value,
    /// Its places in the lists on the way.
    indexes: Vec<usize>,
}

impl Check {
    /// Of an argument that a field bounds.
    pub const fn of<T>(argument: &'static str, field: &TypedField<T>) -> Check {
        Check { argument, field: field.field() }
    }

    /// The argument as people write it: `what.root`, `endpoints[*].address`.
    pub fn shown(&self) -> String {
        shown(self.parts().map(Part::of))
    }

    /// The values of the argument: one, or one for each element.
    pub fn values<'v>(&self, arguments: &'v Value) -> Vec<&'v Value> {
        self.find(arguments).unwrap_or_default().into_iter().map(|found| found.value).collect()
    }

    /// The same with their places. What is missing is null.
    ///
    /// # Errors
    /// No list where there must be one, or one that is too long, as a sentence.
    pub(super) fn find<'v>(&self, arguments: &'v Value) -> Result<Vec<Found<'v>>, String> {
        let mut found = vec![Found { value: arguments, indexes: Vec::new() }];
        for (depth, part) in self.parts().enumerate() {
            if part != "*" {
                for one in &mut found {
                    one.value = one.value.get(part).unwrap_or(&Value::Null);
                }
                continue;
            }
            let mut elements = Vec::new();
            for one in found {
                let place = || shown(self.parts().take(depth).map(Part::of));
                let list = one.value.as_array().ok_or_else(|| format!("`{}` is not a list", place()))?;
                if elements.len() + list.len() > MOST_ELEMENTS {
                    return Err(format!("`{}` has more than {MOST_ELEMENTS} elements", place()));
                }
                elements.extend(list.iter().enumerate().map(|(index, value)| {
                    let indexes = one.indexes.iter().copied().chain([index]).collect();
                    Found { value, indexes }
                }));
            }
            found = elements;
        }
        Ok(found)
    }

    /// Where a value is: `endpoints[3].address`.
    pub(super) fn place(&self, found: &Found<'_>) -> String {
        let mut indexes = found.indexes.iter();
        shown(self.parts().map(|part| match Part::of(part) {
            Part::Any => indexes.next().map_or(Part::Any, |index| Part::Index(*index)),
            key => key,
        }))
    }

    fn parts(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.argument.split('/').skip(1)
    }
}

enum Part {
    Key(&'static str),
    Any,
    Index(usize),
}

impl Part {
    fn of(part: &'static str) -> Part {
        if part == "*" { Part::Any } else { Part::Key(part) }
    }
}

fn shown(parts: impl Iterator<Item = Part>) -> String {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Key(key) if out.is_empty() => out.push_str(key),
            Part::Key(key) => out.push_str(&format!(".{key}")),
            Part::Any => out.push_str("[*]"),
            Part::Index(index) => out.push_str(&format!("[{index}]")),
        }
    }
    out
}
