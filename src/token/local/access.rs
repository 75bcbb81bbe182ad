//! Who may do what with which object: one table.

use super::object::LocalObject;
use crate::error::{Error, Result};
use crate::pin::Role;
use cryptoki_sys as ck;

/// What a caller wants to do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Find it, read its attributes.
    See,
    /// Bring it into being.
    Make,
    /// Change its attributes (which ones: the schema).
    Change,
    /// Destroy it.
    Destroy,
    /// Let it work: encrypt, sign, wrap, derive ...
    Use,
}

/// How far a right goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// No object.
    None,
    /// Public objects that are neither secret nor private keys.
    PublicNotKeys,
    /// Public objects.
    Public,
    /// Public objects and the caller's own.
    Own,
}

struct Rule {
    act: Act,
    /// Without a login (PKCS#11 3.2, section 5.6.1: public sessions).
    nobody: Reach,
    /// Crypto officers look after users and vouch for keys (`CKA_TRUSTED`); they never use one.
    officer: Reach,
    /// Crypto users.
    user: Reach,
}

const RULES: &[Rule] = &[
    Rule { act: Act::See, nobody: Reach::Public, officer: Reach::Public, user: Reach::Own },
    Rule { act: Act::Make, nobody: Reach::Public, officer: Reach::PublicNotKeys, user: Reach::Own },
    Rule { act: Act::Change, nobody: Reach::Public, officer: Reach::Public, user: Reach::Own },
    Rule { act: Act::Destroy, nobody: Reach::Public, officer: Reach::PublicNotKeys, user: Reach::Own },
    Rule { act: Act::Use, nobody: Reach::Public, officer: Reach::None, user: Reach::Own },
];

/// Whose object it is, as far as the rules care.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    PublicNotKey,
    PublicKey,
    Own,
    Others,
}

/// The caller, as far as the rules care: number and role of the user, or nobody.
pub(super) type Who = Option<(i64, Role)>;

/// Whether `who` may do `act` with an object that exists.
///
/// An object that `who` may not even see is answered as one that does not exist.
pub(super) fn check(act: Act, who: Who, object: &LocalObject) -> Result<()> {
    let standing = match object.owner {
        Some(owner) if who.is_some_and(|(user, role)| user == owner && role == Role::User) => Standing::Own,
        Some(_) => Standing::Others,
        None if is_secret_key(object.class()) => Standing::PublicKey,
        None => Standing::PublicNotKey,
    };
    if !allowed(Act::See, who, standing) {
        return Err(Error::ObjectHandleInvalid);
    }
    if allowed(act, who, standing) { Ok(()) } else { Err(Error::UserNotLoggedIn) }
}

/// Whether `who` may make an object of this class (`CKO_`). What does not say whether it is `private` is, if it is a key with secrets.
pub(super) fn check_making(who: Who, class: Option<u64>, private: Option<bool>) -> Result<()> {
    let standing = if private.unwrap_or(is_secret_key(class)) {
        if matches!(who, Some((_, Role::User))) { Standing::Own } else { Standing::Others }
    } else if is_secret_key(class) {
        Standing::PublicKey
    } else {
        Standing::PublicNotKey
    };
    if allowed(Act::Make, who, standing) { Ok(()) } else { Err(Error::UserNotLoggedIn) }
}

fn allowed(act: Act, who: Who, standing: Standing) -> bool {
    let reach = RULES.iter().find(|rule| rule.act == act).map_or(Reach::None, |rule| match who {
        None => rule.nobody,
        Some((_, Role::Officer)) => rule.officer,
        Some((_, Role::User)) => rule.user,
    });
    match standing {
        Standing::Own => reach == Reach::Own,
        Standing::PublicKey => matches!(reach, Reach::Public | Reach::Own),
        Standing::PublicNotKey => reach != Reach::None,
        Standing::Others => false,
    }
}

fn is_secret_key(class: Option<u64>) -> bool {
    matches!(class, Some(ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_officer_uses_no_object_at_all() {
        for standing in [Standing::PublicNotKey, Standing::PublicKey, Standing::Own, Standing::Others] {
            assert!(!allowed(Act::Use, Some((1, Role::Officer)), standing));
        }
    }

    #[test]
    fn nobody_reaches_what_belongs_to_another() {
        for act in [Act::See, Act::Make, Act::Change, Act::Destroy, Act::Use] {
            for who in [None, Some((1, Role::Officer)), Some((1, Role::User))] {
                assert!(!allowed(act, who, Standing::Others), "{act:?}");
            }
        }
    }

    #[test]
    fn every_act_has_one_rule() {
        for act in [Act::See, Act::Make, Act::Change, Act::Destroy, Act::Use] {
            assert_eq!(RULES.iter().filter(|rule| rule.act == act).count(), 1);
        }
    }
}
