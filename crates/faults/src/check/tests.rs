//! The checker finds each broken promise, and none where none is broken.

use super::*;
use crate::history::{Action, Login, NEVER, Silence, Verdict};
use cloister::error::Error;

/// An operation of a client on object 1, in tenths of a second.
fn did(client: usize, action: Action, outcome: Outcome, (called, returned): (u64, u64)) -> Operation {
    Operation { client, object: 1, action, outcome, called, returned }
}

fn promises_broken(operations: &[Operation], reads: Reads) -> Vec<&'static str> {
    let history = History { operations: operations.to_vec(), ..History::default() };
    check(&history, reads, 5).into_iter().map(|breach| breach.promise).collect()
}

/// With either setting.
fn always_broken(operations: &[Operation]) -> &'static str {
    let [session, current] = [Reads::Session, Reads::Current].map(|reads| promises_broken(operations, reads));
    assert_eq!(session, current);
    assert_eq!(session.len(), 1, "{session:?}");
    session[0]
}

fn never_broken(operations: &[Operation]) {
    for reads in [Reads::Session, Reads::Current] {
        assert!(promises_broken(operations, reads).is_empty(), "{:?}", promises_broken(operations, reads));
    }
}

fn created() -> Operation {
    did(0, Action::Create(1), Outcome::Done, (0, 10))
}

const LOOK: Action = Action::Look { place: 0 };

#[test]
fn a_life_in_order_is_in_order() {
    never_broken(&[
        created(),
        did(0, Action::Read, Outcome::Value(1), (11, 12)),
        did(1, Action::Set(2), Outcome::Done, (13, 16)),
        did(2, Action::Read, Outcome::Value(1), (14, 15)),
        did(2, Action::Find, Outcome::There(1), (17, 18)),
        did(2, Action::Destroy, Outcome::Done, (20, 30)),
        did(3, Action::Destroy, Outcome::Gone, (31, 32)),
        did(3, Action::Read, Outcome::Gone, (33, 34)),
        did(9, LOOK, Outcome::Gone, (90, 91)),
    ]);
}

#[test]
fn an_unknown_write_may_be_seen_late_or_never() {
    let unknown = did(0, Action::Set(2), Outcome::Unknown, (11, 20));
    let old = did(1, Action::Read, Outcome::Value(1), (30, 31));
    let new = did(1, Action::Read, Outcome::Value(2), (40, 41));
    never_broken(&[created(), unknown.clone(), old.clone()]);
    never_broken(&[created(), unknown.clone(), old, new.clone()]);
    let back = did(1, Action::Read, Outcome::Value(1), (50, 51));
    always_broken(&[created(), unknown, new, back]);
}

#[test]
fn an_unknown_destruction_may_be_or_not() {
    let unknown = did(0, Action::Destroy, Outcome::Unknown, (11, 20));
    never_broken(&[created(), unknown.clone(), did(9, LOOK, Outcome::Gone, (90, 91))]);
    never_broken(&[created(), unknown, did(9, LOOK, Outcome::Value(1), (90, 91))]);
}

#[test]
fn an_unknown_creation_may_be_found_later() {
    let unknown = did(0, Action::Create(1), Outcome::Unknown, (0, 10));
    let found = did(0, Action::Find, Outcome::There(1), (20, 21));
    never_broken(&[unknown.clone(), did(0, Action::Find, Outcome::Gone, (11, 12)), found]);
    never_broken(&[unknown, did(9, LOOK, Outcome::Gone, (90, 91))]);
}

#[test]
fn a_lost_key_is_found_out() {
    let promise = "no acknowledged object is lost";
    assert_eq!(always_broken(&[created(), did(9, LOOK, Outcome::Gone, (90, 91))]), promise);
    assert_eq!(always_broken(&[created(), did(0, Action::Use, Outcome::Gone, (20, 21))]), promise);
}

