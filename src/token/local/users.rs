//! The token itself and its users: initialising, logging in, PINs.

use super::LocalToken;
use super::ticket::{Known, LocalTicket, ticket_of};
use crate::crypto;
use crate::error::{Error, Result};
use crate::pin::{self, Credentials, Role};
use crate::store::{self, Argon2, Authentication, Meta, Store, TokenKey, User};
use crate::token::{Caller, PinState, Ticket, TokenInfo, UserInfo};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl LocalToken {
    pub(super) fn describe(&self) -> Result<TokenInfo> {
        let Some(store) = self.store_if_any()? else { return Ok(TokenInfo::default()) };
        let meta = store.meta()?;
        let users = store.users()?;
        let state_of_default = |role: Role| {
            let default = |user: &&User| user.role == role && user.name == role.default_name();
            users.iter().find(default).map_or(PinState::Fresh, |user| state(&meta, user))
        };
        Ok(TokenInfo {
            initialized: true,
            user_pin_initialized: users.iter().any(|user| user.role == Role::User),
            user_pin: state_of_default(Role::User),
            officer_pin: state_of_default(Role::Officer),
            write_protected: store.is_read_only(),
            label: meta.label,
            serial: meta.serial,
        })
    }

    pub(super) fn make_token(&self, officer: &Credentials, label: &str) -> Result<()> {
        let mut place = self.store.write();
        let Some(store) = &*place else {
            *place = Some(Arc::new(self.make_first(officer, label)?));
            return Ok(());
        };
        // Whoever knows the officer's PIN may begin anew, whatever the token holds.
        authenticate(store, Role::Officer, officer)?;
        pin::check_new_password(&officer.password)?;
        store.recreate(&self.new_meta(label)?, officer)?;
        self.cache.clear();
        Ok(())
    }

    /// Makes the token in a slot where this process has seen none, or makes one anew that it has not looked at yet.
    fn make_first(&self, officer: &Credentials, label: &str) -> Result<Store> {
        let meta = self.new_meta(label)?;
        if let Some(store) = Store::open(&self.folder)? {
            if self.seen_free.load(Ordering::Relaxed) {
                return Err(self.taken());
            }
            authenticate(&store, Role::Officer, officer)?;
            pin::check_new_password(&officer.password)?;
            store.recreate(&meta, officer)?;
            return Ok(store);
        }
        pin::check_new_password(&officer.password)?;
        match Store::create(&self.folder, &meta, officer) {
            Err(store::Error::Exists) => Err(self.taken()),
            made => Ok(made?),
        }
    }

    /// The slot was free and another process has made a token in it: that token must not be lost, not even to one who
    /// knows the same PIN.
    fn taken(&self) -> Error {
        log::error!(
            "{}: another process has made a token here; look at the slots again",
            self.folder.display()
        );
        Error::FunctionFailed
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
        Ok(Arc::new(LocalTicket::new(user, key, serial, confirmed)))
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
            Some(_) => store.set_password(&officer.key, Role::User, user)?,
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
        let renewed = Credentials::from_parts(role, user.name.as_bytes(), new_password)?;
        Ok(store.set_password(&key, role, &renewed)?)
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

fn authenticate(store: &Store, role: Role, user: &Credentials) -> Result<(User, TokenKey)> {
    match store.authenticate(role, user)? {
        Authentication::Right(user, key) => Ok((user, key)),
        Authentication::Wrong => Err(Error::PinIncorrect),
        Authentication::Locked => Err(Error::PinLocked),
    }
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
