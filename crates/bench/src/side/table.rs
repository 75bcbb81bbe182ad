//! What was measured: medians, ratios to what is measured directly, and whether goals are met.

use super::plan::{Callers, Goal, Group, Row};
use super::work::{Told, Work};
use crate::report::{markdown, median, number, ratio};
use std::fmt;

/// A row with so many callers and objects: what was measured in each column. The first column is what is measured directly.
pub struct Line {
    /// The row's group.
    pub group: &'static Group,
    /// The row.
    pub row: &'static Row,
    /// Who calls.
    pub callers: Callers,
    /// How many objects there are.
    pub objects: usize,
    /// By column.
    pub cells: Vec<Cell>,
}

/// One line at one place.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing is measured there.
    Empty,
    /// The module has not got it.
    NotOffered,
    /// The module answered with an error, and was not asked again.
    Failed,
    /// One value for each turn of each repetition.
    Values(Vec<f64>),
}

/// All lines, and the heads of the columns after the first, which depends on the group.
pub struct Table {
    /// The modules' names; goals are the first one's.
    pub modules: Vec<String>,
    /// Lines, those of a group together.
    pub lines: Vec<Line>,
}

impl Cell {
    /// One more value.
    pub fn push(&mut self, value: f64) {
        match self {
            Cell::Values(values) => values.push(value),
            _ => *self = Cell::Values(vec![value]),
        }
    }

    /// One for each turn.
    fn values(&self) -> Option<&[f64]> {
        match self {
            Cell::Values(values) => Some(values),
            _ => None,
        }
    }

    /// The median.
    pub fn median(&self) -> Option<f64> {
        Some(median(&mut self.values()?.to_vec()))
    }

    /// How many times another it is.
    fn ratio(&self, other: &Cell) -> Option<f64> {
        ratio(self.values()?, other.values()?)
    }
}

impl Line {
    /// All lines of a group's row, with nothing measured yet in so many columns.
    pub fn of(group: &'static Group, row: &'static Row, columns: usize) -> impl Iterator<Item = Line> {
        let each = move |callers: &'static Callers| row.objects.iter().map(move |objects| (callers, objects));
        row.callers.iter().flat_map(each).map(move |(callers, objects)| Line {
            group,
            row,
            callers: *callers,
            objects: *objects,
            cells: vec![Cell::Empty; columns],
        })
    }

    /// The row's title, and what tells this line from the row's others.
    pub fn title(&self) -> String {
        let mut title = self.row.title.to_owned();
        if self.row.objects.len() > 1 {
            title += &format!(", {} objects", grouped(self.objects));
        }
        match self.callers {
            Callers::One if self.row.callers.len() > 1 => title += ", 1 thread",
            Callers::One => {}
            Callers::Threads(threads) => title += &format!(", {threads} threads"),
            Callers::Processes(processes) => title += &format!(", {processes} processes"),
        }
        title
    }

    /// What values are told in.
    pub fn unit(&self) -> &'static str {
        match self.row.work {
            Work::Start(Told::Memory) => "MiB",
            Work::Start(_) => "ms",
            _ => "/s",
        }
    }

    /// How many times the first column another is.
    pub fn ratio(&self, column: usize) -> Option<f64> {
        (column > 0).then(|| self.cells[column].ratio(&self.cells[0]))?
    }

    fn cell(&self, column: usize) -> String {
        match (&self.cells[column], self.cells[column].median(), self.ratio(column)) {
            (Cell::NotOffered, ..) => "not offered".to_owned(),
            (Cell::Failed, ..) => "failed".to_owned(),
            (_, Some(value), Some(ratio)) => format!("{} ({})", number(value), small(ratio)),
            (_, Some(value), None) => number(value),
            _ => String::new(),
        }
    }
}

/// A number with commas between thousands.
fn grouped(value: usize) -> String {
    match (value / 1000, value % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{},{rest:03}", grouped(thousands)),
    }
}

