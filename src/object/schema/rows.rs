//! The rows of one form, put in order when the module is compiled: every new object is held against them.

use super::Row;
use crate::attribute::AttributeType;

/// As many as the longest form has, and some.
const ROOM: usize = 48;

/// Rows in ascending order of attribute.
#[derive(Debug)]
pub(super) struct Rows {
    rows: [Row; ROOM],
    count: usize,
}

impl Rows {
    /// Those of a class, in groups, with a form's own.
    pub const fn of(groups: &[&[Row]], own: &[Row]) -> Rows {
        // invariant: a form with more rows than there is room for stops the build.
        let mut all = Rows { rows: [any_of(groups, own); ROOM], count: 0 };
        let mut group = 0;
        while group < groups.len() {
            all = all.with(groups[group]);
            group += 1;
        }
        all.with(own)
    }

    const fn with(mut self, more: &[Row]) -> Rows {
        let mut next = 0;
        while next < more.len() {
            let mut at = self.count;
            while at > 0 && self.rows[at - 1].attribute > more[next].attribute {
                self.rows[at] = self.rows[at - 1];
                at -= 1;
            }
            self.rows[at] = more[next];
            self.count += 1;
            next += 1;
        }
        self
    }

    /// All of them.
    pub fn all(&self) -> &[Row] {
        &self.rows[..self.count]
    }

    /// The row of `attribute`.
    pub fn find(&self, attribute: AttributeType) -> Option<&Row> {
        let rows = self.all();
        rows.binary_search_by_key(&attribute, |row| row.attribute).ok().map(|at| &rows[at])
    }
}

/// Some row, for the places that stay empty.
const fn any_of(groups: &[&[Row]], own: &[Row]) -> Row {
    if own.is_empty() { groups[0][0] } else { own[0] }
}
