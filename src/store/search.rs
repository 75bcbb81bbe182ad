//! Searches: by tags in SQL, by looking into records only where the template asks for more.

use super::error::{Error, Fault, Result, Step};
use super::keys::TokenKey;
use super::objects::{COLUMN_COUNT, COLUMNS, row_from};
use super::place;
use super::recent::Ahead;
use super::record::Row;
use super::schema::Format;
use super::seal::MacKey;
use super::tags::{SELECTIVE, Scope, TAGGED, is_tagged};
use super::{Store, Viewer, meta};
use crate::attribute::{Attributes, Value};
use crate::logging;
use crate::object::template;
use crate::token::{Found, ObjectId};
use cryptoki_sys as ck;
use rusqlite::types::ToSql;
use rusqlite::{Connection, params_from_iter};
use std::mem;

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
        if self.database.seems_in_place()
            && let Some(found) = self.recent.get(counter, viewer, template)
        {
            return Ok(found);
        }
        let Some(query) = Query::new(template) else { return Ok(Vec::new()) };
        let open_key = self.open_key.get(counter, || self.database.peek(meta::open_key))?;
        let path = self.database.path();
        let asked = query
            .ask(
                &query.scopes(&open_key, viewer),
                query.is_for_few() && self.ahead.pays(),
                self.database.format()?,
            )
            .map_err(|fault| fault.at(path))?;
        let Some(asked) = asked else { return Ok(Vec::new()) };
        let mut hits = self.database.peek(|connection| asked.run(connection))?;
        if query.others.is_empty() && hits.damaged.is_empty() {
            self.recent.put(counter, viewer, template, &hits.found);
        }
        self.ahead.put(counter, mem::take(&mut hits.rows));
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
    /// The rows of the first of them, where they were read.
    rows: Vec<Row>,
    /// Rows that have no id, or do not lie where it says.
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

    /// Whose objects are looked at.
    fn scopes<'a>(&self, open_key: &'a MacKey, viewer: Option<Viewer<'a>>) -> Vec<Scope<'a>> {
        let public = Some(Scope::Public(open_key)).filter(|_| self.private != Some(true));
        let own = viewer.map(|viewer| Scope::Private(viewer.key, viewer.user));
        public.into_iter().chain(own.filter(|_| self.private != Some(false))).collect()
    }

    /// The one statement that finds the objects of all scopes; `None` if there are no scopes. `whole`: it reads their rows, not an index alone if
    /// that has all that is asked for.
    fn ask(&self, scopes: &[Scope<'_>], whole: bool, format: Format) -> Step<Option<Asked>> {
        let mut asked =
            Asked { sql: String::with_capacity(SQL), values: Vec::with_capacity(6), whole, format };
        for scope in scopes {
            if !asked.sql.is_empty() {
                asked.sql.push_str(" UNION ALL ");
            }
            self.ask_in(*scope, &mut asked)?;
        }
        if asked.sql.is_empty() {
            return Ok(None);
        }
        Ok(Some(asked))
    }

    fn ask_in(&self, scope: Scope<'_>, asked: &mut Asked) -> Step<()> {
        let private = matches!(scope, Scope::Private(..));
        asked.add(&["SELECT ", if asked.whole { COLUMNS } else { "id" }]);
        asked.add(&[", number, ", if private { "1" } else { "0" }, " AS private FROM object"]);
        match (self.index(), asked.format) {
            (Some(index), _) => asked.add(&[" INDEXED BY object_by_", index]),
            (None, Format::One) => {}
            // By no index of owners: the number is known.
            (None, Format::Two) => asked.add(&[" NOT INDEXED"]),
        }
        asked.add(&[" WHERE owner ", if private { "= ?" } else { "IS NULL" }]);
        if let Scope::Private(_, owner) = scope {
            asked.values.push(Box::new(owner));
        }
        for (kind, column) in TAGGED {
            if let Some(value) = self.tagged.get(kind) {
                asked.add(&[" AND ", column, " = ?"]);
                asked.values.push(Box::new(scope.tag(kind, value)?));
            }
        }
        if let Some(id) = self.id {
            let from = place::of(id);
            if asked.format == Format::Two {
                asked.add(&[" AND number BETWEEN ? AND ?"]);
                asked.values.push(Box::new(from));
                asked.values.push(Box::new(from + place::MOST_BEHIND));
            }
            asked.add(&[" AND id = ?"]);
            asked.values.push(Box::new(id.0));
        }
        Ok(())
    }

    /// The index to go by. Without statistics SQLite can't know which tells the most objects apart; we do. `None`: the row's own key is known.
    fn index(&self) -> Option<&'static str> {
        let first = TAGGED.iter().take(SELECTIVE).find(|(kind, _)| self.tagged.contains(*kind));
        if self.id.is_some() { None } else { Some(first.map_or("owner", |(_, column)| column)) }
    }

    /// Whether few objects are asked for.
    fn is_for_few(&self) -> bool {
        self.id.is_some() || self.tagged.contains(ck::CKA_ID) || self.tagged.contains(ck::CKA_LABEL)
    }
}

