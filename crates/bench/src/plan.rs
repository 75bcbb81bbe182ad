//! The rows: what is measured, and where. A new row is one more line of a table here.

use serde::{Deserialize, Serialize};

/// Where a row is measured: a column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// A token in a store of this machine, in the caller's process.
    Embedded,
    /// A cluster of one node, through its Unix socket.
    OneUnix,
    /// The same node, through TLS over loopback.
    OneTls,
    /// A cluster of three nodes on this machine, through TLS over loopback.
    ThreeTls,
    /// SQLite alone, a row a transaction, in the way the store is written.
    Sqlite,
}

impl Place {
    /// All, in the order of the table's columns.
    pub const ALL: [Place; 5] =
        [Place::Embedded, Place::OneUnix, Place::OneTls, Place::ThreeTls, Place::Sqlite];

    /// The head of its column.
    pub fn title(self) -> &'static str {
        match self {
            Place::Embedded => "embedded",
            Place::OneUnix => "one node, Unix socket",
            Place::OneTls => "one node, TLS",
            Place::ThreeTls => "three nodes, TLS",
            Place::Sqlite => "SQLite alone",
        }
    }
}

/// What a row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Median time of a call, in microseconds: the less the better.
    Microseconds,
    /// Calls per second of all callers together: the more the better.
    PerSecond,
}

impl Unit {
    /// As it stands in a table.
    pub fn title(self) -> &'static str {
        match self {
            Unit::Microseconds => "µs",
            Unit::PerSecond => "/s",
        }
    }
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// What the row of this name in [`crate::side::plan`] does, by the module.
    Row(&'static str),
    /// A message that a node answers at once, without the module.
    Ping,
    /// A durable transaction of one row.
    Transaction,
}

/// A line of the table, or several that differ in the number of callers.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What is measured, for people.
    pub title: &'static str,
    /// What it is told in.
    pub unit: Unit,
    /// What is called, by place.
    pub work: &'static [(Work, &'static [Place])],
    /// Threads that call, one session each.
    pub callers: &'static [usize],
    /// The place that the others' ratios are to.
    pub base: Place,
}

const ON_NODES: &[Place] = &[Place::OneUnix, Place::OneTls, Place::ThreeTls];
const IN_TOKENS: &[Place] = &[Place::Embedded, Place::OneUnix, Place::OneTls, Place::ThreeTls];

/// All rows.
pub const ROWS: &[Row] = &[
    Row {
        title: "ping, no token involved",
        unit: Unit::Microseconds,
        work: &[(Work::Ping, ON_NODES)],
        callers: &[1],
        base: Place::OneUnix,
    },
    Row {
        title: "HMAC-SHA-256 of 64 bytes, C_SignInit and C_Sign",
        unit: Unit::Microseconds,
        work: &[(Work::Row("hmac-64"), IN_TOKENS)],
        callers: &[1],
        base: Place::OneUnix,
    },
    Row {
        title: "AES-256-GCM of 64 bytes, C_EncryptInit and C_Encrypt",
        unit: Unit::Microseconds,
        work: &[(Work::Row("gcm-64"), IN_TOKENS)],
        callers: &[1],
        base: Place::OneUnix,
    },
    Row {
        title: "finding a key by CKA_ID",
        unit: Unit::Microseconds,
        work: &[(Work::Row("find-id"), IN_TOKENS)],
        callers: &[1],
        base: Place::OneUnix,
    },
    Row {
        title: "ECDSA P-256 signatures",
        unit: Unit::PerSecond,
        work: &[(Work::Row("p-256-sign"), IN_TOKENS)],
        callers: &[1, 4, 16],
        base: Place::Embedded,
    },
    Row {
        title: "RSA-2048 signatures",
        unit: Unit::PerSecond,
        work: &[(Work::Row("rsa-2048-sign"), IN_TOKENS)],
        callers: &[1, 4, 16],
        base: Place::Embedded,
    },
    Row {
        title: "durable AES-256 keys made",
        unit: Unit::PerSecond,
        work: &[(Work::Row("create"), IN_TOKENS), (Work::Transaction, &[Place::Sqlite])],
        callers: &[1, 8, 64],
        base: Place::Sqlite,
    },
];

impl Row {
    /// What is called at `place`; `None` if the row is not measured there.
    pub fn work_at(&self, place: Place) -> Option<Work> {
        self.work.iter().find(|(_, places)| places.contains(&place)).map(|(work, _)| *work)
    }
}
