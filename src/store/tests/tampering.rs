//! What somebody who can write the file can do, and how it is noticed.

use super::*;
use crate::store::tags::Scope;

/// Objects 1 to 3 are the first user's, 4 is the second's, 5 is public with a secret, 6 public and written by a viewer,
/// 7 public and written without a login. 1 has been changed once; `old_1` is the row it was before.
fn filled() -> Fixture {
    let it = Fixture::new();
    let own = |number| record(number, Some(it.user));
    it.store.insert(it.viewer(), &[own(1), own(2), own(3), record(5, None), plain(6)]).unwrap();
    it.store.insert(it.other_viewer(), &[record(4, Some(it.other))]).unwrap();
    it.store.insert(None, &[plain(7)]).unwrap();
    it.tamper("CREATE TABLE old_1 AS SELECT * FROM object WHERE id = x'01010101010101010101010101010101'");
    it.store.replace(it.viewer(), &Record { version: 2, ..own(1) }).unwrap();
    assert!(it.problems().is_empty());
    it
}

fn hex_id(number: u8) -> String {
    id(number).to_hex()
}

fn is_damaged<T>(outcome: Result<T>) -> bool {
    matches!(outcome, Err(Error::Corrupt(_, why)) if why.contains("object"))
}

#[test]
fn no_byte_of_a_sealed_half_can_be_changed() {
    let it = filled();
    for (number, column) in [(1, "public"), (1, "secret"), (5, "secret")] {
        let length = |connection: &Connection| {
            let sql = format!("SELECT length({column}) FROM object WHERE id = ?1");
            Ok(connection.query_row(&sql, [id(number).0], |row| row.get::<_, i64>(0))?)
        };
        let length = it.store.database.peek(length).unwrap();
        // All of the frame, and of the rest every seventh byte.
        for at in (1..=length).filter(|at| *at < 16 || *at > length - 16 || at % 7 == 0) {
            let flip = format!(
                "UPDATE object SET {column} = CAST(substr({column}, 1, {at} - 1) || \
                 CASE substr({column}, {at}, 1) WHEN x'00' THEN x'01' ELSE x'00' END || \
                 substr({column}, {at} + 1) AS BLOB) WHERE hex(id) = upper('{}')",
                hex_id(number)
            );
            let keep = format!(
                "CREATE TABLE kept AS SELECT {column} AS bytes FROM object WHERE hex(id) = upper('{}')",
                hex_id(number)
            );
            it.tamper(&keep);
            assert_eq!(it.tamper(&flip), 1);
            assert!(is_damaged(it.store.get(it.viewer(), id(number))), "{column} of {number}, byte {at}");
            it.tamper(&format!(
                "UPDATE object SET {column} = (SELECT bytes FROM kept) WHERE hex(id) = upper('{}')",
                hex_id(number)
            ));
            it.tamper("DROP TABLE kept");
        }
    }
    assert!(it.problems().is_empty(), "all put back");
}

/// Each of these is noticed by the check, and where `get` tells too, by that.
#[test]
fn every_change_to_a_row_is_noticed() {
    let one = hex_id(1);
    let two = hex_id(2);
    let five = hex_id(5);
    let six = hex_id(6);
    let on = |id: &str, what: &str| format!("UPDATE object SET {what} WHERE id = x'{id}'");
    let from =
        |column: &str, id: &str| format!("{column} = (SELECT {column} FROM object WHERE id = x'{id}')");
    // (what is done, the object that then can't be read)
    let deeds = [
        (on(&one, &from("public", &two)), Some(1)),
        (on(&one, &from("secret", &two)), Some(1)),
        (on(&one, &format!("{}, {}", from("public", &two), from("secret", &two))), Some(1)),
        (on(&one, "owner = owner + 1"), Some(1)),
        (on(&one, "owner = NULL"), Some(1)),
        (on(&one, "version = 1"), Some(1)),
        (on(&one, "secret = NULL"), Some(1)),
        (on(&one, "secret = (SELECT secret FROM old_1)"), Some(1)),
        (on(&one, "version = 1, public = (SELECT public FROM old_1)"), Some(1)),
        (on(&one, "(version, public, secret) = (SELECT version, public, secret FROM old_1)"), None),
        (on(&one, "id_tag = label_tag"), None),
        (on(&one, "label_tag = NULL"), None),
        (format!("DELETE FROM object WHERE id = x'{one}'"), None),
        (on(&two, "id = x'aa010101010101010101010101010101'"), None),
        (on(&five, &from("public", &six)), Some(5)),
        (on(&five, "public_mac = NULL"), Some(5)),
        (on(&five, "secret = NULL"), Some(5)),
        (on(&five, "owner = 2"), Some(5)),
        (on(&six, &from("public", &five)), Some(6)),
        (on(&six, "version = 7"), Some(6)),
        (on(&six, "public = CAST(public || x'00' AS BLOB)"), Some(6)),
        (on(&hex_id(7), "public = x'ff'"), Some(7)),
        (on(&hex_id(7), "version = 'text'"), None),
    ];
    for (deed, unreadable) in deeds {
        let it = filled();
        assert_eq!(it.tamper(&deed), 1, "{deed}");
        assert!(!it.problems().is_empty(), "not noticed: {deed}");
        if let Some(number) = unreadable {
            assert!(is_damaged(it.store.get(it.viewer(), id(number))), "readable: {deed}");
        }
    }
}

