//! Valid and invalid pages.

use std::path::Path;

use crate::directory::read;
use crate::parse::{Block, Fence, parse};

const PAGE: &str = "# web: a title

First line
of a paragraph.

- one
- two,
  longer
after

## Example

```toml
# ansai.toml

a = 1
```

## Fix

Run:

```console
$ ansai check
```
";

#[test]
fn a_page_has_a_title_a_meaning_an_example_and_a_fix() {
    let page = parse("files", "web", PAGE).unwrap();
    assert_eq!((page.area.as_str(), page.word.as_str(), page.title.as_str()), ("files", "web", "a title"));
    let (text, item) = (|text: &str| Block::Text(text.to_owned()), |text: &str| Block::Item(text.to_owned()));
    assert_eq!(page.meaning, [text("First line of a paragraph."), item("one"), item("two, longer after")]);
    assert_eq!(page.example, Fence { language: "toml".to_owned(), text: "# ansai.toml\n\na = 1".to_owned() });
    let command = Block::Code(Fence { language: "console".to_owned(), text: "$ ansai check".to_owned() });
    assert_eq!(page.fix, [text("Run:"), command]);
}

#[test]
fn an_invalid_page_is_refused_with_the_missing_part() {
    for (from, to, says) in [
        ("# web: a title", "# wed: a title", "the first line is not `# web: TITLE`"),
        ("# web: a title", "", "the first line is not `# web: TITLE`"),
        ("## Example\n", "", "no section `## Example`"),
        ("## Example\n", "## Examples\n", "no section `## Example`"),
        ("## Fix\n", "", "no section `## Fix`"),
        ("## Fix\n", "## Fix\n\n## More\n", "unexpected heading `## More`"),
        ("Run:\n\n```console\n$ ansai check\n```\n", "", "no text in `## Fix`"),
        ("First line\nof a paragraph.\n\n- one\n- two,\n  longer\nafter\n", "", "no text below the title"),
        ("```toml", "```", "a fenced block without a language"),
        ("$ ansai check\n```", "$ ansai check", "a fenced block without an end"),
        ("```toml\n# ansai.toml\n\na = 1\n```", "a = 1", "`## Example` is not one fenced block"),
        ("## Example\n", "## Example\n\nText.\n", "`## Example` is not one fenced block"),
        ("```toml\n# ansai.toml\n\na = 1\n```", "", "no fenced block in `## Example`"),
    ] {
        assert!(PAGE.contains(from), "{from}");
        let wrong = parse("files", "web", &PAGE.replacen(from, to, 1)).unwrap_err();
        assert!(wrong.contains(says), "{from:?} to {to:?}: {wrong}");
    }
    assert!(parse("files", "web", "").is_err());
}

#[test]
fn every_invalid_file_of_a_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("host/web.md", PAGE);
    write("files/web.md", PAGE);
    let areas: Vec<String> = read(directory.path()).unwrap().into_iter().map(|page| page.area).collect();
    assert_eq!(areas, ["files", "host"]);
    write("host/other.md", PAGE);
    write("host/web.md~", PAGE);
    write("host/half.md", "# half: a title\n\nText.\n\n## Example\n\n```sh\n$ x\n```\n");
    write("README.md", "text");
    let wrong = read(directory.path()).unwrap_err();
    assert_eq!(wrong.len(), 4, "{wrong:?}");
    assert!(wrong.iter().any(|wrong| wrong.starts_with("README.md: ")), "{wrong:?}");
    assert!(wrong.contains(&"host/half.md: no section `## Fix` after the example".to_owned()), "{wrong:?}");
    assert!(wrong.contains(&"host/other.md: the first line is not `# other: TITLE`".to_owned()), "{wrong:?}");
    assert!(wrong.iter().any(|wrong| wrong.starts_with("host/web.md~: not a page")), "{wrong:?}");
    assert_eq!(read(Path::new("/nowhere")).unwrap_err().len(), 1);
}

#[test]
fn the_build_reads_the_directory() {
    let pages = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("pages")).unwrap();
    assert_eq!(pages.len(), ansai_codes::pages().count());
    for built in ansai_codes::pages() {
        let page = pages.iter().find(|page| page.word == built.word).unwrap();
        assert_eq!((page.area.as_str(), page.title.as_str()), (built.area, built.title));
        assert_eq!((page.example.text.as_str(), page.fix.len()), (built.example.text, built.fix.len()));
    }
}
