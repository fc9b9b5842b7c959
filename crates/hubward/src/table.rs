//! Aligned columns for people, cut to the width there is.

/// Longest cell, in characters: a whole text in one cell helps nobody.
const CELL_MAX: usize = 200;
/// No column is squeezed below this, in characters.
const COLUMN_MIN: usize = 8;
const GAP: &str = "  ";

/// Rows under headings. Numbers are aligned to the right where the heading is marked so.
pub(crate) struct Table {
    headings: Vec<(String, bool)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A heading that begins with `>` aligns its column to the right.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        let headings = headings
            .iter()
            .map(|heading| match heading.strip_prefix('>') {
                Some(heading) => (heading.to_owned(), true),
                None => ((*heading).to_owned(), false),
            })
            .collect();
        Self { headings, rows: Vec::new() }
    }

    /// Headings that are only known when the command runs.
    pub(crate) fn owned(headings: Vec<String>) -> Self {
        Self { headings: headings.into_iter().map(|heading| (heading, false)).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.headings.len(), "a cell for each heading");
        self.rows.push(cells.iter().map(|cell| one_line(cell)).collect());
    }

    /// The lines; with a width, the widest columns are cut until the table fits.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let mut widths: Vec<usize> = self.headings.iter().map(|(heading, _)| heading.chars().count()).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(cell.chars().count().min(CELL_MAX));
            }
        }
        if let Some(width) = width {
            squeeze(&mut widths, width.saturating_sub(GAP.len() * self.headings.len().saturating_sub(1)));
        }
        let mut out = String::new();
        let headings: Vec<String> = self.headings.iter().map(|(heading, _)| heading.clone()).collect();
        self.line(&headings, &widths, &mut out);
        for row in &self.rows {
            self.line(row, &widths, &mut out);
        }
        out
    }

    fn line(&self, cells: &[String], widths: &[usize], out: &mut String) {
        let mut line = String::new();
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            if index > 0 {
                line.push_str(GAP);
            }
            let cell = cut(cell, *width);
            let blanks = " ".repeat(width.saturating_sub(cell.chars().count()));
            if self.headings[index].1 {
                line.push_str(&blanks);
                line.push_str(&cell);
            } else {
                line.push_str(&cell);
                line.push_str(&blanks);
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn squeeze(widths: &mut [usize], width: usize) {
    while widths.iter().sum::<usize>() > width {
        let Some(widest) = widths.iter_mut().max() else { return };
        if *widest <= COLUMN_MIN {
            return;
        }
        *widest -= 1;
    }
}

/// At most `width` characters, with a sign where something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Control characters would break the columns, or the terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["name", ">rows", "reason"]);
        table.row(vec!["Żółć".to_owned(), "12".to_owned(), "an option that\ndoes not exist".to_owned()]);
        table.row(vec!["a".to_owned(), "3456".to_owned(), String::new()]);
        table
    }

    #[test]
    fn columns_are_aligned_by_characters_and_hold_one_line() {
        let expected = "name  rows  reason\nŻółć    12  an option that does not exist\na     3456\n";
        assert_eq!(table().render(None), expected);
    }

    #[test]
    fn the_widest_column_is_cut_to_the_terminal() {
        let lines = table().render(Some(30));
        assert!(lines.lines().all(|line| line.chars().count() <= 30), "{lines}");
        assert!(lines.contains('…'), "{lines}");
    }
}
