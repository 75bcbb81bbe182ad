//! What was measured: medians and ratios, as a table for people and as values for programs.

use crate::failover::Pauses;
use crate::kms;
use crate::load::Calls;
use crate::machine::Machine;
use crate::page::Section;
use crate::plan::{Place, Row, Unit};
use crate::side;
use std::fmt;

/// A row with so many callers: all that was measured, by place.
pub struct Line {
    /// What is measured.
    pub row: &'static Row,
    /// By how many threads.
    pub callers: usize,
    values: Vec<(Place, Vec<f64>)>,
}

/// A whole run.
pub struct Report {
    /// On what.
    pub machine: Machine,
    /// Modules side by side, and who each says it is.
    pub side: Option<(side::Table, Vec<String>)>,
    /// The file of its picture, as the page names it.
    pub picture: Option<String>,
    /// Rows.
    pub lines: Vec<Line>,
    /// What callers saw when the leader died.
    pub pauses: Vec<Pauses>,
    /// The tables of the KMS front and the XKS proxy.
    pub kms: Vec<kms::Table>,
}

/// The median; 0 of nothing. Sorts.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values {
        [] => 0.0,
        _ if values.len() % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

/// How many times `base` something is: the median of what each repetition says of both, for what else the machine did in that one, it did to both.
/// Nothing where no repetition has both.
pub fn ratio(values: &[f64], base: &[f64]) -> Option<f64> {
    let both = values.iter().zip(base).filter(|(_, base)| **base > 0.0);
    let mut ratios: Vec<f64> = both.map(|(value, base)| value / base).collect();
    (!ratios.is_empty()).then(|| median(&mut ratios))
}

impl Line {
    /// With nothing measured yet.
    pub fn new(row: &'static Row, callers: usize) -> Line {
        Line { row, callers, values: Vec::new() }
    }

    /// One more repetition.
    pub fn add(&mut self, place: Place, calls: &Calls) {
        let value = match self.row.unit {
            Unit::Microseconds => calls.median,
            Unit::PerSecond => calls.rate,
        };
        match self.values.iter_mut().find(|(of, _)| *of == place) {
            Some((_, values)) => values.push(value),
            None => self.values.push((place, vec![value])),
        }
    }

    /// One for each repetition.
    fn values(&self, place: Place) -> Option<&[f64]> {
        let (_, values) = self.values.iter().find(|(of, _)| *of == place)?;
        Some(values)
    }

    fn median(&self, place: Place) -> Option<f64> {
        Some(median(&mut self.values(place)?.to_vec()))
    }

    /// A place's values to those at the row's base.
    fn ratio(&self, place: Place) -> Option<f64> {
        ratio(self.values(place)?, self.values(self.row.base)?)
    }

    fn title(&self) -> String {
        match (self.row.callers, self.callers) {
            ([_], _) => self.row.title.to_owned(),
            (_, 1) => format!("{}, 1 caller", self.row.title),
            (_, callers) => format!("{}, {callers} callers", self.row.title),
        }
    }

    fn cell(&self, place: Place) -> String {
        match (self.median(place), self.ratio(place)) {
            (None, _) => String::new(),
            (Some(value), Some(ratio)) if place != self.row.base => {
                format!("{} ({ratio:.2})", number(value))
            }
            (Some(value), _) => number(value),
        }
    }
}

impl Report {
    /// Tab-separated: one line for each row, number of callers and place.
    pub fn tsv(&self) -> String {
        let mut written = "row\tcallers\tplace\tunit\tmedian\tratio\tvalues\n".to_owned();
        written.extend(self.side.iter().map(|(table, _)| table.tsv()));
        for line in &self.lines {
            for (place, values) in &line.values {
                let values: Vec<String> = values.iter().map(|value| format!("{value:.2}")).collect();
                written += &format!(
                    "{}\t{}\t{}\t{}\t{:.2}\t{:.3}\t{}\n",
                    line.row.title,
                    line.callers,
                    place.title(),
                    line.row.unit.title(),
                    line.median(*place).unwrap_or_default(),
                    line.ratio(*place).unwrap_or_default(),
                    values.join(",")
                );
            }
        }
        for seen in &self.pauses {
            let values: Vec<String> = seen.pauses.iter().map(|value| format!("{value:.1}")).collect();
            let (title, median, values) = (seen.title, seen.median(), values.join(","));
            written += &format!("leader dies, {title}\t1\tthree nodes, TLS\tms\t{median:.1}\t\t{values}\n");
        }
        written.extend(self.kms.iter().map(kms::Table::tsv));
        written
    }

    fn table(&self) -> String {
        let mut rows = vec![
            [vec![String::new(), String::new()], Place::ALL.map(|place| place.title().to_owned()).to_vec()]
                .concat(),
        ];
        for line in &self.lines {
            let head = [line.title(), line.row.unit.title().to_owned()];
            rows.push([&head[..], &Place::ALL.map(|place| line.cell(place))].concat());
        }
        markdown(&rows)
    }

