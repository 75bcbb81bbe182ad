//! The chain: each line holds its number and the hash of the line before.

use std::fmt;

use serde::Deserialize;

/// What stands before the first line.
pub(super) const NOTHING: [u8; 32] = [0; 32];

/// What a line says of its place.
#[derive(Debug)]
pub(super) struct Link {
    /// The line's number, from 1 on.
    pub sequence: u64,
    /// The hash of the line before.
    pub previous: [u8; 32],
}

/// A line as far as the chain goes.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    chain: Chain<'a>,
}

#[derive(Deserialize)]
struct Chain<'a> {
    sequence: u64,
    previous: &'a str,
}

/// What a line (without its newline) says of its place; nothing if it isn't a line of a trail.
pub(super) fn link(line: &[u8]) -> Option<Link> {
    let Chain { sequence, previous } = serde_json::from_slice::<Line>(line).ok()?.chain;
    let mut hash = NOTHING;
    hex::decode_to_slice(previous, &mut hash).ok()?;
    (sequence > 0).then_some(Link { sequence, previous: hash })
}

/// How far a trail goes: its last line's number and hash. Before the first line, 0 and zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The number of the line.
    pub sequence: u64,
    /// The SHA-256 of its bytes.
    pub hash: [u8; 32],
}

impl Position {
    /// Before the first line.
    pub(super) const START: Self = Self { sequence: 0, hash: NOTHING };

    /// Ends `event`, a JSON object without its closing brace, with the link to this position; gives the position of
    /// the line so made, which still has no newline.
    pub(super) fn chain(&self, event: &mut Vec<u8>) -> Self {
        let sequence = self.sequence.saturating_add(1);
        let link =
            format!(",\"chain\":{{\"sequence\":{sequence},\"previous\":\"{}\"}}}}", hex::encode(self.hash));
        event.extend_from_slice(link.as_bytes());
        Self { sequence, hash: openssl::sha::sha256(event) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sequence, hex::encode(self.hash))
    }
}
