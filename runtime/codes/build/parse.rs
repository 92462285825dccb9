//! Splits a page's Markdown into its parts.

/// A page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Name of its directory.
    pub(crate) area: String,
    /// Name of its file, without the extension.
    pub(crate) word: String,
    pub(crate) title: String,
    pub(crate) meaning: Vec<Block>,
    pub(crate) example: Fence,
    pub(crate) fix: Vec<Block>,
}

/// A block of a section.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Text(String),
    Item(String),
    Code(Fence),
}

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    pub(crate) language: String,
    pub(crate) text: String,
}

/// Parses `pages/AREA/WORD.md`. The error message does not name the file.
pub(crate) fn parse(area: &str, word: &str, text: &str) -> Result<Page, String> {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let title =
        first.strip_prefix(&format!("# {word}: ")).ok_or_else(|| format!("the first line is not `# {word}: TITLE`"))?;
    let (meaning, rest) = rest.split_once("\n## Example\n").ok_or("no section `## Example`")?;
    let (example, fix) = rest.split_once("\n## Fix\n").ok_or("no section `## Fix` after the example")?;
    let (meaning, fix) = (section(meaning, "text below the title")?, section(fix, "text in `## Fix`")?);
    let mut example = section(example, "fenced block in `## Example`")?;
    let Some(Block::Code(example)) = example.pop().filter(|_| example.is_empty()) else {
        return Err("`## Example` is not one fenced block".to_owned());
    };
    let (area, word, title) = (area.to_owned(), word.to_owned(), title.trim().to_owned());
    Ok(Page { area, word, title, meaning, example, fix })
}

/// Parses paragraphs, items and fenced blocks; at least one.
fn section(text: &str, what: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut open = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            blocks.push(Block::Code(fence(language, &mut lines)?));
            open = false;
        } else if line.starts_with('#') {
            return Err(format!("unexpected heading `{line}`"));
        } else if line.trim().is_empty() {
            open = false;
        } else if let Some(item) = line.strip_prefix("- ") {
            blocks.push(Block::Item(item.trim().to_owned()));
            open = true;
        } else if let (true, Some(Block::Text(text) | Block::Item(text))) = (open, blocks.last_mut()) {
            text.push(' ');
            text.push_str(line.trim());
        } else {
            blocks.push(Block::Text(line.trim().to_owned()));
            open = true;
        }
    }
    if blocks.is_empty() { Err(format!("no {what}")) } else { Ok(blocks) }
}

fn fence<'a>(language: &str, lines: &mut impl Iterator<Item = &'a str>) -> Result<Fence, String> {
    if language.is_empty() {
        return Err("a fenced block without a language".to_owned());
    }
    let mut text = Vec::new();
    for line in lines {
        if line == "```" {
            return Ok(Fence { language: language.to_owned(), text: text.join("\n") });
        }
        text.push(line);
    }
    Err("a fenced block without an end".to_owned())
}
