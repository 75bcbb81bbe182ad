//! Guesses at PINs: however many nodes there are, no more tries than allowed in all.

use super::Breach;
use crate::history::{Login, NEVER, Verdict};
use std::collections::BTreeMap;

pub(super) fn check(logins: &[Login], tries: usize) -> Vec<Breach> {
    let mut users: BTreeMap<&str, Vec<&Login>> = BTreeMap::new();
    for login in logins {
        users.entry(&login.user).or_default().push(login);
    }
    users.into_values().filter_map(|logins| check_user(&logins, tries)).collect()
}

fn check_user(logins: &[&Login], tries: usize) -> Option<Breach> {
    let breach = |promise, login: &Login| Some(Breach { promise, story: format!("{login:?}"), object: None });
    for login in logins {
        match (login.verdict, login.right) {
            (Verdict::In, false) => return breach("a wrong PIN lets nobody in", login),
            (Verdict::Wrong, true) => return breach("a right PIN is never called wrong", login),
            (Verdict::Refused(_), _) => {
                return breach("a fault is told as one, and nothing else is refused", login);
            }
            (Verdict::Locked, _) if !may_be_locked(logins, login, tries) => {
                return breach("nobody is locked out before the tries are used up", login);
            }
            _ => {}
        }
    }
    if let Some(login) = logins.iter().find(|login| came_after_the_lock(logins, login)) {
        return breach("who is locked out stays locked out", login);
    }
    // A right PIN starts the count anew; but it has to come before the tries are used up.
    let let_in = logins.iter().copied().find(|login| login.verdict == Verdict::In);
    let until = let_in.map_or(NEVER, |login| login.called);
    let wrong = logins.iter().copied().filter(|login| login.verdict == Verdict::Wrong);
    let wrong: Vec<&Login> = wrong.filter(|login| login.returned < until).collect();
    let one_too_many = wrong.get(tries).copied().or(let_in.filter(|_| wrong.len() >= tries))?;
    breach("no more wrong PINs are tried than allowed, on all nodes together", one_too_many)
}

/// Whether enough wrong tries were under way by the time this one was told of the lock.
fn may_be_locked(logins: &[&Login], told: &Login, tries: usize) -> bool {
    let counts = |login: &&&Login| {
        let verdict = matches!(login.verdict, Verdict::Wrong | Verdict::Unknown);
        !login.right && verdict && login.called < told.returned
    };
    logins.iter().filter(counts).count() >= tries
}

/// Whether this login was let in or tried after somebody had been told of the lock. (Nobody unlocks in a run.)
fn came_after_the_lock(logins: &[&Login], login: &Login) -> bool {
    let locked = logins.iter().filter(|other| other.verdict == Verdict::Locked);
    matches!(login.verdict, Verdict::In | Verdict::Wrong)
        && locked.map(|other| other.returned).min().is_some_and(|moment| moment < login.called)
}