    fn failover(&self) -> String {
        let head = [
            "time without an answer when the leader is killed",
            "median, ms",
            "worst, ms",
            "calls that failed",
        ];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for seen in &self.pauses {
            let (median, worst) = (number(seen.median()), number(seen.worst()));
            rows.push(vec![seen.title.to_owned(), median, worst, seen.failed.to_string()]);
        }
        markdown(&rows)
    }
}

impl Report {
    /// What was measured, by the parts of the page.
    pub fn sections(&self) -> Vec<Section> {
        let parts = [("modules", self.modules()), ("nodes", self.nodes()), ("fronts", self.fronts())];
        let measured = parts.into_iter().filter(|(_, content)| !content.is_empty());
        let dated = |(name, content)| Section { name, content: format!("{}\n\n{content}", self.machine) };
        measured.map(dated).collect()
    }

    /// What the picture says of its origin, in lines.
    pub fn caption(&self) -> String {
        let versions = self.side.iter().flat_map(|(_, versions)| versions);
        versions.fold(self.machine.to_string(), |caption, version| format!("{caption}\n{version}"))
    }

    fn modules(&self) -> String {
        let Some((table, versions)) = &self.side else { return String::new() };
        let picture = self
            .picture
            .as_ref()
            .map(|file| format!("![Speed of each module, as a part of libcrypto's, with goals]({file})\n\n"));
        let versions =
            table.modules.iter().zip(versions).map(|(name, version)| format!("- {name}: {version}\n"));
        format!("{}\n{}{table}", versions.collect::<String>(), picture.unwrap_or_default())
    }

    fn nodes(&self) -> String {
        let mut written = String::new();
        if !self.lines.is_empty() {
            written += &format!("{}\n", self.table());
        }
        if let Some(seen) = self.pauses.first() {
            let deaths = seen.pauses.len();
            written +=
                &format!("The leader of three nodes was killed {deaths} times:\n\n{}\n", self.failover());
        }
        written
    }

    fn fronts(&self) -> String {
        self.kms.iter().map(|table| format!("{table}\n")).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.machine)?;
        write!(f, "{}{}{}", self.modules(), self.nodes(), self.fronts())
    }
}

/// Three digits, or the whole number.
pub fn number(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// A table in Markdown whose columns are straight in plain text too; the first row is the head.
pub fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut written = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate();
        let cells: Vec<String> = cells
            .map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        written += &format!("| {} |\n", cells.join(" | "));
        if at == 0 {
            let rule = widths.iter().enumerate().map(|(column, width)| match column {
                0 => "-".repeat(width + 2),
                _ => format!("{}:", "-".repeat(width + 1)),
            });
            written += &format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ROWS;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(median(&mut []), 0.0);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn a_ratio_is_told_by_repetitions_that_had_the_same_machine() {
        // The machine was slow for both in the second and third, and for one alone in the fourth.
        assert_eq!(ratio(&[8.0, 4.0, 4.0, 5.0, 8.0], &[10.0, 5.0, 5.0, 10.0, 10.0]), Some(0.8));
        assert_eq!(ratio(&[1.0, 6.0], &[0.0, 2.0]), Some(3.0));
        assert_eq!(ratio(&[1.0], &[]), None);
        assert_eq!(ratio(&[1.0], &[0.0]), None);
    }

    #[test]
    fn a_line_tells_medians_and_their_ratio_to_the_base() {
        let row = ROWS.iter().find(|row| row.base == Place::Embedded).unwrap();
        let mut line = Line::new(row, 4);
        for (embedded, nodes) in [(100, 50), (300, 90), (200, 60)] {
            let calls = |answered| Calls { rate: f64::from(answered), ..Calls::default() };
            line.add(Place::Embedded, &calls(embedded));
            line.add(Place::ThreeTls, &calls(nodes));
        }
        assert_eq!(line.cell(Place::Embedded), "200");
        assert_eq!(line.cell(Place::ThreeTls), "60.0 (0.30)");
        assert_eq!(line.cell(Place::Sqlite), "");
        assert!(line.title().ends_with("4 callers"));
    }

    #[test]
    fn every_row_is_measured_at_its_base() {
        for row in ROWS {
            assert!(row.work_at(row.base).is_some(), "{}", row.title);
        }
    }

    #[test]
    fn tables_are_straight() {
        let rows = [vec!["".to_owned(), "µs".to_owned()], vec!["a row".to_owned(), "1.00".to_owned()]];
        assert_eq!(markdown(&rows), "|       |   µs |\n|-------|-----:|\n| a row | 1.00 |\n");
    }
}
