//! Searches: by tags in SQL, by looking into records only where the template asks for more.

use super::error::{Result, Step};
use super::keys::TokenKey;
use super::tags::{Scope, TAGGED};
use super::{Store, Viewer, meta};
use crate::attribute::{Attributes, Value};
use crate::object::template;
use crate::token::{Found, ObjectId};
use cryptoki_sys as ck;
use rusqlite::types::ToSql;
use rusqlite::{Connection, params_from_iter};

/// The parts of a template that are answered in different ways.
struct Query {
    /// Those with tags.
    tagged: Attributes,
    /// `CKA_PRIVATE`, which the owner tells.
    private: Option<bool>,
    /// What only the record itself tells.
    others: Attributes,
}

impl Store {
    /// The objects that match `template` in all its attributes: public ones, and the viewer's own. A secret attribute never matches.
    pub fn find(&self, viewer: Option<Viewer<'_>>, template: &Attributes) -> Result<Vec<Found>> {
        let Some(query) = Query::new(template) else { return Ok(Vec::new()) };
        let mut found = self.database.read(|connection| query.run(connection, viewer))?;
        if query.others.is_empty() {
            return Ok(found);
        }
        let key = viewer.map(|viewer| viewer.key);
        let mut outcome = Ok(());
        found.retain(|found| match self.matches(key, found.id, &query.others) {
            Ok(matches) => matches,
            Err(error) => {
                outcome = Err(error);
                false
            }
        });
        outcome.map(|()| found)
    }

    fn matches(&self, key: Option<&TokenKey>, id: ObjectId, wanted: &Attributes) -> Result<bool> {
        let Some(row) = self.row(key, id)? else { return Ok(false) };
        let public = self.judge(key, row.open_public(key))?;
        Ok(template::matches(&public, wanted))
    }
}

impl Query {
    /// Takes a template apart; `None` if no stored object can match it.
    fn new(template: &Attributes) -> Option<Query> {
        let mut others = template.clone();
        // Every stored object is a token object, and is private if it has an owner: no need to open any.
        let token = others.remove(ck::CKA_TOKEN);
        if token.is_some_and(|value| value != Value::Bool(true)) {
            return None;
        }
        let private = match others.remove(ck::CKA_PRIVATE) {
            Some(Value::Bool(private)) => Some(private),
            Some(_) => return None,
            None => None,
        };
        let (tagged, others) = others.partition(|kind| TAGGED.iter().any(|(tagged, _)| *tagged == kind));
        Some(Query { tagged, private, others })
    }

    /// The objects that have the tags, without opening any.
    fn run(&self, connection: &Connection, viewer: Option<Viewer<'_>>) -> Step<Vec<Found>> {
        let open_key = meta::open_key(connection)?;
        let mut found = Vec::new();
        if self.private != Some(true) {
            self.run_in(connection, Scope::Public(&open_key), &mut found)?;
        }
        if let (Some(viewer), true) = (viewer, self.private != Some(false)) {
            self.run_in(connection, Scope::Private(viewer.key, viewer.user), &mut found)?;
        }
        Ok(found)
    }

    fn run_in(&self, connection: &Connection, scope: Scope<'_>, found: &mut Vec<Found>) -> Step<()> {
        let private = matches!(scope, Scope::Private(..));
        let mut sql = String::from("SELECT id FROM object WHERE ");
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        for (kind, column) in TAGGED {
            if let Some(value) = self.tagged.get(kind) {
                // A unary plus keeps SQLite from using that column's index: the first, most selective one is to be used.
                let plus = if values.is_empty() { "" } else { "+" };
                sql.push_str(&format!("{plus}{column} = ? AND "));
                values.push(Box::new(scope.tag(kind, value)?));
            }
        }
        sql.push_str(match scope {
            Scope::Public(_) => "owner IS NULL",
            Scope::Private(_, owner) => {
                values.push(Box::new(owner));
                "owner = ?"
            }
        });
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            found.push(Found { id: ObjectId(row.get(0)?), private });
        }
        Ok(())
    }
}
