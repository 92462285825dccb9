//! Looks up a name, as it appears in code or in a message, in the reference.

use super::{Function, Interface, Package, Reference, Type};

/// What a name refers to.
#[derive(Debug, Clone, Copy)]
pub enum Found<'r> {
    /// `files` or `ansai:files`.
    Package(&'r Package),
    /// `files-probe` or `ansai:files/files-probe`.
    Interface(&'r Package, &'r Interface),
    /// `list-files`, `files-probe.list-files` or `ansai:files/files-probe.list-files`.
    Function(&'r Interface, &'r Function),
    /// `file-query`, or with its interface, as for a function.
    Type(&'r Interface, &'r Type),
    /// `detect` or `plan`.
    Export(&'r Function),
}

impl Reference {
    /// All matches, in the order of the contract. Accepts `_` for `-`, the capitals of other languages, and a version.
    pub fn find(&self, name: &str) -> Vec<Found<'_>> {
        let name = plain(name);
        let mut found = Vec::new();
        for package in &self.packages {
            if is(&name, &[&package.name, &format!("ansai:{}", package.name)]) {
                found.push(Found::Package(package));
            }
            for interface in &package.interfaces {
                if is(&name, &[&interface.short, interface.name.as_str()]) {
                    found.push(Found::Interface(package, interface));
                }
                let named = |item: &str| {
                    is(&name, &[item, &format!("{}.{item}", interface.short), &format!("{}.{item}", interface.name)])
                };
                found.extend(
                    interface.functions.iter().filter(|f| named(&f.name)).map(|f| Found::Function(interface, f)),
                );
                found.extend(interface.types.iter().filter(|ty| named(&ty.name)).map(|ty| Found::Type(interface, ty)));
            }
        }
        found.extend(self.exports.iter().filter(|export| is(&name, &[&export.name])).map(Found::Export));
        found
    }

    /// Every name that [`find`](Self::find) accepts, in its shortest form.
    pub fn names(&self) -> Vec<&str> {
        let interfaces = || self.packages.iter().flat_map(|package| &package.interfaces);
        let mut names: Vec<&str> = self.packages.iter().map(|package| package.name.as_str()).collect();
        names.extend(interfaces().map(|interface| interface.short.as_str()));
        names.extend(interfaces().flat_map(|one| one.functions.iter().map(|function| function.name.as_str())));
        names.extend(self.exports.iter().map(|export| export.name.as_str()));
        names.extend(interfaces().flat_map(|one| one.types.iter().map(|ty| ty.name.as_str())));
        names
    }

    /// Finds an interface by its last part.
    pub fn interface(&self, short: &str) -> Option<&Interface> {
        self.packages.iter().flat_map(|package| &package.interfaces).find(|interface| interface.short == short)
    }
}

fn is(name: &str, known: &[&str]) -> bool {
    known.contains(&name)
}

/// Turns `listFiles`, `ListFiles` and `list_files` into `list-files`; drops a version.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut chars = name.trim().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '@' => {
                // `ansai:files/files-probe@0.2.0.list-files`: the third dot ends the version.
                let mut dots = 0;
                while chars.next_if(|c| c.is_ascii_digit() || (*c == '.' && dots < 2)).is_some_and(|c| {
                    dots += u8::from(c == '.');
                    true
                }) {}
            }
            '_' => plain.push('-'),
            c if c.is_ascii_uppercase() => {
                if plain.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                    plain.push('-');
                }
                plain.push(c.to_ascii_lowercase());
            }
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_in_every_language_are_found() {
        for (written, name) in [
            ("list-files", "list-files"),
            ("list_files", "list-files"),
            ("listFiles", "list-files"),
            ("ListFiles", "list-files"),
            ("files_probe.list_files", "files-probe.list-files"),
            ("ansai:files/files-probe@0.2.0", "ansai:files/files-probe"),
            ("ansai:files/files-probe@0.2.0.list-files", "ansai:files/files-probe.list-files"),
            ("@", ""),
            ("@1.2.3.4", ".4"),
            (" Ünï ", "Ünï"),
        ] {
            assert_eq!(plain(written), name, "{written}");
        }
    }
}