/// Two digits behind the point, or two that say something.
fn small(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 0.001 => format!("{ratio:.5}"),
        ratio if ratio < 0.1 => format!("{ratio:.3}"),
        ratio => format!("{ratio:.2}"),
    }
}

impl Table {
    /// The goals of a line that say something about it, and whether each is met; nothing where it was not measured. Who fails meets none.
    pub fn goals(&self, line: &Line) -> Vec<(Goal, bool)> {
        let own: Vec<&Line> = self.lines.iter().filter(|other| other.row.name == line.row.name).collect();
        let Some(place) = own.iter().position(|other| std::ptr::eq(*other, line)) else { return Vec::new() };
        if line.cells.get(1) == Some(&Cell::Failed) {
            return line.row.goals.iter().map(|goal| (*goal, false)).collect();
        }
        let met = |goal: &Goal| {
            let cell = line.cells.get(1)?;
            let value = cell.median()?;
            let earlier = |at: usize| Some(&own.get(at).filter(|_| at < place)?.cells[1]);
            let met = match goal {
                Goal::OfDirect(least) => line.ratio(1)? >= *least,
                Goal::PerSecond(least) => value >= *least,
                Goal::OfLine(at, least) => cell.ratio(earlier(*at)?)? >= *least,
                Goal::MoreThanFirst(most) => value <= earlier(0)?.median()? + most,
                Goal::MiB(most) => value <= *most,
            };
            Some((*goal, met))
        };
        line.row.goals.iter().filter_map(met).collect()
    }

