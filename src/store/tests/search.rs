//! What a template finds, and how.

use super::*;

fn find(it: &Fixture, viewer: Option<Viewer<'_>>, template: &[(u64, crate::attribute::Value)]) -> Vec<u8> {
    let template = template.iter().cloned().collect();
    let mut found: Vec<_> =
        it.store.find(viewer, &template).unwrap().iter().map(|found| found.id.0[0]).collect();
    found.sort_unstable();
    found
}

/// 1 and 2 are the first user's, 3 is the second's, 4 (with a secret) and 5 are public; 5 is a certificate without key type.
fn filled() -> Fixture {
    let it = Fixture::new();
    it.store.insert(it.viewer(), &[record(1, Some(it.user)), record(2, Some(it.user))]).unwrap();
    it.store.insert(it.other_viewer(), &[record(3, Some(it.other)), record(4, None)]).unwrap();
    let mut certificate = plain(5);
    certificate.public.set(ck::CKA_CLASS, ck::CKO_CERTIFICATE);
    certificate.public.remove(ck::CKA_KEY_TYPE);
    it.store.insert(None, &[certificate]).unwrap();
    it
}

#[test]
fn a_search_finds_what_is_public_and_the_viewers_own() {
    let it = filled();
    assert_eq!(find(&it, None, &[]), [4, 5]);
    assert_eq!(find(&it, it.viewer(), &[]), [1, 2, 4, 5]);
    assert_eq!(find(&it, it.other_viewer(), &[]), [3, 4, 5]);
}

#[test]
fn every_attribute_of_the_template_must_match() {
    let it = filled();
    let viewer = it.viewer();
    let aes = || (ck::CKA_KEY_TYPE, ck::CKK_AES.into());
    assert_eq!(find(&it, viewer, &[(ck::CKA_ID, vec![1u8; 4].into())]), [1]);
    assert_eq!(find(&it, viewer, &[(ck::CKA_ID, vec![3u8; 4].into())]), [0; 0]);
    assert_eq!(find(&it, viewer, &[aes()]), [1, 2, 4]);
    assert_eq!(find(&it, viewer, &[aes(), (ck::CKA_CLASS, ck::CKO_CERTIFICATE.into())]), [0; 0]);
    assert_eq!(find(&it, viewer, &[(ck::CKA_LABEL, b"label-in-the-clear"[..].into())]), [1, 2, 4, 5]);
    assert_eq!(find(&it, viewer, &[(ck::CKA_LABEL, b""[..].into())]), [0; 0]);
    assert_eq!(find(&it, viewer, &[aes(), (ck::CKA_EXTRACTABLE, false.into())]), [1, 2, 4]);
    assert_eq!(find(&it, viewer, &[aes(), (ck::CKA_EXTRACTABLE, true.into())]), [0; 0]);
    assert_eq!(find(&it, viewer, &[(ck::CKA_TOKEN, true.into()), (ck::CKA_PRIVATE, true.into())]), [1, 2]);
    assert_eq!(find(&it, viewer, &[(ck::CKA_PRIVATE, false.into())]), [4, 5]);
    assert_eq!(find(&it, viewer, &[(ck::CKA_TOKEN, false.into())]), [0; 0]);
    assert_eq!(find(&it, viewer, &[(ck::CKA_CLASS, true.into())]), [0; 0], "of another form");
}

#[test]
fn a_secret_attribute_never_matches() {
    let it = filled();
    assert_eq!(find(&it, it.viewer(), &[(ck::CKA_VALUE, vec![1u8; 32].into())]), [0; 0]);
}

#[test]
fn a_changed_object_is_found_by_what_it_is_now() {
    let it = filled();
    let mut renamed = Record { version: 2, ..record(1, Some(it.user)) };
    renamed.public.set(ck::CKA_LABEL, b"new".as_slice());
    it.store.replace(it.viewer(), &renamed).unwrap();
    assert_eq!(find(&it, it.viewer(), &[(ck::CKA_LABEL, b"new"[..].into())]), [1]);
    assert_eq!(find(&it, it.viewer(), &[(ck::CKA_LABEL, b"label-in-the-clear"[..].into())]), [2, 4, 5]);
}

