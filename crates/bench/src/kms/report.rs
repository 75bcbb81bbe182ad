//! The table of the front: a row an operation and number of connections, beside each other the servers.

use std::fmt;

use super::load::Seen;
use super::plan::Row;
use crate::report::{markdown, median, number};

/// A row with so many connections: all that was measured, by server.
pub struct Line {
    /// What is measured.
    pub row: &'static Row,
    /// Over how many connections.
    pub connections: usize,
    seen: Vec<(&'static str, Vec<Seen>)>,
}

/// All lines.
pub struct Report {
    /// In the order of the plan.
    pub lines: Vec<Line>,
}

impl Line {
    /// With nothing measured yet.
    pub fn new(row: &'static Row, connections: usize) -> Line {
        Line { row, connections, seen: Vec::new() }
    }

    /// One more repetition.
    pub fn add(&mut self, server: &'static str, seen: Seen) {
        match self.seen.iter_mut().find(|(of, _)| *of == server) {
            Some((_, all)) => all.push(seen),
            None => self.seen.push((server, vec![seen])),
        }
    }

    fn middle(&self, server: &str, what: Value) -> Option<f64> {
        let (_, all) = self.seen.iter().find(|(of, _)| *of == server)?;
        Some(median(&mut all.iter().map(what).collect::<Vec<_>>()))
    }

    fn title(&self) -> String {
        match self.connections {
            1 => format!("{}, 1 connection", self.row.title),
            connections => format!("{}, {connections} connections", self.row.title),
        }
    }
}

/// One value of a measurement.
type Value = fn(&Seen) -> f64;

/// What is told of each server, and in what words.
const COLUMNS: [(&str, Value); 3] =
    [("/s", |seen| seen.rate), ("p50 µs", |seen| seen.median), ("p99 µs", |seen| seen.p99)];

impl Report {
    /// Tab-separated: one line for each row, number of connections, server and value.
    pub fn tsv(&self) -> String {
        let mut written = String::new();
        for line in &self.lines {
            for (server, _) in &line.seen {
                for (unit, what) in COLUMNS {
                    let value = line.middle(server, what).unwrap_or_default();
                    written += &format!(
                        "{}\t{}\t{server}\t{unit}\t{value:.2}\t\t\n",
                        line.row.title, line.connections
                    );
                }
            }
        }
        written
    }

    fn servers(&self) -> Vec<&'static str> {
        self.lines
            .first()
            .map(|line| line.seen.iter().map(|(server, _)| *server).collect())
            .unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.servers();
        let mut head = vec![String::new()];
        head.extend(servers.iter().flat_map(|server| COLUMNS.map(|(unit, _)| format!("{server}, {unit}"))));
        let mut rows = vec![head];
        for line in &self.lines {
            let mut row = vec![line.title()];
            row.extend(servers.iter().flat_map(|server| {
                COLUMNS.map(|(_, what)| line.middle(server, what).map(number).unwrap_or_default())
            }));
            rows.push(row);
        }
        write!(f, "{}", markdown(&rows))
    }
}
