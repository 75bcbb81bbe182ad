//! The token itself and its users: initialising, logging in, PINs.

use super::ticket::{Known, LocalTicket, ticket_of};
use super::{Home, LocalToken};
use crate::crypto;
use crate::error::{Error, Result};
use crate::pin::{self, Credentials, Role};
use crate::store::{self, Argon2, Authentication, Meta, Store, TokenKey, User};
use crate::token::{Caller, PinState, Ticket, TokenInfo, UserInfo};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl LocalToken {
    pub(super) fn has_store(&self) -> Result<bool> {
        self.forget_replaced(Store::seems_replaced);
        Ok(self.store_if_any()?.is_some())
    }

    pub(super) fn describe(&self) -> Result<TokenInfo> {
        self.forget_replaced(Store::is_replaced);
        let Some(store) = self.store_if_any()? else { return Ok(TokenInfo::default()) };
        let meta = store.meta()?;
        let users = store.users()?;
        let state_of_default = |role: Role| {
            let default = |user: &&User| user.role == role && user.name == role.default_name();
            users.iter().find(default).map_or(PinState::Fresh, |user| state(&meta, user))
        };
        Ok(TokenInfo {
            initialized: true,
            // With named users only, a plain PIN fails all the same: but clients ask for no PIN, and log nobody in, while
            // CKF_USER_PIN_INITIALIZED is not set.
            user_pin_initialized: users.iter().any(|user| user.role == Role::User),
            user_pin: state_of_default(Role::User),
            officer_pin: state_of_default(Role::Officer),
            write_protected: store.is_read_only(),
            label: meta.label,
            serial: meta.serial,
        })
    }

    pub(super) fn make_token(&self, officer: &Credentials, label: &str) -> Result<()> {
        self.forget_replaced(Store::is_replaced);
        match &self.home {
            Home::Folder { path, seen_free } => {
                let mut place = self.store.write();
                match &*place {
                    Some(store) => self.make_anew(store, officer, label)?,
                    None => {
                        let seen_free = seen_free.load(Ordering::Relaxed);
                        *place = Some(Arc::new(self.make_first(path, seen_free, officer, label)?));
                    }
                }
            }
            Home::Replica { .. } => match self.store_if_any()? {
                Some(store) => self.make_anew(&store, officer, label)?,
                None => self.initialize_first(officer, label)?,
            },
        }
        Ok(())
    }

    /// Whoever knows the officer's PIN may begin anew, whatever the token holds.
    fn make_anew(&self, store: &Store, officer: &Credentials, label: &str) -> Result<()> {
        authenticate(store, Role::Officer, officer)?;
        pin::check_new_password(&officer.password)?;
        store.recreate(&self.new_meta(label)?, officer)?;
        self.cache.clear();
        Ok(())
    }

    /// Makes the token in a slot where this process has seen none, or makes one anew that it has not looked at yet.
    fn make_first(&self, path: &Path, seen_free: bool, officer: &Credentials, label: &str) -> Result<Store> {
        if let Some(store) = Store::open(path)? {
            if seen_free {
                return Err(taken(path));
            }
            self.make_anew(&store, officer, label)?;
            return Ok(store);
        }
        pin::check_new_password(&officer.password)?;
        match Store::create(path, &self.new_meta(label)?, officer) {
            Err(store::Error::Exists) => Err(taken(path)),
            made => Ok(made?),
        }
    }

    /// Makes the token in a cluster that has none yet; `FunctionFailed` if it has one.
    pub fn initialize_first(&self, officer: &Credentials, label: &str) -> Result<()> {
        pin::check_new_password(&officer.password)?;
        let store = self.store.read().clone().ok_or(Error::TokenNotRecognized)?;
        match store.make_first(&self.new_meta(label)?, officer) {
            // Another client has been quicker: its token must not be lost.
            Err(store::Error::Exists) => Err(Error::FunctionFailed),
            made => Ok(made?),
        }
    }

    fn new_meta(&self, label: &str) -> Result<Meta> {
        let mut serial = [0; 8];
        crypto::random(&mut serial)?;
        Ok(Meta {
            label: label.to_owned(),
            serial: serial.iter().map(|byte| format!("{byte:02x}")).collect(),
            max_failures: self.settings.max_pin_failures,
            argon2: Argon2 {
                memory_kib: self.settings.argon2_memory_kib,
                passes: self.settings.argon2_passes,
            },
        })
    }

    /// A login, or the renewed proof of one (`confirmed`).
    pub(super) fn enter(&self, role: Role, user: &Credentials, confirmed: bool) -> Result<Arc<dyn Ticket>> {
        let store = self.store()?;
        if role == Role::User && !store.users()?.iter().any(|user| user.role == Role::User) {
            return Err(Error::UserPinNotInitialized);
        }
        let (user, key) = authenticate(&store, role, user)?;
        let serial = store.meta()?.serial;
        Ok(Arc::new(LocalTicket::new(user.into(), key, (&self.store, &store), serial, confirmed)))
    }

    pub(super) fn reenter(&self, ticket: &Arc<dyn Ticket>, password: &[u8]) -> Result<Arc<dyn Ticket>> {
        let ticket = ticket_of(ticket)?;
        let user = Credentials::from_parts(ticket.role, ticket.name.as_bytes(), password)?;
        self.enter(ticket.role, &user, true)
    }

    pub(super) fn make_user_pin(&self, officer: Caller<'_>, user: &Credentials) -> Result<()> {
        pin::check_new_password(&user.password)?;
        let store = self.store()?;
        let known = self.know(&store, officer)?;
        let officer = officer_of(known)?;
        match store.user(Role::User, &user.name)? {
            Some(_) => store.set_password(&officer.key, Role::User, user, None)?,
            None => store.add_user(&officer.key, Role::User, user)?,
        }
        Ok(())
    }

    pub(super) fn add_user(&self, officer: Caller<'_>, role: Role, user: &Credentials) -> Result<()> {
        pin::check_new_password(&user.password)?;
        let store = self.store()?;
        let known = self.know(&store, officer)?;
        Ok(store.add_user(&officer_of(known)?.key, role, user)?)
    }

    pub(super) fn change_pin(&self, role: Role, old: &Credentials, new_password: &[u8]) -> Result<()> {
        pin::check_new_password(new_password)?;
        let store = self.store()?;
        let (user, key) = authenticate(&store, role, old)?;
        renew(&store, &key, &user, new_password)
    }

    pub(super) fn list_users(&self, officer: Caller<'_>) -> Result<Vec<UserInfo>> {
        let store = self.store()?;
        officer_of(self.know(&store, officer)?)?;
        let meta = store.meta()?;
        let shown =
            |user: &User| UserInfo { name: user.name.clone(), role: user.role, pin: state(&meta, user) };
        Ok(store.users()?.iter().map(shown).collect())
    }

    /// Runs `change` on the store if the caller is an officer.
    pub(super) fn as_officer(
        &self,
        officer: Caller<'_>,
        change: impl FnOnce(&Store, &LocalTicket) -> store::Result<()>,
    ) -> Result<()> {
        let store = self.store()?;
        let known = self.know(&store, officer)?;
        Ok(change(&store, officer_of(known)?)?)
    }
}