#[test]
fn a_unique_id_finds_its_object_without_opening_any() {
    let it = filled();
    // What can't be opened: a search that opened objects would not find it.
    it.tamper("UPDATE object SET public = x'00'");
    let unique = |number| (ck::CKA_UNIQUE_ID, id(number).to_hex().into_bytes().into());
    assert_eq!(find(&it, it.viewer(), &[unique(1)]), [1]);
    assert_eq!(find(&it, it.viewer(), &[unique(4), (ck::CKA_CLASS, ck::CKO_SECRET_KEY.into())]), [4]);
    assert_eq!(find(&it, it.viewer(), &[unique(4), (ck::CKA_CLASS, ck::CKO_DATA.into())]), [0; 0]);
    assert_eq!(find(&it, it.viewer(), &[unique(3)]), [0; 0], "another user's");
    assert_eq!(find(&it, None, &[unique(1)]), [0; 0], "a private one");
    assert_eq!(find(&it, it.viewer(), &[unique(9)]), [0; 0]);
    assert_eq!(find(&it, it.viewer(), &[(ck::CKA_UNIQUE_ID, b"1"[..].into())]), [0; 0]);
    assert_eq!(find(&it, it.viewer(), &[(ck::CKA_UNIQUE_ID, 1u64.into())]), [0; 0], "of another form");
}

#[test]
fn a_damaged_object_is_passed_over_and_the_others_are_found() {
    let opened = (ck::CKA_EXTRACTABLE, false.into());
    let hex = id(1).to_hex();
    for damage in ["public = x'00'", "version = 'text'", "id = x'aa'"] {
        let it = filled();
        assert_eq!(it.tamper(&format!("UPDATE object SET {damage} WHERE id = x'{hex}'")), 1);
        assert_eq!(find(&it, it.viewer(), std::slice::from_ref(&opened)), [2, 4, 5], "{damage}");
        let got = it.store.get(it.viewer(), id(1));
        assert!(matches!(got, Err(Error::Corrupt(_, why)) if why.contains(&hex)), "{damage}");
    }
}

/// What was answered before is told apart from what is read by a change that the counter does not tell of.
#[test]
fn a_search_asked_again_is_answered_from_memory_until_something_is_written() {
    let it = filled();
    let (one, all) = ([(ck::CKA_ID, vec![1u8; 4].into())], [(ck::CKA_CLASS, ck::CKO_SECRET_KEY.into())]);
    assert_eq!(find(&it, it.viewer(), &one), [1]);
    assert_eq!(find(&it, it.other_viewer(), &one), [0; 0]);
    assert_eq!(find(&it, None, &one), [0; 0]);
    assert_eq!(it.tamper(&format!("UPDATE object SET owner = {}", it.other)), 5);
    assert_eq!(find(&it, it.viewer(), &one), [1]);
    assert_eq!(find(&it, it.viewer(), &[one[0].clone(), all[0].clone()]), [0; 0], "another template is read");
    it.again().insert(None, &[plain(6)]).unwrap();
    assert_eq!(find(&it, it.viewer(), &one), [0; 0], "another process has written");
}

#[test]
fn a_search_is_not_answered_from_memory_when_its_file_is_gone_or_cannot_be_looked_at() {
    for is_gone in [true, false] {
        let it = filled();
        let one = Attributes::from_iter([(ck::CKA_ID, vec![1u8; 4])]);
        it.store.find(it.viewer(), &one).unwrap();
        if is_gone {
            std::fs::remove_file(it.folder.path().join("token.db")).unwrap();
        } else {
            // A folder that is none can't be looked into.
            std::fs::remove_dir_all(it.folder.path()).unwrap();
            std::fs::write(it.folder.path(), b"").unwrap();
        }
        assert_eq!(it.store.is_replaced(), is_gone);
        for _ in 0..2 {
            assert!(matches!(it.store.find(it.viewer(), &one), Err(Error::Unreachable(..))));
        }
    }
}

#[test]
fn who_has_gone_leaves_no_search_behind_and_others_keep_theirs() {
    let it = filled();
    let one = [(ck::CKA_ID, vec![1u8; 4].into())];
    for (viewer, found) in [(it.viewer(), &[1][..]), (it.other_viewer(), &[]), (None, &[])] {
        assert_eq!(find(&it, viewer, &one), found);
    }
    it.tamper(&format!("UPDATE object SET owner = {}", it.other));
    it.store.forget_searches(it.viewer().unwrap());
    // The counter has not moved: what is found now was read now, what is not found is remembered.
    assert_eq!(find(&it, it.viewer(), &one), [0; 0]);
    assert_eq!(find(&it, it.other_viewer(), &one), [0; 0]);
}

