//! A password checked, and the wrong ones counted: durably, by all processes together, and for names that don't exist just as
//! for those that do.
//!
//! A right password sets its user's count back, and nothing sets a stranger's back. So who tries a name until one more would lock it, waits,
//! and may try again, has learnt that its user exists and has logged in meanwhile. That can't be hidden from him: it is what the count is for. To
//! set strangers back too whenever somebody logs in would be worse: any user could bring that about, and tell names apart at will.

use super::Store;
use super::error::{Error, Result, Step};
use super::keys::TokenKey;
use super::meta::{self, Meta};
use super::password::{Holder, PasswordKey, SALT, WrappedKey};
use super::seal::{self, MacKey};
use super::statement;
use super::users::{self, User};
use super::writer::Writer;
use crate::pin::{Credentials, Role};
use rusqlite::{Connection, OptionalExtension};

/// The answer to a name and password.
pub enum Authentication {
    /// Right: the user, and the token key that the password opened.
    Right(User, TokenKey),
    /// No such user, or a wrong password: the two can't be told apart, not even by the time taken.
    Wrong,
    /// Too many wrong ones before.
    Locked,
}

/// What a password is tried on: a user, or for a name that no user has something that takes the same time.
struct Account {
    user: Option<User>,
    wrapped: WrappedKey,
    failures: u32,
    /// Where the failures of unknown names count.
    bucket: u32,
}

/// What to answer, and the failures that the account has from then on.
enum Verdict {
    Right {
        failures: u32,
    },
    Wrong {
        failures: u32,
    },
    Locked,
    /// The password was changed while this one was being tried.
    Changed,
}

/// How often to start over after [`Verdict::Changed`].
const RETRIES: usize = 8;

/// Bytes of a wrapped key, for one that is none.
const WRAPPED: usize = 61;

impl Store {
    /// Checks a password and counts wrong ones, durably.
    ///
    /// A right one after no failure writes nothing, but on a node waits for its turn to write. On a token that can't be written nothing is counted.
    pub fn authenticate(&self, role: Role, user: &Credentials) -> Result<Authentication> {
        for _ in 0..RETRIES {
            let (meta, tried) = self.database.read(|connection| {
                Ok((meta::read(connection)?, Account::find(connection, role, &user.name)?))
            })?;
            // The slow part, with no lock held.
            let key = tried.open(&meta, role, user).map_err(|fault| fault.at(self.database.path()))?;
            let look = |connection: &Connection| -> Step<(Account, Verdict)> {
                let now = Account::find(connection, role, &user.name)?;
                let verdict = now.judge(&tried, key.is_some(), &meta);
                Ok((now, verdict))
            };
            let (now, verdict) = match self.database.read(look)? {
                (account, verdict)
                    if self.database.is_read_only()
                        || !(account.moves(&verdict) || self.judges_in_turn(&verdict)) =>
                {
                    (account, verdict)
                }
                _ => self.database.write(|writer| {
                    let (account, verdict) = look(writer)?;
                    if account.moves(&verdict) {
                        account.count(writer, &verdict)?;
                    }
                    Ok((account, verdict))
                })?,
            };
            return Ok(match (verdict, now.user, key) {
                (Verdict::Right { failures }, Some(user), Some(key)) => {
                    Authentication::Right(User { failures, ..user }, key)
                }
                (Verdict::Changed, ..) => continue,
                (Verdict::Locked, ..) => Authentication::Locked,
                _ => Authentication::Wrong,
            });
        }
        Err(Error::Busy(self.database.path().to_path_buf()))
    }

    /// Whether a right password is to wait for the wrong ones that are on their way to the other nodes, so that who tries many at once has
    /// no more tries than one after the other.
    fn judges_in_turn(&self, verdict: &Verdict) -> bool {
        self.database.replica.is_some() && matches!(verdict, Verdict::Right { .. })
    }
}

