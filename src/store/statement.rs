//! Every statement that changes a token's rows: one table.
//!
//! A change that travels to other nodes is a list of these by number, with their values. So a number keeps its meaning for ever, whatever format a node's own file
//! has; a new statement takes a new one.

use super::schema::Format;

/// A statement by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statement(pub(super) u16);

macro_rules! statements {
    ($($(#[$doc:meta])* $number:literal $name:ident = $sql:expr $(; placed = $placed:expr)?;)*) => {
        $($(#[$doc])* pub(super) const $name: Statement = Statement($number);)*

        impl Statement {
            /// The SQL; `None` for a number that this version doesn't know.
            pub(super) fn sql(self, format: Format) -> Option<&'static str> {
                match (self.0, format) {
                    $($(($number, Format::Two) => Some($placed),)?)*
                    $(($number, _) => Some($sql),)*
                    _ => None,
                }
            }

            /// Whether it takes one value more there, the last: the place ([`super::place::of`]) of the object that its first value names.
            pub(super) fn is_placed(self, format: Format) -> bool {
                const PLACED: &[Statement] = &[$($({ let _: &str = $placed; $name },)?)*];
                format == Format::Two && PLACED.contains(&self)
            }

            #[cfg(test)]
            const ALL: &'static [Statement] = &[$($name),*];
        }
    };
}

statements! {
    /// A new object. The columns are [`super::objects::COLUMNS`]. Where it has a place, its number is the first free one from there on. An id that is taken gets
    /// the number that it has, which SQLite refuses as it refuses an id that an index has. (An `INSERT` of a `SELECT` would cost a third more.)
    1 PUT_OBJECT = "INSERT INTO object (id, version, owner, id_tag, label_tag, type_tag, class_tag, public, public_mac, secret) \
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        placed = "INSERT INTO object (number, id, version, owner, id_tag, label_tag, type_tag, class_tag, public, public_mac, secret) \
                  VALUES (iif(EXISTS (SELECT 1 FROM object WHERE number BETWEEN ?11 AND ?11 + 7), \
                  coalesce((SELECT number FROM object WHERE number BETWEEN ?11 AND ?11 + 7 AND id = ?1), \
                  (SELECT min(last + 1) FROM (SELECT ?11 - 1 AS last UNION ALL SELECT number FROM object WHERE number BETWEEN ?11 AND ?11 + 6) \
                  WHERE NOT EXISTS (SELECT 1 FROM object WHERE number = last + 1)), ?11), ?11), \
                  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    2 DELETE_OBJECT = "DELETE FROM object WHERE id = ?1";
        placed = "DELETE FROM object WHERE number BETWEEN ?2 AND ?2 + 7 AND id = ?1";
    3 DELETE_OBJECTS_OF_USER = "DELETE FROM object WHERE owner = ?1";
    4 DELETE_ALL_OBJECTS = "DELETE FROM object";
    /// A new user. The columns are [`super::users::COLUMNS`].
    5 PUT_USER = "INSERT INTO user (number, role, name, argon2_memory, argon2_passes, salt, wrapped, failures, epoch) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 1)";
    6 SET_PASSWORD = "UPDATE user SET argon2_memory = ?2, argon2_passes = ?3, salt = ?4, wrapped = ?5, failures = 0, \
                      epoch = epoch + 1 WHERE number = ?1";
    7 SET_FAILURES = "UPDATE user SET failures = ?2 WHERE number = ?1";
    8 DELETE_USER = "DELETE FROM user WHERE number = ?1";
    9 DELETE_ALL_USERS = "DELETE FROM user";
    10 SET_STRANGER = "INSERT OR REPLACE INTO stranger (bucket, failures) VALUES (?1, ?2)";
    11 DELETE_ALL_STRANGERS = "DELETE FROM stranger";
    /// The token itself, new or in place of the last one.
    12 PUT_TOKEN = "INSERT OR REPLACE INTO token (one, label, serial, max_failures, argon2_memory, argon2_passes, open_key, key_id, \
                    next_user, roster_digest, roster_count, roster_mac) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, x'', 0, x'')";
    13 SET_NEXT_USER = "UPDATE token SET next_user = ?1";
    14 SET_ROSTER = "UPDATE token SET roster_digest = ?1, roster_count = ?2, roster_mac = ?3";
    /// On a cluster: what a request has come to.
    15 NOTE_REQUEST = "INSERT INTO request (id, digest, outcome) VALUES (?1, ?2, ?3)";
    16 FORGET_REQUESTS = "DELETE FROM request WHERE number <= (SELECT max(number) FROM request) - ?1";
    /// On a cluster: a confirmation that has been used, and by which request.
    17 SPEND = "INSERT INTO spent (confirmation, request) VALUES (?1, ?2)";
    18 FORGET_SPENT = "DELETE FROM spent WHERE number <= (SELECT max(number) FROM spent) - ?1";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;
    use rusqlite::Connection;

    #[test]
    fn every_statement_fits_the_tables_and_has_a_number_of_its_own() {
        for format in [Format::One, Format::Two] {
            let connection = Connection::open_in_memory().unwrap();
            schema::create(&connection, format).unwrap();
            schema::create_replica(&connection).unwrap();
            for statement in Statement::ALL {
                connection.prepare(statement.sql(format).unwrap()).unwrap();
            }
        }
        let numbers: std::collections::HashSet<u16> = Statement::ALL.iter().map(|it| it.0).collect();
        assert_eq!(numbers.len(), Statement::ALL.len());
        assert_eq!(Statement(0).sql(Format::Two), None);
    }
}