#[test]
fn a_transaction_that_was_left_open_shows_no_old_state() {
    let it = filled();
    assert_eq!(find(&it, None, &[]), [4, 5]);
    let read = |connection: &Connection| {
        connection.execute_batch("BEGIN")?;
        Ok(connection.query_row("SELECT count(*) FROM object", (), |row| row.get::<_, i64>(0))?)
    };
    it.store.database.peek(read).unwrap();
    it.again().insert(None, &[plain(6)]).unwrap();
    assert_eq!(version_of(&it.store, id(6)), Some(1));
    assert_eq!(find(&it, None, &[]), [4, 5, 6]);
}

/// What a search has read is told apart from what is read anew as above.
#[test]
fn a_row_that_a_search_has_read_is_good_for_one_look_and_only_until_something_is_written() {
    let it = filled();
    let one = [(ck::CKA_ID, vec![1u8; 4].into())];
    let get = || it.store.get(it.viewer(), id(1));
    assert_eq!(find(&it, it.viewer(), &one), [1]);
    it.tamper("UPDATE object SET public = x'00'");
    assert_eq!(get().unwrap(), Some(record(1, Some(it.user))));
    assert!(matches!(get(), Err(Error::Corrupt(..))), "one look");

    let it = filled();
    let get = || it.store.get(it.viewer(), id(1));
    assert_eq!(find(&it, it.viewer(), &one), [1]);
    let mut renamed = Record { version: 2, ..record(1, Some(it.user)) };
    renamed.public.set(ck::CKA_LABEL, b"new".as_slice());
    it.again().replace(it.viewer(), &renamed).unwrap();
    assert_eq!(get().unwrap(), Some(renamed), "changed by another process");
    assert_eq!(find(&it, it.viewer(), &one), [1]);
    it.again().delete(it.viewer(), id(1)).unwrap();
    assert_eq!(get().unwrap(), None, "destroyed by another process");
}

#[test]
fn a_row_that_a_search_has_read_tells_nobody_what_is_private() {
    let it = filled();
    assert_eq!(find(&it, it.viewer(), &[(ck::CKA_ID, vec![1u8; 4].into())]), [1]);
    assert_eq!(it.store.get(None, id(1)).unwrap(), None);
}

#[test]
fn public_objects_come_first_and_then_in_the_order_they_were_made() {
    let it = filled();
    let last = Record { id: new_id().unwrap(), ..plain(0) };
    it.store.insert(None, std::slice::from_ref(&last)).unwrap();
    let last = last.id.0[0];
    let label: &[u8] = b"label-in-the-clear";
    for template in [vec![], vec![(ck::CKA_LABEL, label)]] {
        let template = Attributes::from_iter(template);
        let found: Vec<_> = it.store.find(it.viewer(), &template).unwrap();
        let found: Vec<_> = found.iter().map(|found| (found.private, found.id.0[0])).collect();
        assert_eq!(found, [(false, 4), (false, 5), (false, last), (true, 1), (true, 2)]);
    }
}

#[test]
fn a_login_that_is_over_is_no_damage() {
    let it = filled();
    let anew = Meta { serial: "fedcba9876543210".into(), ..meta() };
    it.store.recreate(&anew, &officer("new")).unwrap();
    let (by, key) = login(&it.store, Role::Officer, &officer("new"));
    it.store.insert(Some(Viewer { user: by.number, key: &key }), &[record(1, None)]).unwrap();
    let template = Attributes::from_iter([(ck::CKA_EXTRACTABLE, false)]);
    assert!(matches!(it.store.find(it.viewer(), &template), Err(Error::LoginOver)));
}

#[test]
fn an_empty_id_or_label_is_found_though_it_has_no_tag() {
    let it = Fixture::new();
    let mut nameless = record(1, Some(it.user));
    nameless.public.set(ck::CKA_ID, Vec::new());
    nameless.public.set(ck::CKA_LABEL, Vec::new());
    it.store.insert(it.viewer(), &[nameless, record(2, Some(it.user))]).unwrap();
    let tagged = |connection: &Connection| {
        let sql = "SELECT count(id_tag), count(label_tag), count(class_tag) FROM object";
        Ok(connection.query_row(sql, (), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })?)
    };
    assert_eq!(it.store.database.peek(tagged).unwrap(), (1, 1, 2));
    for kind in [ck::CKA_ID, ck::CKA_LABEL] {
        for more in [None, Some((ck::CKA_CLASS, ck::CKO_SECRET_KEY))] {
            let mut template = Attributes::from_iter([(kind, Vec::new())]);
            template.extend(Attributes::from_iter(more));
            let found = it.store.find(it.viewer(), &template).unwrap();
            assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), [id(1)], "{template:?}");
        }
    }
    assert!(it.problems().is_empty());
}
