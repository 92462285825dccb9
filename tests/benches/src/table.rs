//! The table on the terminal.

use std::io::Write as _;

use comfy_table::{ContentArrangement, Table, presets};

use crate::figure::{Figure, Row};

/// Prints all figures.
pub(crate) fn print(figures: &[Figure]) -> std::io::Result<()> {
    for grid in figures.iter().filter_map(|figure| figure.grid.as_ref()) {
        let mut table = with_header(grid.head);
        table.add_rows(&grid.rows);
        writeln!(std::io::stdout().lock(), "{table}")?;
    }
    let mut table = with_header(&["", "", "result", "range", "target"]);
    for figure in figures {
        for (index, row) in figure.rows.iter().enumerate() {
            let title = if index == 0 { figure.title } else { "" };
            table.add_row([title, row.what, row.value.trim_end(), &row.spread, &aim(row)]);
        }
    }
    writeln!(std::io::stdout().lock(), "{table}")
}

fn with_header(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head);
    table
}

/// The target, and whether it is met.
fn aim(row: &Row) -> String {
    row.aim.as_ref().map_or_else(String::new, |aim| format!("{}: {}", aim.text.trim_end(), aim.status()))
}
