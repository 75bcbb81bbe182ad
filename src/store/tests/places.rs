//! Where objects lie, and that nobody finds another's.

use super::*;

/// An id that begins as all of them do.
fn alike(number: u8) -> ObjectId {
    let mut id = [7; 16];
    id[15] = number;
    ObjectId(id)
}

fn numbers(it: &Fixture) -> Vec<i64> {
    let read = |connection: &Connection| {
        let mut statement = connection.prepare("SELECT number FROM object ORDER BY id")?;
        Ok(statement.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?)
    };
    it.store.database.peek(read).unwrap()
}

fn object(it: &Fixture, number: u8, version: u64) -> Record {
    Record { id: alike(number), version, ..record(number, Some(it.user)) }
}

#[test]
fn an_object_lies_where_its_id_says_and_ids_that_begin_alike_lie_one_behind_the_other() {
    let it = Fixture::new();
    let first = place::of(alike(0));
    for number in 0..8 {
        it.store.insert(it.viewer(), &[object(&it, number, 1)]).unwrap();
    }
    assert_eq!(numbers(&it), (first..first + 8).collect::<Vec<_>>());
    for number in 0..8 {
        assert_eq!(it.store.get(it.viewer(), alike(number)).unwrap(), Some(object(&it, number, 1)));
        let again = it.store.insert(it.viewer(), &[object(&it, number, 1)]);
        assert!(matches!(again, Err(Error::Exists)), "{number}");
    }
    // No more than eight do by chance; the ninth is refused, and nothing is lost.
    assert!(matches!(it.store.insert(it.viewer(), &[object(&it, 8, 1)]), Err(Error::Exists)));
    assert_eq!(it.store.get(it.viewer(), alike(8)).unwrap(), None);
    assert!(it.problems().is_empty());
}

#[test]
fn neighbours_are_changed_and_deleted_each_by_itself_as_often_as_one_likes() {
    let it = Fixture::new();
    let three: Vec<Record> = (0..3).map(|number| object(&it, number, 1)).collect();
    it.store.insert(it.viewer(), &three).unwrap();
    let before = numbers(&it);
    for version in 2..12 {
        for number in 0..3 {
            it.store.replace(it.viewer(), &object(&it, number, version)).unwrap();
        }
    }
    assert_eq!(numbers(&it), before, "each stays where it is");
    it.store.delete(it.viewer(), alike(1)).unwrap();
    assert_eq!(it.store.get(it.viewer(), alike(1)).unwrap(), None);
    assert!(matches!(it.store.delete(it.viewer(), alike(1)), Err(Error::Gone)));
    for number in [0, 2] {
        let unique = (ck::CKA_UNIQUE_ID, alike(number).to_hex().into_bytes());
        let found = it.store.find(it.viewer(), &Attributes::from_iter([unique])).unwrap();
        assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), [alike(number)]);
        assert_eq!(it.store.get(it.viewer(), alike(number)).unwrap(), Some(object(&it, number, 11)));
    }
    assert!(it.problems().is_empty());
}

#[test]
fn objects_made_by_one_lie_in_the_order_they_were_made() {
    let it = Fixture::new();
    let made: Vec<ObjectId> = (0..20)
        .map(|number| {
            let id = new_id().unwrap();
            it.store.insert(None, &[Record { id, ..plain(number) }]).unwrap();
            id
        })
        .collect();
    let found = it.store.find(None, &Attributes::new()).unwrap();
    assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), made);
}

/// What is public and has no secret no seal binds to its id.
#[test]
fn an_object_that_does_not_lie_where_its_id_says_is_passed_over_and_reported() {
    for deed in ["number = number + 8", "number = number - 1", "id = x'aa010101010101010101010101010101'"] {
        let it = Fixture::new();
        it.store.insert(None, &[plain(1), plain(2)]).unwrap();
        assert_eq!(it.tamper(&format!("UPDATE object SET {deed} WHERE id = x'{}'", id(1).to_hex())), 1);
        let store = it.again();
        for template in
            [Attributes::new(), Attributes::from_iter([(ck::CKA_LABEL, b"label-in-the-clear".as_slice())])]
        {
            let found = store.find(None, &template).unwrap();
            assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), [id(2)], "{deed}");
        }
        // Not from what the search has read either.
        let seen = store.get(None, id(1));
        match deed.starts_with("id") {
            true => assert!(matches!(seen, Err(Error::Corrupt(..))), "{deed}: {seen:?}"),
            false => assert_eq!(seen.unwrap(), None, "{deed}"),
        }
        let other = ObjectId(std::array::from_fn(|at| if at == 0 { 0xaa } else { 1 }));
        assert_eq!(store.get(None, other).unwrap(), None, "{deed}");
        let problems = it.problems();
        assert!(problems.len() == 1 && problems[0].contains("does not lie where"), "{deed}: {problems:?}");
    }
}

/// No index keeps an id from having two rows.
#[test]
fn an_object_that_is_there_twice_is_reported() {
    let it = Fixture::new();
    it.store.insert(None, &[plain(1)]).unwrap();
    let columns = crate::store::objects::COLUMNS;
    let twice = &format!("INSERT INTO object (number, {columns}) SELECT number + 3, {columns} FROM object");
    assert_eq!(it.tamper(twice), 1);
    let problems = it.problems();
    assert!(problems.len() == 1 && problems[0].contains("more than once"), "{problems:?}");
}

#[test]
fn an_object_whose_row_has_been_given_another_id_is_damaged_and_not_gone() {
    let it = Fixture::new();
    for number in 0..2 {
        it.store.insert(it.viewer(), &[object(&it, number, 1)]).unwrap();
    }
    it.tamper(&format!("UPDATE object SET id = x'{}' WHERE id = x'{}'", id(200).to_hex(), alike(1).to_hex()));
    let is_damage =
        |outcome| matches!(outcome, Err(Error::Corrupt(_, why)) if why.contains(&alike(1).to_hex()));
    assert!(is_damage(it.store.get(it.viewer(), alike(1)).map(|_| None)));
    assert!(is_damage(it.store.delete(it.viewer(), alike(1))));
    assert_eq!(
        it.store.get(it.viewer(), alike(0)).unwrap(),
        Some(object(&it, 0, 1)),
        "its neighbour is whole"
    );
}
