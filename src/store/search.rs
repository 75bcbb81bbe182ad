//! Searches: by tags in SQL, by looking into records only where the template asks for more.

use super::error::{Error, Fault, Result, Step};
use super::keys::TokenKey;
use super::tags::{SELECTIVE, Scope, TAGGED, is_tagged};
use super::{Store, Viewer, meta};
use crate::attribute::{Attributes, Value};
use crate::logging;
use crate::object::template;
use crate::token::{Found, ObjectId};
use cryptoki_sys as ck;
use rusqlite::types::ToSql;
use rusqlite::{Connection, params_from_iter};

/// The parts of a template that are answered in different ways.
struct Query {
    /// `CKA_UNIQUE_ID`: the row's own key.
    id: Option<ObjectId>,
    /// Those with tags.
    tagged: Attributes,
    /// `CKA_PRIVATE`, which the owner tells.
    private: Option<bool>,
    /// What only the record itself tells.
    others: Attributes,
}

impl Store {
    /// The objects that match `template` in all its attributes: public ones, and the viewer's own, each in the order
    /// they were made. A secret attribute never matches.
    ///
    /// A damaged object is passed over, and the log says so: the rest of the token stays usable.
    pub fn find(&self, viewer: Option<Viewer<'_>>, template: &Attributes) -> Result<Vec<Found>> {
        // Before anything is read: what is read now may be older than what the counter says later.
        let counter = self.counter();
        if !self.seems_replaced()
            && let Some(found) = self.recent.get(counter, viewer, template)
        {
            return Ok(found);
        }
        let Some(query) = Query::new(template) else { return Ok(Vec::new()) };
        let mut hits = self.database.read(|connection| query.run(connection, viewer))?;
        if query.others.is_empty() && hits.damaged.is_empty() {
            self.recent.put(counter, viewer, template, &hits.found);
        }
        let path = self.database.path();
        let mut damaged: Vec<Error> = hits.damaged.into_iter().map(|fault| fault.at(path)).collect();
        if !query.others.is_empty() {
            let key = viewer.map(|viewer| viewer.key);
            let mut matching = Vec::new();
            for found in hits.found {
                match self.matches(key, found.id, &query.others) {
                    Ok(true) => matching.push(found),
                    Ok(false) => {}
                    Err(error @ Error::Corrupt(..)) => damaged.push(error),
                    Err(other) => return Err(other),
                }
            }
            hits.found = matching;
        }
        if let Some(first) = damaged.first() {
            let count = damaged.len();
            logging::error_once(&format!("{first}; damaged objects that a search passed over: {count}"));
        }
        Ok(hits.found)
    }

    fn matches(&self, key: Option<&TokenKey>, id: ObjectId, wanted: &Attributes) -> Result<bool> {
        let Some(row) = self.row(key, id)? else { return Ok(false) };
        let public = self.judge(key, row.open_public(key))?;
        Ok(template::matches(&public, wanted))
    }
}

