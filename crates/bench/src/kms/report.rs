//! Tables of servers: a row an operation and number of connections, beside each other the servers.

use std::fmt;

use super::load::Seen;
use crate::report::{markdown, median, number};

/// A row with so many connections: all that was measured, by place.
pub struct Line {
    title: &'static str,
    /// Over how many connections; 0 where that says nothing.
    pub connections: usize,
    seen: Vec<(String, Vec<Seen>)>,
}

/// All lines of a part.
pub struct Table {
    /// What stands before it.
    pub about: String,
    /// In the order of the plan.
    pub lines: Vec<Line>,
}

impl Line {
    /// With nothing measured yet.
    pub fn new(title: &'static str, connections: usize) -> Line {
        Line { title, connections, seen: Vec::new() }
    }

    /// One more repetition.
    pub fn add(&mut self, place: &str, seen: Seen) {
        match self.seen.iter_mut().find(|(of, _)| of == place) {
            Some((_, all)) => all.push(seen),
            None => self.seen.push((place.to_owned(), vec![seen])),
        }
    }

    /// The median of all repetitions; none where nothing tells it.
    fn middle(&self, place: &str, what: Value) -> Option<f64> {
        let (_, all) = self.seen.iter().find(|(of, _)| of == place)?;
        let mut values: Vec<f64> = all.iter().filter_map(what).collect();
        (!values.is_empty()).then(|| median(&mut values))
    }

    fn title(&self) -> String {
        match self.connections {
            0 => self.title.to_owned(),
            1 => format!("{}, 1 connection", self.title),
            connections => format!("{}, {connections} connections", self.title),
        }
    }
}

/// One value of a measurement.
type Value = fn(&Seen) -> Option<f64>;

/// What is told of each place, and in what words.
const COLUMNS: [(&str, Value); 3] =
    [("/s", |seen| seen.rate), ("p50 µs", |seen| seen.median), ("p99 µs", |seen| seen.p99)];

impl Table {
    /// Tab-separated: one line for each row, number of connections, place and value.
    pub fn tsv(&self) -> String {
        let mut written = String::new();
        for line in &self.lines {
            for (place, _) in &line.seen {
                for (unit, what) in COLUMNS {
                    if let Some(value) = line.middle(place, what) {
                        written += &format!(
                            "{}\t{}\t{place}\t{unit}\t{value:.2}\t\t\n",
                            line.title, line.connections
                        );
                    }
                }
            }
        }
        written
    }

    fn places(&self) -> Vec<&str> {
        let first = self.lines.first().map(|line| line.seen.as_slice()).unwrap_or_default();
        first.iter().map(|(place, _)| place.as_str()).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.places();
        let mut head = vec![String::new()];
        head.extend(places.iter().flat_map(|place| COLUMNS.map(|(unit, _)| format!("{place}, {unit}"))));
        let mut rows = vec![head];
        for line in &self.lines {
            let mut row = vec![line.title()];
            row.extend(places.iter().flat_map(|place| {
                COLUMNS.map(|(_, what)| line.middle(place, what).map(number).unwrap_or_default())
            }));
            rows.push(row);
        }
        write!(f, "{}\n\n{}", self.about, markdown(&rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut used = Line::new("Encrypt", 8);
        for (few, many) in [(100.0, 90.0), (300.0, 70.0), (200.0, 80.0)] {
            let seen = |rate| Seen { rate: Some(rate), median: Some(rate * 2.0), p99: Some(rate * 4.0) };
            used.add("10 keys", seen(few));
            used.add("2000 keys", seen(many));
        }
        let mut start = Line::new("start", 0);
        for median in [5.0, 9.0] {
            start.add("10 keys", Seen { median: Some(median), ..Seen::default() });
        }
        Table { about: "Few and many:".to_owned(), lines: vec![used, start] }
    }

    #[test]
    fn a_table_tells_the_medians_of_each_place_and_nothing_where_nothing_was_measured() {
        let written = table().to_string();
        let mut lines = written.lines();
        assert_eq!(lines.next(), Some("Few and many:"));
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = lines.skip(1).map(cells).collect();
        let head = ["10 keys, /s", "10 keys, p50 µs", "10 keys, p99 µs", "2000 keys, /s"];
        assert_eq!(rows[0][2..6], head);
        assert_eq!(rows[2][1..8], ["Encrypt, 8 connections", "200", "400", "800", "80.0", "160", "320"]);
        assert_eq!(rows[3][1..8], ["start", "", "7.00", "", "", "", ""]);
    }

    #[test]
    fn values_for_programs_leave_out_what_was_not_measured() {
        let written = table().tsv();
        assert_eq!(written.lines().count(), 7);
        assert!(written.contains("Encrypt\t8\t2000 keys\tp99 µs\t320.00\t\t\n"));
        assert!(written.ends_with("start\t0\t10 keys\tp50 µs\t7.00\t\t\n"));
    }
}
