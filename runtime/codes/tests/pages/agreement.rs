//! Every code has a page, and every page has a code.

use std::path::Path;

use ansai_core::codes;

use crate::directory::read;

/// An area and a word.
type Name = (String, String);

/// Returns a sentence for each code without a page and each page without a code.
fn disagreements(pages: &[Name], codes: &[Name]) -> Vec<String> {
    let file = |(area, word): &Name| format!("runtime/codes/pages/{area}/{word}.md");
    let codes_alone = codes.iter().filter(|code| !pages.contains(code));
    let pages_alone = pages.iter().filter(|page| !codes.contains(page));
    codes_alone
        .map(|code| format!("code `{}` has no page: write {}", code.1, file(code)))
        .chain(pages_alone.map(|page| format!("{} has no code in ansai_core::codes", file(page))))
        .collect()
}

fn pages_of(directory: &Path) -> Vec<Name> {
    read(directory).unwrap().into_iter().map(|page| (page.area, page.word)).collect()
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let pages = pages_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("pages"));
    let codes: Vec<Name> = codes::all().map(|code| (code.area().word().to_owned(), code.word().to_owned())).collect();
    let wrong = disagreements(&pages, &codes);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(codes::all().filter_map(ansai_codes::page).count(), codes.len());
}

#[test]
fn a_code_without_a_page_and_a_page_without_a_code_are_found() {
    let directory = tempfile::tempdir().unwrap();
    for (area, word) in [("files", "both"), ("files", "page-alone"), ("host", "elsewhere")] {
        std::fs::create_dir_all(directory.path().join(area)).unwrap();
        let text = format!("# {word}: title\n\nText.\n\n## Example\n\n```console\n$ x\n```\n\n## Fix\n\nText.\n");
        std::fs::write(directory.path().join(area).join(word).with_extension("md"), text).unwrap();
    }
    let name = |area: &str, word: &str| (area.to_owned(), word.to_owned());
    let codes = [name("files", "both"), name("files", "code-alone"), name("files", "elsewhere")];
    assert_eq!(
        disagreements(&pages_of(directory.path()), &codes),
        [
            "code `code-alone` has no page: write runtime/codes/pages/files/code-alone.md",
            "code `elsewhere` has no page: write runtime/codes/pages/files/elsewhere.md",
            "runtime/codes/pages/files/page-alone.md has no code in ansai_core::codes",
            "runtime/codes/pages/host/elsewhere.md has no code in ansai_core::codes",
        ]
    );
    assert!(disagreements(&codes, &codes).is_empty());
}