#[test]
fn a_key_back_from_the_dead_is_found_out() {
    let promise = "no destroyed object comes back";
    let destroyed = did(0, Action::Destroy, Outcome::Done, (11, 20));
    for outcome in [Outcome::Value(1), Outcome::There(1)] {
        let look = did(9, LOOK, outcome.clone(), (90, 91));
        assert_eq!(always_broken(&[created(), destroyed.clone(), look]), promise);
        let read = did(0, Action::Find, outcome, (21, 22));
        assert_eq!(always_broken(&[created(), destroyed.clone(), read]), promise);
    }
    let gone = did(1, Action::Read, Outcome::Gone, (25, 26));
    let back = did(1, Action::Read, Outcome::Value(1), (30, 31));
    let seen = did(1, Action::Read, Outcome::Value(1), (10, 11));
    assert_eq!(always_broken(&[created(), destroyed, seen, gone, back]), promise);
}

#[test]
fn two_keys_of_one_request_are_found_out() {
    let twice = did(0, Action::Find, Outcome::There(2), (20, 21));
    assert_eq!(always_broken(&[created(), twice]), "no request makes two objects");
}

#[test]
fn a_read_that_goes_back_is_found_out() {
    let set = did(0, Action::Set(2), Outcome::Done, (11, 20));
    let new = did(1, Action::Read, Outcome::Value(2), (21, 22));
    let old = did(1, Action::Read, Outcome::Value(1), (23, 24));
    assert_eq!(always_broken(&[created(), set, new, old]), "no client goes back in time");
}

#[test]
fn not_to_see_what_one_has_written_is_found_out() {
    let set = did(1, Action::Set(2), Outcome::Done, (11, 20));
    let old = did(1, Action::Read, Outcome::Value(1), (23, 24));
    assert_eq!(always_broken(&[created(), set, old]), "no client goes back in time");
}

#[test]
fn clients_that_see_writes_in_different_orders_are_found_out() {
    let history = [
        created(),
        did(0, Action::Set(2), Outcome::Done, (11, 40)),
        did(1, Action::Set(3), Outcome::Done, (11, 40)),
        did(2, Action::Read, Outcome::Value(2), (20, 21)),
        did(3, Action::Read, Outcome::Value(3), (20, 21)),
        did(2, Action::Read, Outcome::Value(3), (22, 23)),
        did(3, Action::Read, Outcome::Value(2), (22, 23)),
    ];
    assert_eq!(always_broken(&history), "no client goes back in time");
}

#[test]
fn a_value_from_nowhere_or_from_the_future_is_found_out() {
    let promise = "what is read was written before";
    let read = did(1, Action::Read, Outcome::Value(2), (20, 21));
    assert_eq!(always_broken(&[created(), read.clone()]), promise);
    assert_eq!(always_broken(&[created(), read, did(0, Action::Set(2), Outcome::Done, (30, 31))]), promise);
}

#[test]
fn another_clients_late_sight_is_allowed_unless_reads_are_current() {
    let set = did(0, Action::Set(2), Outcome::Done, (11, 20));
    let late = did(1, Action::Read, Outcome::Value(1), (30, 31));
    let not_yet = did(2, Action::Read, Outcome::Gone, (30, 31));
    for read in [late, not_yet] {
        let history = [created(), set.clone(), read];
        assert!(promises_broken(&history, Reads::Session).is_empty());
        assert_eq!(promises_broken(&history, Reads::Current).len(), 1);
    }
}

#[test]
fn writes_have_one_order_with_either_setting() {
    let destroyed = did(0, Action::Destroy, Outcome::Done, (11, 20));
    always_broken(&[created(), destroyed.clone(), did(1, Action::Destroy, Outcome::Done, (30, 31))]);
    always_broken(&[created(), destroyed, did(1, Action::Set(2), Outcome::Done, (30, 31))]);
    let last = did(9, LOOK, Outcome::Value(1), (90, 91));
    always_broken(&[created(), did(1, Action::Set(2), Outcome::Done, (30, 31)), last]);
}

#[test]
fn nodes_that_end_with_different_values_are_found_out() {
    let set = did(0, Action::Set(2), Outcome::Unknown, (11, 20));
    let looks = [(0, 1), (1, 2)].map(|(place, version)| {
        let moment = 90 + 2 * place as u64;
        did(9, Action::Look { place }, Outcome::Value(version), (moment, moment + 1))
    });
    let [one, other] = looks;
    assert_eq!(always_broken(&[created(), set, one, other]), "all nodes end with the same");
}

