//! Answers: a text or table for people, JSON for programs, written in this one place.

use crate::error::{Error, Result};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Texts and tables.
    People,
    /// One JSON value.
    Json,
}

/// What a command answers, in both forms.
pub struct Answer {
    text: String,
    json: Value,
    findings: bool,
}

impl Answer {
    /// A text, and the facts in it.
    pub fn text(text: impl Into<String>, json: impl Serialize) -> Result<Answer> {
        let json = serde_json::to_value(json).map_err(|error| Error::input(format!("no JSON: {error}")))?;
        Ok(Answer { text: text.into(), json, findings: false })
    }

    /// A table; `none` stands in for one without rows.
    pub fn table(columns: &[&str], rows: &[Vec<String>], none: &str, json: impl Serialize) -> Result<Answer> {
        let text = if rows.is_empty() { none.to_owned() } else { table(columns, rows) };
        Answer::text(text, json)
    }

    /// The command did its work and found something wrong: exit code 1.
    pub fn with_findings(self, findings: bool) -> Answer {
        Answer { findings, ..self }
    }
}

/// Lines up rows under their columns.
pub fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns);
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The same text with control characters escaped: labels are other people's, and terminals obey.
pub fn printable(text: &str) -> String {
    let shown = |character: char| match character.is_control() {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    };
    text.chars().map(shown).collect()
}

/// Writes an answer to standard output. A reader that has seen enough (`| head`) is no failure.
pub fn print(answer: &Answer, format: Format) -> Result<ExitCode> {
    let text = match format {
        Format::People => answer.text.trim_end().to_owned(),
        Format::Json => format!("{:#}", answer.json),
    };
    let mut output = std::io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::input(format!("can't write the answer: {error}")))
        }
        _ if answer.findings => Ok(ExitCode::from(1)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_speak_to_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
    }

    #[test]
    fn tables_have_no_trailing_blanks() {
        let shown = table(&["NAME", "ROLE"], &[vec!["a".into(), "CU".into()]]);
        assert_eq!(shown, "NAME  ROLE\na     CU\n");
    }
}