/// What no seal tells, because it was good once; of an object that only a login could write, the check tells.
#[test]
fn a_public_object_put_back_is_noticed_if_it_has_a_secret_or_is_trusted() {
    let mut trusted = plain(9);
    trusted.public.set(ck::CKA_TRUSTED, true);
    for (record, noticed) in [(record(9, None), true), (trusted, true), (plain(9), false)] {
        let it = filled();
        let hex = hex_id(9);
        let back = || {
            it.tamper(&format!("DELETE FROM object WHERE id = x'{hex}'"));
            it.tamper("INSERT INTO object SELECT * FROM old_9");
            assert!(it.store.get(it.viewer(), id(9)).is_ok(), "it is whole");
            !it.problems().is_empty()
        };
        it.store.insert(it.viewer(), std::slice::from_ref(&record)).unwrap();
        it.tamper(&format!("CREATE TABLE old_9 AS SELECT * FROM object WHERE id = x'{hex}'"));
        let mut changed = Record { version: 2, ..record.clone() };
        changed.public.set(ck::CKA_LABEL, b"changed".as_slice());
        it.store.replace(it.viewer(), &changed).unwrap();
        assert!(it.problems().is_empty());
        assert_eq!(back(), noticed, "an older version");

        let it = filled();
        it.store.insert(it.viewer(), std::slice::from_ref(&record)).unwrap();
        it.tamper(&format!("DELETE FROM object WHERE id = x'{hex}'"));
        assert_eq!(!it.problems().is_empty(), noticed, "removed");
        it.store.insert(None, &[plain(9)]).unwrap();
        assert_eq!(!it.problems().is_empty(), noticed, "replaced by one that anybody can write");
    }
}

#[test]
fn a_problem_is_reported_by_id_without_contents() {
    let it = filled();
    it.tamper(&format!("UPDATE object SET secret = public WHERE id = x'{}'", hex_id(1)));
    let problems = it.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains(&hex_id(1)) && !problems[0].contains("label"), "{problems:?}");
}

#[test]
fn without_a_key_the_check_sees_what_can_be_seen() {
    let it = filled();
    assert!(it.store.check(None).unwrap().problems.is_empty());
    it.tamper(&format!("UPDATE object SET id_tag = label_tag WHERE id = x'{}'", hex_id(6)));
    it.tamper(&format!("UPDATE object SET owner = 99 WHERE id = x'{}'", hex_id(1)));
    let report = it.store.check(None).unwrap();
    assert_eq!((report.objects, report.users, report.problems.len()), (7, 3, 2), "{:?}", report.problems);
}

#[test]
fn a_forged_wish_to_be_trusted_is_not_believed() {
    let it = filled();
    let mut forged = plain(6);
    forged.public.set(ck::CKA_TRUSTED, true);
    let encoded = hex::encode(&*codec::encode(&forged.public, Format::NEWEST).unwrap());
    for mac in ["public_mac = public_mac", "public_mac = NULL"] {
        it.tamper(&format!("UPDATE object SET public = x'{encoded}', {mac} WHERE id = x'{}'", hex_id(6)));
        assert!(is_damaged(it.store.get(it.viewer(), id(6))), "{mac}");
    }
}