#[test]
fn a_spoilt_key_and_a_refusal_without_reason_are_found_out() {
    let spoilt = did(0, Action::Use, Outcome::Spoilt("another MAC".into()), (20, 21));
    assert_eq!(always_broken(&[created(), spoilt]), "an object stays as it was made");
    let refused = did(0, Action::Read, Outcome::Refused(Error::UserNotLoggedIn), (20, 21));
    assert_eq!(always_broken(&[created(), refused]), "a fault is told as one, and nothing else is refused");
}

#[test]
fn what_is_acknowledged_without_a_majority_is_found_out() {
    let silences = vec![Silence { from: 5, to: 30 }];
    let broken = |operation: Operation| {
        let history = History {
            operations: vec![created(), operation],
            silences: silences.clone(),
            ..History::default()
        };
        check(&history, Reads::Current, 5)
    };
    assert_eq!(broken(did(0, Action::Set(2), Outcome::Done, (11, 20))).len(), 1);
    for (outcome, span) in [(Outcome::Done, (11, 31)), (Outcome::Done, (4, 12)), (Outcome::Unknown, (11, 20))]
    {
        assert!(broken(did(1, Action::Set(2), outcome, span)).is_empty());
    }
}

#[test]
fn many_unknown_writes_do_not_make_the_search_long() {
    let mut operations = vec![created()];
    for version in 2..400 {
        operations.push(did(0, Action::Set(version), Outcome::Unknown, (version * 10, NEVER)));
        let seen = Outcome::Value(version - version % 3);
        let seen = if version < 3 { Outcome::Value(1) } else { seen };
        operations.push(did(1, Action::Read, seen, (version * 10 + 1, version * 10 + 2)));
    }
    never_broken(&operations);
}

fn guess(right: bool, verdict: Verdict, at: u64) -> Login {
    Login { client: 0, user: "guessed".into(), right, verdict, called: at, returned: at + 1 }
}

fn logins_broken(logins: Vec<Login>) -> Vec<&'static str> {
    let history = History { logins, ..History::default() };
    check(&history, Reads::Session, 5).into_iter().map(|breach| breach.promise).collect()
}

#[test]
fn five_guesses_are_allowed_and_then_none() {
    let mut logins: Vec<Login> = (0..5).map(|at| guess(false, Verdict::Wrong, 10 * at)).collect();
    logins.push(guess(false, Verdict::Locked, 60));
    logins.push(guess(true, Verdict::Locked, 70));
    assert!(logins_broken(logins.clone()).is_empty());
    let with = |login| logins_broken([logins.clone(), vec![login]].concat());
    assert_eq!(with(guess(false, Verdict::Wrong, 80)), ["who is locked out stays locked out"]);
    assert_eq!(with(guess(true, Verdict::In, 80)), ["who is locked out stays locked out"]);
    assert_eq!(with(guess(false, Verdict::In, 80)), ["a wrong PIN lets nobody in"]);
    let tries: Vec<Login> = logins[..5].to_vec();
    let late = [tries, vec![guess(true, Verdict::In, 60)]].concat();
    assert_eq!(logins_broken(late), ["no more wrong PINs are tried than allowed, on all nodes together"]);
    let six = (0..6).map(|at| guess(false, Verdict::Wrong, 10 * at)).collect();
    assert_eq!(logins_broken(six), ["no more wrong PINs are tried than allowed, on all nodes together"]);
}

#[test]
fn a_lock_without_reason_and_a_right_pin_called_wrong_are_found_out() {
    let early = vec![guess(false, Verdict::Wrong, 0), guess(false, Verdict::Locked, 10)];
    assert_eq!(logins_broken(early), ["nobody is locked out before the tries are used up"]);
    let wrong = vec![guess(true, Verdict::Wrong, 0)];
    assert_eq!(logins_broken(wrong), ["a right PIN is never called wrong"]);
}