/// The slot was free and another process has made a token in it: that token must not be lost, not even to one who knows the
/// same PIN.
fn taken(path: &Path) -> Error {
    log::error!("{}: another process has made a token here; look at the slots again", path.display());
    Error::FunctionFailed
}

fn authenticate(store: &Store, role: Role, user: &Credentials) -> Result<(User, TokenKey)> {
    match store.authenticate(role, user)? {
        Authentication::Right(user, key) => Ok((user, key)),
        Authentication::Wrong => Err(Error::PinIncorrect),
        Authentication::Locked => Err(Error::PinLocked),
    }
}

/// Gives a user that has proved its password another one. If an officer has been quicker, what it proved is the old one.
fn renew(store: &Store, key: &TokenKey, user: &User, new_password: &[u8]) -> Result<()> {
    let renewed = Credentials::from_parts(user.role, user.name.as_bytes(), new_password)?;
    store.set_password(key, user.role, &renewed, Some(user)).map_err(|error| match error {
        store::Error::Gone => Error::PinIncorrect,
        other => other.into(),
    })
}

fn officer_of(known: Known<'_>) -> Result<&LocalTicket> {
    known.0.filter(|ticket| ticket.role == Role::Officer).ok_or(Error::UserNotLoggedIn)
}

fn state(meta: &Meta, user: &User) -> PinState {
    match meta.max_failures.saturating_sub(user.failures) {
        0 => PinState::Locked,
        _ if user.failures == 0 => PinState::Fresh,
        1 => PinState::FinalTry,
        _ => PinState::CountLow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attributes;
    use crate::config::TokenSettings;
    use crate::mechanism::{Mechanism, Params, registry};
    use crate::token::{Making, ObjectRef, Token};
    use cryptoki_sys as ck;
    use tempfile::TempDir;

    fn officer() -> Credentials {
        Credentials::from_pin(Role::Officer, b"officer-pin")
    }

    fn user(password: &str) -> Credentials {
        Credentials::from_pin(Role::User, password.as_bytes())
    }

    /// A token with both default users; the crypto user's password is `user-pin`.
    fn token() -> (TempDir, LocalToken) {
        let folder = tempfile::tempdir().unwrap();
        let cheap = TokenSettings { argon2_memory_kib: 8, argon2_passes: 1, ..TokenSettings::default() };
        let token = LocalToken::new(folder.path().to_owned(), cheap);
        token.initialize(&officer(), "test").unwrap();
        let so = token.login(Role::Officer, &officer()).unwrap();
        token.init_pin(Some(&so), &user("user-pin")).unwrap();
        (folder, token)
    }

    /// What `cp -r` and `mv` do to a token in use.
    fn replace(folder: &TempDir, by: &TempDir) {
        for name in ["token.db", "token.seq", "token.db-wal", "token.db-shm"] {
            std::fs::remove_file(folder.path().join(name)).unwrap();
            std::fs::copy(by.path().join(name), folder.path().join(name)).unwrap();
        }
    }

    #[test]
    fn a_token_put_in_the_place_of_one_in_use_is_found_by_the_next_session() {
        let ((folder, here), (other_folder, other)) = (token(), token());
        here.login(Role::User, &user("user-pin")).unwrap();
        replace(&folder, &other_folder);
        assert_eq!(here.login(Role::User, &user("user-pin")).err(), Some(Error::DeviceRemoved));
        assert_eq!(here.is_initialized(), Ok(true));
        assert_eq!(here.info(), other.info());
        here.login(Role::User, &user("user-pin")).unwrap();
    }

    #[test]
    fn a_login_ends_when_the_token_is_replaced_even_by_its_own_copy() {
        let (folder, token) = token();
        let ticket = token.login(Role::User, &user("user-pin")).unwrap();
        let template = Attributes::new();
        token.find(Some(&ticket), &template).unwrap();
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        replace(&folder, &copy);
        // The counter stands where it stood: it would vouch for the login.
        token.info().unwrap();
        assert_eq!(token.find(Some(&ticket), &template), Err(Error::UserNotLoggedIn));
        let ticket = token.login(Role::User, &user("user-pin")).unwrap();
        token.find(Some(&ticket), &template).unwrap();
    }

    /// Makes a session key, for which the store is not needed.
    fn make_key(token: &LocalToken, caller: &Arc<dyn Ticket>) -> Result<ObjectRef> {
        let row = registry::find(ck::CKM_AES_KEY_GEN).unwrap();
        let generation = Mechanism { row, params: Params::None };
        let template = Attributes::from_iter([(ck::CKA_VALUE_LEN, 32u64)]);
        token.make(Some(caller), Making::Generate(&generation), &template)
    }

    #[test]
    fn session_objects_are_made_and_destroyed_by_a_login_that_holds_and_is_to_this_token() {
        let (folder, here) = token();
        let ((copy, _), (_folder, other)) = (token(), token());
        let log_in = || here.login(Role::User, &user("user-pin")).unwrap();
        let (ticket, theirs) = (log_in(), other.login(Role::User, &user("user-pin")).unwrap());
        make_key(&other, &theirs).unwrap();
        let key = make_key(&here, &ticket).unwrap();
        let refused = |ticket| {
            let made = make_key(&here, ticket).err();
            assert_eq!(here.destroy(Some(ticket), &key).err(), made);
            made == Some(Error::UserNotLoggedIn)
        };
        assert!(refused(&theirs), "a login to another token");
        // As another process would.
        let beside = LocalToken::new(folder.path().to_owned(), here.settings.clone());
        beside.set_pin(Role::User, &user("user-pin"), b"user-pin").unwrap();
        assert!(refused(&ticket), "the PIN has been changed");
        let ticket = log_in();
        make_key(&here, &ticket).unwrap();
        replace(&folder, &copy);
        here.info().unwrap();
        assert!(refused(&ticket), "the token has been replaced");
    }

    #[test]
    fn a_token_removed_while_in_use_is_none_and_can_be_made_again() {
        let (folder, token) = token();
        std::fs::remove_dir_all(folder.path()).unwrap();
        let again = Credentials::from_pin(Role::Officer, b"another-pin");
        token.initialize(&again, "again").unwrap();
        assert_eq!(token.info().unwrap().label, "again");
        std::fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!(token.info(), Ok(TokenInfo::default()));
        assert_eq!(token.is_initialized(), Ok(false));
    }

    #[test]
    fn sessions_alone_find_a_token_that_was_put_in_the_place_of_one_in_use() {
        let ((folder, token), (other_folder, _)) = (token(), token());
        let before = token.store().unwrap();
        replace(&folder, &other_folder);
        // Nobody looks at the file each time, but soon.
        while Arc::ptr_eq(&before, &token.store().unwrap()) {
            assert_eq!(token.is_initialized(), Ok(true));
        }
    }

    #[test]
    fn a_named_user_alone_makes_the_user_pin_initialized_and_a_plain_pin_incorrect() {
        let (_folder, token) = token();
        let so = token.login(Role::Officer, &officer()).unwrap();
        token.delete_user(Some(&so), Role::User, "user").unwrap();
        let plain = || token.login(Role::User, &user("user-pin")).err();
        assert_eq!(token.info().map(|info| info.user_pin_initialized), Ok(false));
        assert_eq!(plain(), Some(Error::UserPinNotInitialized));
        token.init_pin(Some(&so), &user("alice:alice-pin")).unwrap();
        assert_eq!(token.info().map(|info| info.user_pin_initialized), Ok(true));
        assert_eq!(plain(), Some(Error::PinIncorrect));
        token.login(Role::User, &user("alice:alice-pin")).unwrap();
    }

    #[test]
    fn an_officers_reset_is_not_undone_by_who_knew_the_old_pin() {
        let (_folder, token) = token();
        let store = token.store().unwrap();
        let so = token.login(Role::Officer, &officer()).unwrap();
        let prove = |pin| authenticate(&store, Role::User, &user(pin)).unwrap();

        // Between the proof and the change, the officer steps in.
        let (proved, key) = prove("user-pin");
        token.delete_user(Some(&so), Role::User, &proved.name).unwrap();
        token.init_pin(Some(&so), &user("second-pin")).unwrap();
        assert_eq!(renew(&store, &key, &proved, b"other-pin"), Err(Error::PinIncorrect), "of another user");
        let (proved, key) = prove("second-pin");
        token.init_pin(Some(&so), &user("third-pin")).unwrap();
        assert_eq!(renew(&store, &key, &proved, b"other-pin"), Err(Error::PinIncorrect));

        token.set_pin(Role::User, &user("third-pin"), b"other-pin").unwrap();
        assert!(token.login(Role::User, &user("other-pin")).is_ok());
    }
}