/// Room for the longest statement.
const SQL: usize = 640;

/// A statement and its parameters.
struct Asked {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
    /// Whether each row of the answer begins with the object's own ([`COLUMNS`]), not with its id alone.
    whole: bool,
    format: Format,
}

impl Asked {
    fn add(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.sql.push_str(part));
    }

    /// The objects that have the tags, without opening any.
    fn run(&self, connection: &Connection) -> Step<Hits> {
        let mut hits = Hits::default();
        let mut numbered: Vec<(i64, Found)> = Vec::new();
        let mut statement = connection.prepare_cached(&self.sql)?;
        let [number, private] = if self.whole { [COLUMN_COUNT, COLUMN_COUNT + 1] } else { [1, 2] };
        let mut rows = statement.query(params_from_iter(&self.values))?;
        while let Some(row) = rows.next()? {
            let (number, private) = (row.get(number)?, row.get(private)?);
            let id = row.get(0).map(ObjectId).map_err(Fault::from);
            match id.and_then(|id| place::check(self.format, id, number).map(|()| id)) {
                Ok(id) => numbered.push((number, Found { id, private })),
                Err(fault) => {
                    hits.damaged.push(fault);
                    continue;
                }
            }
            // A damaged row tells so when it is used.
            if self.whole
                && hits.rows.len() < Ahead::MOST_FOUND
                && let Ok(row) = row_from(row)
            {
                hits.rows.push(row);
            }
        }
        // Few are, or in few runs that are in order: SQLite, asked for it, would take longer than for all the rest.
        numbered.sort_by_key(|(number, found)| (found.private, *number));
        hits.found = numbered.into_iter().map(|(_, found)| found).collect();
        Ok(hits)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Fixture;
    use super::*;

    /// How SQLite goes about a search of the user's private objects.
    fn plan(it: &Fixture, template: &[(u64, Value)]) -> String {
        let query = Query::new(&template.iter().cloned().collect()).unwrap();
        let asked = query.ask(&[Scope::Private(&it.key, it.user)], false, Format::NEWEST).unwrap().unwrap();
        let explain = |connection: &Connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", asked.sql))?;
            let values = params_from_iter(&asked.values);
            let lines = statement.query_map(values, |row| row.get::<_, String>(3))?;
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
            (vec![class(), label(), id(), unique()], "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
            (vec![class(), key_type(), label(), id()], "USING INDEX object_by_id_tag (id_tag=? AND owner=?)"),
            (vec![class(), label()], "USING INDEX object_by_label_tag (label_tag=? AND owner=?)"),
            (vec![id()], "USING COVERING INDEX object_by_id_tag (id_tag=? AND owner=?)"),
            (vec![label()], "USING COVERING INDEX object_by_label_tag (label_tag=? AND owner=?)"),
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