impl Account {
    /// Reads what is known of a name. Does the same work for every name.
    fn find(connection: &Connection, role: Role, name: &str) -> Step<Account> {
        let bucket = bucket(&meta::open_key(connection)?, role, name)?;
        let sql = "SELECT failures FROM stranger WHERE bucket = ?1";
        let strange: Option<u32> =
            connection.prepare_cached(sql)?.query_row([bucket], |row| row.get(0)).optional()?;
        let user = users::find(connection, role, name)?;
        Ok(match user {
            Some(user) => {
                Account { wrapped: user.wrapped.clone(), failures: user.failures, user: Some(user), bucket }
            }
            None => {
                let argon2 = meta::read(connection)?.argon2;
                let wrapped = WrappedKey { argon2, salt: [0; SALT], sealed: vec![1; WRAPPED] };
                Account { wrapped, failures: strange.unwrap_or(0), user: None, bucket }
            }
        })
    }

    /// Tries a password: the token key, if it is right.
    fn open(&self, meta: &Meta, role: Role, given: &Credentials) -> Step<Option<TokenKey>> {
        let WrappedKey { argon2, salt, sealed } = &self.wrapped;
        let password = PasswordKey::compute(*argon2, *salt, &given.password)?;
        let number = self.user.as_ref().map_or(0, |user| user.number);
        Ok(password.unwrap(sealed, Holder { serial: &meta.serial, role, name: &given.name, number }))
    }

    /// What the account as it is now makes of the answer to the account as it was `tried`.
    fn judge(&self, tried: &Account, right: bool, meta: &Meta) -> Verdict {
        if self.wrapped != tried.wrapped {
            Verdict::Changed
        } else if self.failures >= meta.max_failures.max(1) {
            Verdict::Locked
        } else if right {
            Verdict::Right { failures: 0 }
        } else {
            Verdict::Wrong { failures: self.failures.saturating_add(1) }
        }
    }

    /// Whether the verdict changes what is stored.
    fn moves(&self, verdict: &Verdict) -> bool {
        verdict.failures().is_some_and(|failures| failures != self.failures)
    }

    /// Stores the failures that the verdict leaves.
    fn count(&self, writer: &Writer<'_>, verdict: &Verdict) -> Step<()> {
        match verdict {
            Verdict::Wrong { .. } => writer.counts_wrong_password(),
            // What the right password is given for is yet to come.
            _ => writer.is_but_a_step(),
        }
        match (verdict.failures(), &self.user) {
            (Some(failures), Some(user)) => users::set_failures(writer, user.number, failures),
            (Some(failures), None) => {
                writer.execute(statement::SET_STRANGER, &[&self.bucket, &failures]).map(|_| ())
            }
            (None, _) => Ok(()),
        }
    }
}

/// The bucket of a name: one of 2^24, so that the table can't grow without end. Two names seldom share one, and each try at
/// filling them costs its Argon2id: else a name never tried before would be locked.
fn bucket(open_key: &MacKey, role: Role, name: &str) -> Step<u32> {
    let hash = seal::mac(open_key, &[b"stranger", role.short().as_bytes(), name.as_bytes()])?;
    Ok(u32::from_le_bytes([hash[0], hash[1], hash[2], 0]))
}

impl Verdict {
    fn failures(&self) -> Option<u32> {
        match self {
            Verdict::Right { failures } | Verdict::Wrong { failures } => Some(*failures),
            Verdict::Locked | Verdict::Changed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_has_seldom_share_a_count() {
        let open_key = MacKey::new(&seal::Secret::new([7; 32])).unwrap();
        let names = 5000;
        let bucket = |number| bucket(&open_key, Role::User, &format!("name-{number}")).unwrap();
        let buckets: std::collections::HashSet<u32> = (0..names).map(bucket).collect();
        assert!(buckets.len() > names - 10, "{} of {names}", buckets.len());
        let officer = super::bucket(&open_key, Role::Officer, "name-0").unwrap();
        assert_ne!(bucket(0), officer, "roles count apart");
    }
}
