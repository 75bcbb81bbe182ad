//! One token, one login, and sessions for as many callers as come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::error::{Result, Trouble};
use super::lately::Lately;
use super::module::Module;

/// Idle sessions that are kept; more are closed when they come back.
const KEPT: usize = 64;

/// Whom to log in as: a PIN, or `name:password` for a named user.
#[derive(Clone, PartialEq, Eq)]
pub struct Login(Zeroizing<String>);

impl Login {
    /// From what is given to C_Login.
    pub fn new(pin: Zeroizing<String>) -> Self {
        Self(pin)
    }

    /// A named user's.
    pub fn named(user: &str, password: &str) -> Self {
        Self(Zeroizing::new(format!("{user}:{password}")))
    }

    fn pin(&self) -> AuthPin {
        AuthPin::new(self.0.to_string().into())
    }
}

/// Says at each login whom to log in as: the PINs to try, in that order. More than one while a PIN is being changed.
pub type Logins = dyn Fn() -> Result<Vec<Login>> + Send + Sync;

/// Whose login a token may carry already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Us,
}

/// A token that this process is logged in to.
pub struct Token {
    module: Arc<Module>,
    slot: Slot,
    label: String,
    logins: Box<Logins>,
    idle: Mutex<Vec<Session>>,
    /// Keeps the login alive: a token forgets it when the last session closes.
    anchor: Mutex<Option<Session>>,
    /// The PINs that the token has refused. They are not tried again: each try counts towards the user's lockout.
    refused: Mutex<Option<(Vec<Login>, Trouble)>>,
    away: Lately,
    ended: AtomicBool,
}

impl Token {
    /// Logs in to the token called `label` in `module`.
    ///
    /// # Errors
    ///
    /// `NoToken`, `WrongPin`, `Locked`, `NoUser`, `OtherUser` and what the HSM says otherwise.
    pub fn open(module: &Arc<Module>, label: &str, login: Login) -> Result<Self> {
        let token = Self::at(module, label, Box::new(move || Ok(vec![login.clone()])))?;
        token.log_in(Who::Nobody)?;
        Ok(token)
    }

    /// The token called `label` in `module`. It is logged in to at its first use, and again whenever that login is lost, as `logins` says then.
    ///
    /// # Errors
    ///
    /// `NoToken`, `Unreachable`.
    pub fn at(module: &Arc<Module>, label: &str, logins: Box<Logins>) -> Result<Self> {
        Ok(Self {
            module: module.clone(),
            slot: module.slot(label)?,
            label: label.to_owned(),
            logins,
            idle: Mutex::default(),
            anchor: Mutex::default(),
            refused: Mutex::default(),
            away: Lately::default(),
            ended: AtomicBool::new(false),
        })
    }

    /// The token's label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The library behind it.
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// Runs `work` with a session. If the session or the login was lost before anything was done, it logs in again and asks once more.
    pub fn with<T>(&self, work: impl Fn(&Session) -> std::result::Result<T, Error>) -> Result<T> {
        let session = self.session()?;
        match work(&session) {
            Err(error) if Trouble::is_stale_session(&error) => {
                drop(session);
                self.log_in(Who::Us)?;
                let session = self.session()?;
                let result = work(&session);
                self.give_back(session, &result);
                Ok(result?)
            }
            result => {
                self.give_back(session, &result);
                Ok(result?)
            }
        }
    }

    /// The private objects that match. A public one may have been put there by any program that reaches the token, without a PIN: nothing that is looked for here
    /// is public. A login that was lost would hide private ones instead of failing: then it logs in again first.
    pub fn find(&self, template: &[Attribute]) -> Result<Vec<ObjectHandle>> {
        let private = [template, &[Attribute::Private(true)]].concat();
        self.find_any(&private)
    }

