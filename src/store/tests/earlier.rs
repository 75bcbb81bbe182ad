//! Tokens of format 1: they open, are what they were, and go on, as tokens that programs of their time can still read.

use super::*;

/// One that such a program has made, and its user.
fn earlier() -> Fixture {
    let (folder, made) =
        Fixture::of(Format::One, |writer| Ok(writer.execute_batch(include_str!("earlier.sql"))?));
    drop(made);
    let store = Store::open(folder.path()).unwrap().unwrap();
    let (user, key) = login(&store, Role::User, &user("user-pin"));
    Fixture { folder, store, key, user: user.number, other: 0 }
}

fn secret() -> ObjectId {
    ObjectId::from_hex(b"41fb18cee4e9c7a621a7f08cfefc0866").unwrap()
}

fn public() -> ObjectId {
    ObjectId::from_hex(b"5e5558bc38e7f278665feb9e658317a0").unwrap()
}

fn private() -> ObjectId {
    ObjectId::from_hex(b"a308fc2d8b7b5c26111cf964d50da6c2").unwrap()
}

fn find(it: &Fixture, template: &[(u64, crate::attribute::Value)]) -> Vec<ObjectId> {
    let found = it.store.find(it.viewer(), &template.iter().cloned().collect()).unwrap();
    found.iter().map(|found| found.id).collect()
}

fn get(it: &Fixture, id: ObjectId) -> Record {
    it.store.get(it.viewer(), id).unwrap().unwrap()
}

#[test]
fn its_objects_are_found_and_opened() {
    let it = earlier();
    assert_eq!(it.store.meta().unwrap().label, "earlier");
    login(&it.store, Role::Officer, &officer("officer-pin"));
    assert_eq!(find(&it, &[]), [secret(), public(), private()]);
    let pair = b"pair".as_slice();
    for template in [(ck::CKA_ID, vec![2u8].into()), (ck::CKA_LABEL, pair.into())] {
        assert_eq!(find(&it, &[template]), [public(), private()]);
    }
    assert_eq!(find(&it, &[(ck::CKA_CLASS, ck::CKO_SECRET_KEY.into())]), [secret()]);
    assert_eq!(find(&it, &[(ck::CKA_UNIQUE_ID, private().to_hex().into_bytes().into())]), [private()]);
    assert_eq!(get(&it, secret()).secret.bytes(ck::CKA_VALUE).map(<[u8]>::len), Some(32));
    assert_eq!(get(&it, private()).public.bytes(ck::CKA_LABEL), Some(pair));
    assert_eq!(get(&it, private()).owner, Some(it.user));
    assert!(it.store.is_still(private(), 1).unwrap() && !it.store.is_still(private(), 2).unwrap());
    assert_eq!(it.problems(), [""; 0]);
}

#[test]
fn its_objects_are_changed_and_deleted_and_new_ones_made() {
    let it = earlier();
    let mut renamed = get(&it, private());
    renamed.version += 1;
    renamed.public.set(ck::CKA_LABEL, b"renamed".as_slice());
    it.store.replace(it.viewer(), &renamed).unwrap();
    assert_eq!(find(&it, &[(ck::CKA_LABEL, b"renamed"[..].into())]), [private()]);
    assert_eq!(get(&it, private()), renamed);
    it.store.delete(it.viewer(), secret()).unwrap();
    assert_eq!(find(&it, &[]), [public(), private()]);
    let taken = it.store.insert(it.viewer(), &[Record { id: public(), ..record(1, None) }]);
    assert!(matches!(taken, Err(Error::Exists)));

    let made: Vec<Record> =
        (0..20).map(|at| Record { id: new_id().unwrap(), ..record(at, Some(it.user)) }).collect();
    it.store.insert(it.viewer(), &made[..10]).unwrap();
    made[10..].iter().for_each(|one| {
        it.store.insert(it.viewer(), std::slice::from_ref(one)).unwrap();
    });
    let ids: Vec<ObjectId> = made.iter().map(|made| made.id).collect();
    assert_eq!(find(&it, &[]), [&[public(), private()][..], &ids].concat());
    assert!(made.iter().all(|made| get(&it, made.id) == *made));
    assert_eq!(it.again().get(it.viewer(), made[3].id).unwrap().as_ref(), Some(&made[3]));
    assert_eq!(it.problems(), [""; 0]);
}