    fn groups(&self) -> Vec<(&'static Group, Vec<&Line>)> {
        let mut groups: Vec<(&'static Group, Vec<&Line>)> = Vec::new();
        for line in &self.lines {
            match groups.last_mut() {
                Some((group, lines)) if group.title == line.group.title => lines.push(line),
                _ => groups.push((line.group, vec![line])),
            }
        }
        groups
    }

    /// The lines with ratios, for a picture: those of each group, by its title.
    pub fn with_ratios(&self) -> Vec<(&'static str, Vec<&Line>)> {
        let some = |line: &&Line| (1..line.cells.len()).any(|column| line.ratio(column).is_some());
        let groups = self.groups().into_iter();
        let groups = groups.map(|(group, lines)| (group.title, lines.into_iter().filter(some).collect()));
        groups.filter(|(_, lines): &(_, Vec<_>)| !lines.is_empty()).collect()
    }

    fn markdown(&self, group: &Group, lines: &[&Line]) -> String {
        let columns = if group.direct.is_empty() { 1 } else { 0 }..=self.modules.len();
        let head = |column: usize| match column {
            0 => group.direct.to_owned(),
            module => self.modules[module - 1].clone(),
        };
        let ends = ["goal", "met"].map(str::to_owned);
        let starts = [String::new(), String::new()];
        let heads: Vec<String> = columns.clone().map(head).collect();
        let mut rows = vec![[&starts[..], &heads, &ends].concat()];
        for line in lines {
            let goals = self.goals(line);
            let told: Vec<String> = goals.iter().map(|(goal, _)| goal.to_string()).collect();
            let met = match goals.iter().all(|(_, met)| *met) {
                _ if goals.is_empty() => "",
                true => "yes",
                false => "**no**",
            };
            let starts = [line.title(), line.unit().to_owned()];
            let cells: Vec<String> = columns.clone().map(|column| line.cell(column)).collect();
            rows.push([&starts[..], &cells, &[told.join(", "), met.to_owned()]].concat());
        }
        markdown(&rows)
    }

    /// Tab-separated, with the columns of [`crate::report::Report::tsv`].
    pub fn tsv(&self) -> String {
        let mut written = String::new();
        for line in &self.lines {
            for (column, cell) in line.cells.iter().enumerate() {
                let Cell::Values(values) = cell else { continue };
                let values: Vec<String> = values.iter().map(|value| format!("{value:.3}")).collect();
                let place = match column {
                    0 => line.group.direct,
                    module => &self.modules[module - 1],
                };
                let callers = match line.callers {
                    Callers::One => 1,
                    Callers::Threads(many) | Callers::Processes(many) => many,
                };
                written += &format!(
                    "{}: {}\t{callers}\t{place}\t{}\t{:.3}\t{}\t{}\n",
                    line.group.title,
                    line.title(),
                    line.unit(),
                    cell.median().unwrap_or_default(),
                    line.ratio(column).map(|ratio| format!("{ratio:.4}")).unwrap_or_default(),
                    values.join(",")
                );
            }
        }
        written
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goal::OfDirect(least) => write!(f, "{least}"),
            Goal::PerSecond(least) => write!(f, "{} /s", grouped(*least as usize)),
            Goal::OfLine(0, least) => write!(f, "{least} of the first"),
            Goal::OfLine(_, least) => write!(f, "{least} of 2 threads"),
            Goal::MoreThanFirst(most) => write!(f, "the first and {most} ms"),
            Goal::MiB(most) => write!(f, "at most {most} MiB"),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (group, lines) in self.groups() {
            writeln!(f, "{}:\n\n{}", group.title, self.markdown(group, &lines))?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub mod tests {
    use super::super::plan::{GROUPS, rows};
    use super::*;

    /// A table with all rows, in which columns have these values.
    pub fn table(columns: &[f64]) -> Table {
        let rows = GROUPS.iter().flat_map(|group| group.rows.iter().map(move |row| (group, row)));
        let mut lines: Vec<Line> =
            rows.flat_map(|(group, row)| Line::of(group, row, columns.len())).collect();
        for line in &mut lines {
            for (cell, value) in line.cells.iter_mut().zip(columns) {
                cell.push(*value);
            }
        }
        Table { modules: (1..columns.len()).map(|column| format!("module {column}")).collect(), lines }
    }

    #[test]
    fn goals_are_met_from_their_value_on() {
        let half = table(&[200.0, 100.0]);
        let line = half.lines.iter().find(|line| line.row.name == "gcm-64").unwrap();
        assert_eq!(half.goals(line), [(Goal::OfDirect(0.5), true)]);
        let line = half.lines.iter().find(|line| line.row.name == "gcm-1024").unwrap();
        assert_eq!(half.goals(line), [(Goal::OfDirect(0.8), false)]);
    }

    #[test]
    fn a_rows_later_lines_are_compared_with_its_first() {
        let table = table(&[200.0, 100.0]);
        let finds: Vec<&Line> = table.lines.iter().filter(|line| line.row.name == "find-id").collect();
        assert_eq!(table.goals(finds[0]).len(), 1);
        assert_eq!(table.goals(finds[1]), [(Goal::PerSecond(1e5), false), (Goal::OfLine(0, 0.5), true)]);
    }

    #[test]
    fn what_was_not_measured_has_no_goal_and_no_ratio() {
        let mut table = table(&[200.0, 100.0]);
        for cell in [Cell::Empty, Cell::NotOffered] {
            table.lines[0].cells[1] = cell;
            assert_eq!(table.lines[0].ratio(1), None);
            assert!(table.goals(&table.lines[0]).is_empty());
        }
        assert!(table.to_string().contains("not offered"));
    }

    #[test]
    fn who_fails_meets_no_goal() {
        let mut table = table(&[200.0, 300.0]);
        table.lines[0].cells[1] = Cell::Failed;
        assert_eq!(table.goals(&table.lines[0]), [(Goal::OfDirect(0.95), false)]);
        assert!(table.to_string().contains("failed"));
    }

    #[test]
    fn lines_of_a_table_have_titles_of_their_own() {
        let table = table(&[1.0]);
        for (_, lines) in table.groups() {
            let mut titles: Vec<String> = lines.iter().map(|line| line.title()).collect();
            titles.sort();
            titles.dedup();
            assert_eq!(titles.len(), lines.len());
        }
        assert_eq!(table.lines.len(), rows().map(|row| row.callers.len() * row.objects.len()).sum::<usize>());
    }
}