    /// The objects that match, public ones too: not for anything that is to be believed.
    pub fn find_any(&self, template: &[Attribute]) -> Result<Vec<ObjectHandle>> {
        self.with(|session| {
            let found = session.find_objects(template)?;
            let is_user = |state| matches!(state, SessionState::RwUser | SessionState::RoUser);
            if found.is_empty() && !is_user(session.get_session_info()?.session_state()) {
                return Err(Error::Pkcs11(RvError::UserNotLoggedIn, Function::FindObjects));
            }
            Ok(found)
        })
    }

    /// Changes the PIN of the user who is logged in. `logins` must say the new one from then on.
    pub fn change_pin(&self, old: &Login, new: &Login) -> Result<()> {
        let session = self.session()?;
        Ok(session.set_pin(&old.pin(), &new.pin())?)
    }

    /// Ends the login for good and closes all sessions that are not in use. Whoever still holds this token finds it unreachable.
    pub fn log_out(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.idle.lock().clear();
        if let Some(anchor) = self.anchor.lock().take() {
            // The token may be gone already; then there is no login to end.
            let _ = anchor.logout();
        }
    }

    /// Who made the token, its serial number and versions.
    pub fn info(&self) -> Result<TokenInfo> {
        Ok(self.module.pkcs11.get_token_info(self.slot)?)
    }

    /// Whether this token offers a mechanism.
    pub fn offers(&self, mechanism: cryptoki::mechanism::MechanismType) -> bool {
        self.module.pkcs11.get_mechanism_info(self.slot, mechanism).is_ok()
    }

    fn session(&self) -> Result<Session> {
        // Without a login, private objects would seem not to be there.
        let logged_in = self.anchor.lock().is_some();
        if !logged_in {
            self.log_in(Who::Us)?;
        }
        if let Some(session) = self.idle.lock().pop() {
            return Ok(session);
        }
        Ok(self.module.pkcs11.open_rw_session(self.slot)?)
    }

    /// A session whose call went wrong may have an operation left open in it; only clean ones are used again.
    fn give_back<T>(&self, session: Session, result: &std::result::Result<T, Error>) {
        if result.is_ok() && !self.ended.load(Ordering::SeqCst) {
            let mut idle = self.idle.lock();
            if idle.len() < KEPT {
                idle.push(session);
            }
        }
    }

    /// `before`: who may be logged in already. Another thread may have logged us in again; a new token must find nobody.
    fn log_in(&self, before: Who) -> Result<()> {
        let mut anchor = self.anchor.lock();
        if self.ended.load(Ordering::SeqCst) {
            return Err(Trouble::Unreachable("its login was ended".to_owned()));
        }
        self.away.check()?;
        self.idle.lock().clear();
        *anchor = None;
        *anchor = Some(self.session_logged_in(before).inspect_err(|trouble| self.away.note(trouble))?);
        Ok(())
    }

    fn session_logged_in(&self, before: Who) -> Result<Session> {
        let logins = (self.logins)()?;
        if let Some((_, trouble)) = self.refused.lock().as_ref().filter(|(refused, _)| *refused == logins) {
            return Err(trouble.clone());
        }
        let session = self.module.pkcs11.open_rw_session(self.slot)?;
        match try_logins(&session, &logins) {
            Ok(()) => Ok(session),
            Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) if before == Who::Us => Ok(session),
            Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Err(Trouble::OtherUser),
            Err(error) => {
                let trouble = Trouble::from(error);
                if trouble == Trouble::WrongPin {
                    *self.refused.lock() = Some((logins, trouble.clone()));
                }
                Err(trouble)
            }
        }
    }
}

/// Logs in with the first of `logins` that is right.
fn try_logins(session: &Session, logins: &[Login]) -> std::result::Result<(), Error> {
    let mut tried = Err(Error::InvalidValue);
    for login in logins {
        tried = session.login(UserType::User, Some(&login.pin()));
        if !matches!(&tried, Err(Error::Pkcs11(RvError::PinIncorrect, _))) {
            break;
        }
    }
    tried
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({})", self.label)
    }
}
