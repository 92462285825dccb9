//! What ansai did over days: a paragraph for managers, then a page for administrators.

use ansai_core::control::HostReport;
use ansai_notify::render::report;
use serde_json::{Value, json};

use super::details::Layout;
use super::status::Page;
use super::time;

#[cfg(test)]
mod tests;

/// Version of the document; see `schemas/report.schema.json`.
const FORMAT: u32 = 1;

/// For people.
pub(crate) fn render(report: &HostReport, layout: Layout) -> String {
    let mut page = Page::new(layout.width);
    page.line(0, &report::heading(report));
    for note in report::notes(report) {
        page.line(0, &note);
    }
    page.out.push('\n');
    page.paragraph(&report::paragraph(report));
    for (title, lines) in report::sections(report) {
        page.section(title, lines.into_iter());
    }
    page.out
}

/// For programs.
pub(crate) fn document(report: &HostReport) -> Value {
    let mut document = serde_json::to_value(report).unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("format".to_owned(), json!(FORMAT));
        fields.insert("time".to_owned(), json!(time::rfc3339(report.at)));
    }
    document
}
