//! Reads all pages of a directory.
#![expect(clippy::disallowed_methods, reason = "the build and tests read the pages")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::parse::{Page, parse};

/// Returns the pages `AREA/WORD.md`, sorted; or a message for each file that is not a valid page, with its name.
pub(crate) fn read(directory: &Path) -> Result<Vec<Page>, Vec<String>> {
    let mut pages = Vec::new();
    let mut wrong = Vec::new();
    let mut visit = |path: &Path, read: Result<Page, String>| match read {
        Ok(page) => pages.push(page),
        Err(what) => wrong.push(format!("{}: {what}", path.strip_prefix(directory).unwrap_or(path).display())),
    };
    match entries(directory) {
        Err(error) => visit(directory, Err(error.to_string())),
        Ok(areas) => areas.iter().for_each(|area| match entries(area) {
            Err(error) => visit(area, Err(error.to_string())),
            Ok(files) => files.iter().for_each(|file| visit(file, page(area, file))),
        }),
    }
    if wrong.is_empty() { Ok(pages) } else { Err(wrong) }
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    found.sort();
    Ok(found)
}

fn page(area: &Path, file: &Path) -> Result<Page, String> {
    if file.extension() != Some(OsStr::new("md")) {
        return Err("not a page: its name does not end in `.md`".to_owned());
    }
    let (Some(area), Some(word)) = (area.file_name(), file.file_stem()) else { return Err("no name".to_owned()) };
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    parse(&area.to_string_lossy(), &word.to_string_lossy(), &text)
}