/// What the index has found.
#[derive(Default)]
struct Hits {
    found: Vec<Found>,
    /// Rows that have no id.
    damaged: Vec<Fault>,
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
        let id = match others.remove(ck::CKA_UNIQUE_ID) {
            Some(Value::Bytes(hex)) => Some(ObjectId::from_hex(&hex)?),
            Some(_) => return None,
            None => None,
        };
        let wanted = others.clone();
        let has_tag = |kind| wanted.get(kind).is_some_and(|value| is_tagged(kind, value));
        let (tagged, others) = others.partition(has_tag);
        Some(Query { id, tagged, private, others })
    }

    /// The objects that have the tags, without opening any.
    fn run(&self, connection: &Connection, viewer: Option<Viewer<'_>>) -> Step<Hits> {
        let open_key = meta::open_key(connection)?;
        let mut hits = Hits::default();
        if self.private != Some(true) {
            self.run_in(connection, Scope::Public(&open_key), &mut hits)?;
        }
        if let (Some(viewer), true) = (viewer, self.private != Some(false)) {
            self.run_in(connection, Scope::Private(viewer.key, viewer.user), &mut hits)?;
        }
        Ok(hits)
    }

    fn run_in(&self, connection: &Connection, scope: Scope<'_>, hits: &mut Hits) -> Step<()> {
        let private = matches!(scope, Scope::Private(..));
        let (sql, values) = self.statement(scope)?;
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            match row.get(0) {
                Ok(id) => hits.found.push(Found { id: ObjectId(id), private }),
                Err(error) => hits.damaged.push(error.into()),
            }
        }
        Ok(())
    }

    /// The statement that finds the objects of one scope, and its parameters.
    fn statement(&self, scope: Scope<'_>) -> Step<(String, Vec<Box<dyn ToSql>>)> {
        let mut conditions = Vec::new();
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut index = None;
        for (at, (kind, column)) in TAGGED.into_iter().enumerate() {
            if let Some(value) = self.tagged.get(kind) {
                index = index.or((at < SELECTIVE).then_some(column));
                conditions.push(format!("{column} = ?"));
                values.push(Box::new(scope.tag(kind, value)?));
            }
        }
        match scope {
            Scope::Public(_) => conditions.push("owner IS NULL".to_owned()),
            Scope::Private(_, owner) => {
                conditions.push("owner = ?".to_owned());
                values.push(Box::new(owner));
            }
        }
        let from = match self.id {
            Some(id) => {
                conditions.push("id = ?".to_owned());
                values.push(Box::new(id.0));
                "object".to_owned()
            }
            // Without statistics SQLite can't know which index tells the most objects apart; we do.
            None => format!("object INDEXED BY object_by_{}", index.unwrap_or("owner")),
        };
        let conditions = conditions.join(" AND ");
        let sql = format!("SELECT id FROM {from} WHERE {conditions} ORDER BY number");
        Ok((sql, values))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Fixture;
    use super::*;

    /// How SQLite goes about a search of the user's private objects.
    fn plan(it: &Fixture, template: &[(u64, Value)]) -> String {
        let query = Query::new(&template.iter().cloned().collect()).unwrap();
        let (sql, values) = query.statement(Scope::Private(&it.key, it.user)).unwrap();
        let explain = |connection: &Connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let lines = statement.query_map(params_from_iter(&values), |row| row.get::<_, String>(3))?;
            Ok(lines.collect::<rusqlite::Result<Vec<_>>>()?.join("; "))
        };
        it.store.database.peek(explain).unwrap()
    }

    #[test]
    fn one_object_among_many_is_one_index_look_up_and_a_listing_reads_an_index_only() {
        let it = Fixture::new();
        let class = || (ck::CKA_CLASS, ck::CKO_SECRET_KEY.into());
        let key_type = || (ck::CKA_KEY_TYPE, ck::CKK_AES.into());
        let label = || (ck::CKA_LABEL, b"label"[..].into());
        let id = || (ck::CKA_ID, b"id"[..].into());
        let unique = || (ck::CKA_UNIQUE_ID, vec![b'0'; 32].into());
        for (template, expected) in [
            (vec![class(), label(), id(), unique()], "USING INDEX sqlite_autoindex_object_1 (id=?)"),
            (vec![class(), key_type(), label(), id()], "USING INDEX object_by_id_tag (id_tag=?)"),
            (vec![class(), label()], "USING INDEX object_by_label_tag (label_tag=?)"),
            (
                vec![class(), key_type()],
                "USING COVERING INDEX object_by_owner (owner=? AND class_tag=? AND type_tag=?)",
            ),
            (vec![class()], "USING COVERING INDEX object_by_owner (owner=? AND class_tag=?)"),
            (vec![key_type()], "USING COVERING INDEX object_by_owner (owner=?)"),
            (vec![], "USING COVERING INDEX object_by_owner (owner=?)"),
        ] {
            let plan = plan(&it, &template);
            assert!(plan.contains(expected), "{template:?}: {plan}");
        }
    }
}