#[test]
fn a_password_moved_to_another_user_or_role_opens_nothing() {
    let other_row = "(argon2_memory, argon2_passes, salt, wrapped) = \
                     (SELECT argon2_memory, argon2_passes, salt, wrapped FROM user WHERE name = 'two')";
    for deed in [
        format!("UPDATE user SET {other_row} WHERE name = 'one'"),
        "UPDATE user SET name = 'one' || number".to_owned(),
        "UPDATE user SET role = 1 - role".to_owned(),
        "UPDATE user SET number = number + 10".to_owned(),
        "UPDATE token SET serial = 'ffffffffffffffff'".to_owned(),
    ] {
        let it = Fixture::new();
        it.tamper(&deed);
        for name in ["one", "one2"] {
            for (role, pin) in [(Role::User, "pin-1"), (Role::User, "pin-2"), (Role::Officer, "pin-1")] {
                let credentials = user(&format!("{name}:{pin}"));
                let answer = it.store.authenticate(role, &credentials).unwrap();
                assert!(matches!(answer, Authentication::Wrong), "{deed}: {role:?} {name} {pin}");
            }
        }
    }
}

#[test]
fn a_tampered_roster_stops_writing_and_is_reported() {
    let it = filled();
    for deed in
        ["roster_count = 99", "roster_digest = zeroblob(32)", "roster_mac = zeroblob(32)", "roster_mac = x''"]
    {
        let it = filled();
        it.tamper(&format!("UPDATE token SET {deed}"));
        assert_eq!(it.problems().len(), 1, "{deed}");
        let outcome = it.store.insert(it.viewer(), &[record(8, Some(it.user))]);
        assert!(matches!(outcome, Err(Error::Corrupt(..))), "{deed}");
    }
    it.store.insert(it.viewer(), &[record(8, Some(it.user))]).unwrap();
}

#[test]
fn a_trigger_in_the_file_does_not_run() {
    let it = filled();
    it.tamper("CREATE TRIGGER harm AFTER INSERT ON object BEGIN DELETE FROM user; END");
    it.store.insert(it.viewer(), &[record(8, Some(it.user))]).unwrap();
    assert_eq!(it.store.users().unwrap().len(), 3);
}

#[test]
fn a_cost_that_no_machine_can_pay_is_damage_and_not_an_allocation() {
    let it = Fixture::new();
    it.tamper("UPDATE user SET argon2_memory = 4294967295 WHERE name = 'one'");
    assert!(matches!(it.store.authenticate(Role::User, &user("one:pin-1")), Err(Error::Corrupt(..))));
    it.tamper("UPDATE token SET argon2_passes = 4294967295");
    assert!(matches!(it.store.authenticate(Role::User, &user("nobody:pin")), Err(Error::Corrupt(..))));
}

#[test]
fn an_empty_label_may_have_the_tag_that_earlier_versions_gave_it_and_no_other() {
    let it = filled();
    let mut unnamed = record(8, Some(it.user));
    unnamed.public.set(ck::CKA_LABEL, Vec::new());
    it.store.insert(it.viewer(), &[unnamed]).unwrap();
    let scope = Scope::Private(&it.key, it.user);
    for (label, problems) in [(&b""[..], 0), (b"named", 1)] {
        let tag = scope.tag(ck::CKA_LABEL, &label.to_vec().into()).unwrap();
        let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        it.tamper(&format!("UPDATE object SET label_tag = x'{hex}' WHERE id = x'{}'", hex_id(8)));
        assert_eq!(it.problems().len(), problems, "{label:?}");
    }
}

#[test]
fn a_file_that_says_it_has_the_other_format_is_refused_and_nothing_is_written_into_it() {
    for (format, other) in [(Format::Two, 1), (Format::One, 2)] {
        let (folder, store) = Fixture::of(format, |_| Ok(()));
        store.make_first(&meta(), &officer("so-pin")).unwrap();
        store.insert(None, &[plain(1)]).unwrap();
        let header = |number: i32| {
            let connection = Connection::open(folder.path().join("token.db")).unwrap();
            connection.pragma_update(None, "user_version", number).unwrap();
        };
        let is_refused = |outcome: Result<()>| {
            let why = format!("tables are not those of format {other}");
            matches!(outcome, Err(Error::Corrupt(_, told)) if told.contains(&why))
        };
        header(other);
        assert!(is_refused(Store::open(folder.path()).map(|_| ())), "opened as format {other}");
        assert!(is_refused(store.insert(None, &[plain(2)]).map(|_| ())), "written by format {other}");
        assert_eq!(store.get(None, id(1)).unwrap(), Some(plain(1)));

        header(0);
        assert!(matches!(store.insert(None, &[plain(2)]), Err(Error::Corrupt(..))), "it has none");
        header(format as i32);
        store.insert(None, &[plain(2)]).unwrap();
        assert_eq!(store.check(None).unwrap().problems, [""; 0]);
    }
}
