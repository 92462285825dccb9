//! Names of interfaces.

use std::cmp::Ordering;

use semver::Version;

use crate::name_text::{NameText, is_its_text};
use crate::text::inert;

/// The name of a WIT interface, `ansai:disk/disk-probe` or, with the version of its package,
/// `ansai:disk/disk-probe@0.2.0`.
///
/// Components import names with a version; grants, calls and recordings have names without one. Equality, order and hash
/// are those of the whole text, so use [`InterfaceName::same_interface`] to compare a name of one kind with one of the
/// other. It is cheap to clone, and it is a plain string in every file.
///
/// ```
/// use ansai_core::InterfaceName;
/// let import: InterfaceName = "ansai:disk/disk-probe@0.2.0".parse()?;
/// assert_eq!((import.package(), import.interface(), import.version()), ("ansai:disk", "disk-probe", Some("0.2.0")));
/// assert_eq!(import.without_version(), "ansai:disk/disk-probe");
/// assert!(import.same_interface(&InterfaceName::from_static("ansai:disk/disk-probe")));
/// # Ok::<(), ansai_core::InterfaceNameError>(())
/// ```
#[derive(Clone)]
pub struct InterfaceName {
    text: NameText,
    /// Bytes before the version.
    plain: usize,
}

/// A text is not the name of an interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not the name of an interface: {problem}")]
pub struct InterfaceNameError {
    /// The text, safe for terminals.
    name: String,
    problem: &'static str,
}

impl InterfaceName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// A name in the source of ansai. In a `static` or a `const` the compiler checks it.
    ///
    /// # Panics
    /// If the text is not the name of an interface.
    #[expect(clippy::panic, reason = "the text is a literal: the compiler or the first test finds a wrong one")]
    pub const fn from_static(text: &'static str) -> InterfaceName {
        match plain_length(text) {
            Ok(plain) => InterfaceName { text: NameText::Static(text), plain },
            Err(_) => panic!("not the name of an interface"),
        }
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// The package: `ansai:disk`.
    pub fn package(&self) -> &str {
        self.plain().split_once('/').map_or("", |(package, _)| package)
    }

    /// The name within the package: `disk-probe`.
    pub fn interface(&self) -> &str {
        self.plain().split_once('/').map_or("", |(_, interface)| interface)
    }

    /// The version of the package: `0.1.0`.
    pub fn version(&self) -> Option<&str> {
        self.as_str().get(self.plain + 1..)
    }

    /// The same interface, whatever its version.
    pub fn without_version(&self) -> InterfaceName {
        let text = match &self.text {
            NameText::Static(text) => NameText::Static(text.get(..self.plain).unwrap_or_default()),
            NameText::Shared(text) if text.len() == self.plain => NameText::Shared(text.clone()),
            NameText::Shared(_) => NameText::Shared(self.plain().into()),
        };
        InterfaceName { text, plain: self.plain }
    }

    /// Whether both name the same interface, with or without a version. It allocates nothing.
    pub fn same_interface(&self, other: &InterfaceName) -> bool {
        self.plain() == other.plain()
    }

    /// Whether this interface, in its version, can stand in for `asked`: it is the same interface, in the same version or
    /// a later one that only adds to it. Below 1.0.0, patch versions add; from 1.0.0 on, minor versions do too.
    ///
    /// ```
    /// use ansai_core::InterfaceName;
    /// let offered = InterfaceName::from_static("ansai:disk/disk-probe@0.2.1");
    /// let serves = |version| offered.serves(&format!("ansai:disk/disk-probe@{version}").parse().unwrap());
    /// assert_eq!(["0.2.0", "0.2.1", "0.2.2", "0.1.9"].map(serves), [true, true, false, false]);
    /// ```
    pub fn serves(&self, asked: &InterfaceName) -> bool {
        self == asked || (self.same_interface(asked) && self.compared(asked) == Some(Ordering::Greater))
    }

    /// Whether `asked` is a later version of this interface that only adds to it.
    pub fn is_extended_by(&self, asked: &InterfaceName) -> bool {
        self.same_interface(asked) && self.compared(asked) == Some(Ordering::Less)
    }

    /// Compares the versions; `None` if they are not compatible, or one is missing or no version.
    fn compared(&self, other: &InterfaceName) -> Option<Ordering> {
        let (own, other): (Version, Version) = (self.version()?.parse().ok()?, other.version()?.parse().ok()?);
        // A version before a release promises nothing.
        if !own.pre.is_empty() || !other.pre.is_empty() {
            return None;
        }
        let is_compatible = match (own.major, other.major) {
            (0, 0) => own.minor == other.minor && own.minor > 0,
            (own, other) => own == other,
        };
        is_compatible.then(|| own.cmp_precedence(&other))
    }

    /// This interface in a version, which is one.
    pub(crate) fn in_version(&self, version: &str) -> InterfaceName {
        InterfaceName { text: NameText::Shared(format!("{}@{version}", self.plain()).into()), plain: self.plain }
    }

    /// Without the version: `ansai:disk/disk-probe`.
    fn plain(&self) -> &str {
        self.as_str().get(..self.plain).unwrap_or_default()
    }
}

/// Bytes of a name before its version, or what is wrong with it.
const fn plain_length(text: &str) -> Result<usize, &'static str> {
    if text.len() > InterfaceName::MAX_BYTES {
        return Err("it is longer than 256 bytes");
    }
    // Separators of the parts `namespace:package/interface@version`, as far as they were passed.
    let mut passed = 0u8;
    let mut plain = text.len();
    let mut part = 0usize;
    let mut last = b'-';
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        let expected = match passed {
            0 => b':',
            1 => b'/',
            2 => b'@',
            _ => 0,
        };
        if *byte == expected {
            if part == 0 || last == b'-' {
                return Err("a part is empty or ends with `-`");
            }
            if passed == 2 {
                plain = text.len() - rest.len();
            }
            passed += 1;
            part = 0;
        } else {
            let fits = match *byte {
                b'a'..=b'z' | b'A'..=b'Z' => passed < 3 || part > 0,
                b'0'..=b'9' => passed == 3 || part > 0,
                b'-' => part > 0 && (passed == 3 || last != b'-'),
                b'.' | b'+' => passed == 3 && part > 0,
                _ => false,
            };
            if !fits {
                return Err("the form is `namespace:package/interface`, with `@` and a version or without");
            }
            part += 1;
        }
        last = *byte;
        rest = tail;
    }
    match passed {
        _ if part == 0 || !last.is_ascii_alphanumeric() => Err("a part is empty or ends with a punctuation mark"),
        2 | 3 => Ok(plain),
        _ => Err("the form is `namespace:package/interface`, with `@` and a version or without"),
    }
}

impl std::str::FromStr for InterfaceName {
    type Err = InterfaceNameError;

    fn from_str(text: &str) -> Result<Self, InterfaceNameError> {
        match plain_length(text) {
            Ok(plain) => Ok(InterfaceName { text: NameText::Shared(text.into()), plain }),
            Err(problem) => Err(InterfaceNameError { name: inert(text, 120), problem }),
        }
    }
}

is_its_text!(InterfaceName);

#[cfg(test)]
mod tests;