#[test]
fn what_is_written_into_it_is_as_its_format_has_it() {
    let it = earlier();
    it.store.insert(it.viewer(), &[record(1, None), plain(2)]).unwrap();
    let read = |connection: &Connection| {
        let rows = "SELECT count(*) FROM object WHERE owner IS NULL AND substr(public, 1, 1) = x'01'";
        Ok((
            connection.query_row(rows, (), |row| row.get::<_, i64>(0))?,
            connection.query_row("SELECT max(number) FROM object", (), |row| row.get::<_, i64>(0))?,
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))?,
        ))
    };
    assert_eq!(it.store.database.peek(read).unwrap(), (4, 5, 1));
    it.store.recreate(&meta(), &officer("so-pin")).unwrap();
    it.store.insert(None, &[plain(2)]).unwrap();
    assert_eq!(it.store.database.peek(read).unwrap(), (1, 1, 1), "a token made anew keeps its format");
}

#[test]
fn a_record_of_the_earlier_encoding_is_read_in_a_file_of_the_newest_format() {
    let it = Fixture::new();
    it.store.insert(None, &[plain(1)]).unwrap();
    let encoded = |format| hex::encode(&*codec::encode(&plain(1).public, format).unwrap());
    let (one, two) = (encoded(Format::One), encoded(Format::Two));
    assert!(two.len() * 2 < one.len());
    let sql = format!("UPDATE object SET public = x'{one}' WHERE public = x'{two}'");
    assert_eq!(it.tamper(&sql), 1);
    assert_eq!(it.store.get(None, id(1)).unwrap(), Some(plain(1)));
}

#[test]
fn a_file_with_the_larger_pages_of_earlier_ones_is_used_as_it_is_and_its_log_stays_as_short() {
    let folder = tempfile::tempdir().unwrap();
    connection::make_file(folder.path()).unwrap();
    let file = folder.path().join("token.db");
    let earlier = Connection::open(&file).unwrap();
    earlier.execute_batch("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; VACUUM").unwrap();
    drop(earlier);
    let store = Store::create(folder.path(), &meta(), &officer("so-pin")).unwrap();
    for number in 1..200 {
        let mut large = plain(number);
        large.public.set(ck::CKA_APPLICATION, vec![number; 60_000]);
        store.insert(None, &[large]).unwrap();
    }
    let page = |connection: &Connection| {
        Ok(connection.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))?)
    };
    assert_eq!(
        (store.database.peek(page).unwrap(), Fixture::new().store.database.peek(page).unwrap()),
        (4096, 2048)
    );
    assert!(std::fs::metadata(folder.path().join("token.db-wal")).unwrap().len() < 6 << 20);
    let again = Store::open(folder.path()).unwrap().unwrap();
    assert_eq!(again.find(None, &Attributes::new()).unwrap().len(), 199);
    assert_eq!(again.check(None).unwrap().problems, [""; 0]);
}

/// Nobody is to do that, but what is made afterwards must not be lost by it.
#[test]
fn what_is_written_after_a_backup_of_another_format_was_restored_into_the_file_is_found_by_all() {
    for (mut it, from) in [(earlier(), Fixture::new()), (Fixture::new(), earlier())] {
        it.store.insert(None, &[plain(8)]).unwrap();
        from.store.insert(None, &[plain(9)]).unwrap();
        let open = |it: &Fixture| Connection::open(it.folder.path().join("token.db")).unwrap();
        rusqlite::backup::Backup::new(&open(&from), &mut open(&it)).unwrap().step(-1).unwrap();

        it.store.insert(None, &[plain(1)]).unwrap();
        assert!(matches!(it.store.insert(None, &[plain(1)]), Err(Error::Exists)));
        it.store.delete(None, id(9)).unwrap();
        for store in [&it.store, &it.again()] {
            assert_eq!(store.get(None, id(1)).unwrap(), Some(plain(1)));
            assert_eq!(store.get(None, id(9)).unwrap(), None);
        }
        (it.key, it.user) = (from.key, from.user);
        assert_eq!(it.problems(), [""; 0]);
    }
}
