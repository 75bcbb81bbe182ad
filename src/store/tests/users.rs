//! Passwords, tries, locks.

use super::*;

/// `right`, `wrong` or `locked`.
fn answer(store: &Store, pin: &str) -> &'static str {
    match store.authenticate(Role::User, &user(pin)).unwrap() {
        Authentication::Right(..) => "right",
        Authentication::Wrong => "wrong",
        Authentication::Locked => "locked",
    }
}

#[test]
fn every_user_opens_the_same_token_key() {
    let it = Fixture::new();
    for pin in ["one:pin-1", "two:pin-2"] {
        assert_eq!(login(&it.store, Role::User, &user(pin)).1.id(), it.key.id());
    }
    let listed: Vec<_> = it.store.users().unwrap().into_iter().map(|user| (user.role, user.name)).collect();
    let named = |role, name: &str| (role, name.to_owned());
    assert_eq!(listed, [named(Role::Officer, "so"), named(Role::User, "one"), named(Role::User, "two")]);
}

#[test]
fn wrong_passwords_count_across_stores_until_the_user_is_locked() {
    let it = Fixture::new();
    let other = it.again();
    assert_eq!(answer(&it.store, "one:no"), "wrong");
    assert_eq!(answer(&other, "one:no"), "wrong");
    assert_eq!(it.store.user(Role::User, "one").unwrap().unwrap().failures, 2);
    assert_eq!(answer(&it.store, "one:pin-1"), "right", "two of three");
    assert_eq!(it.store.user(Role::User, "one").unwrap().unwrap().failures, 0);

    for store in [&it.store, &other, &it.store] {
        assert_eq!(answer(store, "one:no"), "wrong");
    }
    for store in [&it.store, &other, &it.again()] {
        assert_eq!(answer(store, "one:pin-1"), "locked", "even the right one");
    }
    assert_eq!(answer(&it.store, "two:pin-2"), "right", "nobody else");

    other.unlock(Role::User, "one").unwrap();
    assert_eq!(answer(&it.store, "one:pin-1"), "right");
    assert!(matches!(it.store.unlock(Role::User, "nobody"), Err(Error::Gone)));
}

#[test]
fn a_name_that_nobody_has_is_answered_as_one_that_somebody_has() {
    let it = Fixture::new();
    for name in ["one", "nobody"] {
        let wrong = format!("{name}:no");
        let before = it.store.counter();
        let answers = [&wrong; 5].map(|pin| answer(&it.store, pin));
        assert_eq!(answers, ["wrong", "wrong", "wrong", "locked", "locked"], "{name}");
        assert_ne!(it.store.counter(), before, "each was counted in the file");
    }
    assert_eq!(answer(&it.again(), "nobody:no"), "locked");
}

#[test]
fn no_login_sets_back_what_was_counted_for_a_name_that_nobody_has() {
    let it = Fixture::new();
    for _ in 0..3 {
        assert_eq!(answer(&it.store, "nobody:no"), "wrong");
    }
    assert_eq!(answer(&it.store, "one:no"), "wrong");
    assert_eq!(answer(&it.store, "one:pin-1"), "right");
    assert_eq!(answer(&it.store, "nobody:no"), "locked", "or any user could tell names apart");
}

#[test]
fn a_right_password_after_no_failure_writes_nothing() {
    let it = Fixture::new();
    let before = it.store.counter().unwrap();
    assert_eq!(answer(&it.store, "one:pin-1"), "right");
    assert_eq!(it.store.counter(), Some(before));
}

#[test]
fn an_empty_password_is_only_wrong() {
    let it = Fixture::new();
    assert_eq!(answer(&it.store, "one:"), "wrong");
    assert_eq!(answer(&it.store, "nobody:"), "wrong");
}

#[test]
fn a_new_password_replaces_the_old_one_unlocks_and_ends_older_logins() {
    let it = Fixture::new();
    for _ in 0..3 {
        answer(&it.store, "one:no");
    }
    let before = it.store.user(Role::User, "one").unwrap().unwrap();
    it.store.set_password(&it.key, Role::User, &user("one:other"), None).unwrap();
    let after = it.store.user(Role::User, "one").unwrap().unwrap();
    assert_eq!((after.number, after.failures), (before.number, 0));
    assert!(after.epoch > before.epoch);
    assert_eq!(answer(&it.store, "one:pin-1"), "wrong");
    assert_eq!(answer(&it.store, "one:other"), "right");
    assert!(matches!(it.store.set_password(&it.key, Role::User, &user("nobody:x"), None), Err(Error::Gone)));
}

#[test]
fn a_password_proved_before_another_was_set_changes_nothing() {
    let it = Fixture::new();
    let (proved, key) = login(&it.store, Role::User, &user("one:pin-1"));
    let renew = |pin, known| it.store.set_password(&key, Role::User, &user(pin), Some(known));
    it.store.set_password(&it.key, Role::User, &user("one:reset"), None).unwrap();
    assert!(matches!(renew("one:mine", &proved), Err(Error::Gone)));
    assert_eq!(answer(&it.store, "one:reset"), "right");
    let (proved, _) = login(&it.store, Role::User, &user("one:reset"));
    renew("one:mine", &proved).unwrap();
    assert_eq!(answer(&it.store, "one:mine"), "right");
}

#[test]
fn names_are_unique_per_role_and_numbers_are_never_used_again() {
    let it = Fixture::new();
    assert!(matches!(it.store.add_user(&it.key, Role::User, &user("one:other")), Err(Error::Exists)));
    it.store.add_user(&it.key, Role::Officer, &user("one:other")).unwrap();
    it.store.delete_user(&it.key, Role::User, "two").unwrap();
    it.store.add_user(&it.key, Role::User, &user("two:again")).unwrap();
    let number = it.store.user(Role::User, "two").unwrap().unwrap().number;
    assert!(number > it.other);
    it.store.recreate(&meta(), &officer("new")).unwrap();
    assert!(it.store.user(Role::Officer, "so").unwrap().unwrap().number > number);
}

#[test]
fn the_last_officer_stays() {
    let it = Fixture::new();
    assert!(matches!(it.store.delete_user(&it.key, Role::Officer, "so"), Err(Error::LastOfficer)));
    it.store.add_user(&it.key, Role::Officer, &user("second:pin")).unwrap();
    it.store.delete_user(&it.key, Role::Officer, "so").unwrap();
    assert!(matches!(it.store.delete_user(&it.key, Role::Officer, "second"), Err(Error::LastOfficer)));
    assert!(matches!(it.store.delete_user(&it.key, Role::Officer, "so"), Err(Error::Gone)));
}

#[test]
fn a_token_made_anew_has_nothing_of_the_old_one() {
    let it = Fixture::new();
    it.store.insert(it.viewer(), &[record(1, Some(it.user)), plain(2)]).unwrap();
    let anew = Meta { label: "new".into(), serial: "fedcba9876543210".into(), ..meta() };
    let other = it.again();
    it.store.recreate(&anew, &officer("new-pin")).unwrap();
    assert_eq!(other.meta().unwrap(), anew);
    assert_eq!(other.users().unwrap().len(), 1);
    assert_eq!([1, 2].map(|number| version_of(&other, id(number))), [None, None]);
    let (_, key) = login(&other, Role::Officer, &officer("new-pin"));
    assert_ne!(key.id(), it.key.id());
    assert_eq!(answer(&other, "one:pin-1"), "wrong");
}
