//! A slot and the token in it, with what this process has open on it.

use super::by_handle::ByHandle;
use super::fixed::Fixed;
use super::handles::Handles;
use super::saved::SavedStates;
use super::templates::Templates;
use super::{Handle, Session};
use crate::config::{GcmIv, TokenSettings};
use crate::crypto;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params, Row, Shape, registry};
use crate::pin::{Credentials, Role};
use crate::token::{Ticket, Token, TokenInfo};
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// `C_GetSlotInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    /// At most 64 bytes.
    pub description: String,
}

/// `C_GetTokenInfo`: the token's own description and what this process has open on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotTokenInfo {
    /// The token's description.
    pub token: TokenInfo,
    /// Open sessions of this process.
    pub sessions: u64,
    /// Those of them that may write.
    pub read_write_sessions: u64,
}

/// Bytes of an initialisation vector that a token chooses.
const GCM_IV: usize = 12;

/// One slot; there is a token in each, initialised or not.
pub struct Slot {
    id: u64,
    description: String,
    token: Box<dyn Token>,
    settings: TokenSettings,
    pub(super) objects: Handles,
    pub(super) fixed: Fixed,
    pub(super) saved: SavedStates,
    pub(super) templates: Templates,
    /// Who is logged in: one user for all sessions of this process (PKCS#11 3.2, section 5.6.8).
    login: RwLock<Option<Arc<dyn Ticket>>>,
    /// How often that has changed; raised after each change.
    logins: AtomicU64,
    /// The open sessions. Held while a login or logout is under way, so that none opens or closes meanwhile.
    sessions: Mutex<ByHandle<Arc<Session>>>,
    /// Set under the lock of `sessions` when the library ends: no session opens any more.
    ended: AtomicBool,
}

impl Slot {
    pub(super) fn new(id: u64, description: String, token: Box<dyn Token>, settings: TokenSettings) -> Self {
        Slot {
            id,
            description,
            token,
            settings,
            objects: Handles::default(),
            fixed: Fixed::default(),
            saved: SavedStates::default(),
            templates: Templates::default(),
            login: RwLock::new(None),
            logins: AtomicU64::new(0),
            sessions: Mutex::default(),
            ended: AtomicBool::new(false),
        }
    }

    /// The slot's id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// `C_GetSlotInfo`.
    pub fn info(&self) -> SlotInfo {
        SlotInfo { description: self.description.clone() }
    }

    /// `C_GetTokenInfo`.
    pub fn token_info(&self) -> Result<SlotTokenInfo> {
        let token = self.token.info()?;
        let sessions = self.sessions.lock();
        let read_write = sessions.values().filter(|session| session.read_write).count();
        Ok(SlotTokenInfo { token, sessions: sessions.len() as u64, read_write_sessions: read_write as u64 })
    }

    /// The mechanisms that this slot offers.
    pub fn mechanisms(&self) -> impl Iterator<Item = &'static Row> {
        registry::ROWS.iter().filter(|row| row.is_offered(self.settings.legacy))
    }

    /// The mechanism with that `CKM_` number; `MechanismInvalid` if there is none or this slot does not offer it.
    pub(super) fn mechanism(&self, number: u64) -> Result<&'static Row> {
        let offered = registry::find(number).filter(|row| row.is_offered(self.settings.legacy));
        offered.ok_or(Error::MechanismInvalid)
    }

    /// `MechanismInvalid` for one that it does not offer.
    pub(super) fn admit(&self, mechanism: &Mechanism) -> Result<()> {
        if mechanism.row.is_offered(self.settings.legacy) { Ok(()) } else { Err(Error::MechanismInvalid) }
    }

    /// Whether the token chooses the initialisation vector of an encryption by that mechanism.
    pub(super) fn chooses_iv(&self, row: &Row) -> bool {
        self.settings.gcm_iv == GcmIv::Token && row.shape == Shape::Gcm
    }

    /// Where the token chooses AES-GCM's initialisation vector: puts it into `mechanism`, which has been given room for it
    /// (`MechanismParamInvalid`), and tells it.
    pub(super) fn choose_iv(&self, mechanism: &mut Mechanism) -> Result<Option<[u8; GCM_IV]>> {
        let chosen = self.chooses_iv(mechanism.row);
        match &mut mechanism.params {
            Params::Gcm { iv, .. } if chosen => {
                let place: &mut [u8; GCM_IV] =
                    (&mut **iv).try_into().map_err(|_| Error::MechanismParamInvalid)?;
                crypto::random(place)?;
                Ok(Some(*place))
            }
            _ => Ok(None),
        }
    }

    /// The token itself, for the command line's own uses.
    pub fn token(&self) -> &dyn Token {
        &*self.token
    }

    /// `C_InitToken`; `label` without padding.
    pub fn init_token(&self, pin: &[u8], label: &str) -> Result<()> {
        let sessions = self.sessions.lock();
        if !sessions.is_empty() {
            return Err(Error::SessionExists);
        }
        self.token.initialize(&Credentials::from_pin(Role::Officer, pin), label)
    }

    /// Who is logged in.
    pub(super) fn ticket(&self) -> Option<Arc<dyn Ticket>> {
        self.login.read().clone()
    }

    /// Names the login of this moment, or that there is none: to be asked before [`Slot::ticket`].
    pub(super) fn login_number(&self) -> u64 {
        self.logins.load(Ordering::Acquire)
    }

    fn set_login(&self, ticket: Option<Arc<dyn Ticket>>) -> Option<Arc<dyn Ticket>> {
        let last = std::mem::replace(&mut *self.login.write(), ticket);
        self.logins.fetch_add(1, Ordering::AcqRel);
        last
    }

    /// All sessions forget a key that is gone.
    pub(super) fn forget(&self, key: Handle) {
        self.sessions.lock().values().for_each(|session| session.forget(key));
    }

    pub(super) fn open(self: &Arc<Self>, handle: Handle, read_write: bool) -> Result<Arc<Session>> {
        if !self.token.is_initialized()? {
            return Err(Error::TokenNotRecognized);
        }
        let mut sessions = self.sessions.lock();
        if self.ended.load(Ordering::Relaxed) {
            return Err(Error::CryptokiNotInitialized);
        }
        let officer = self.ticket().is_some_and(|ticket| ticket.role() == Role::Officer);
        if officer && !read_write {
            return Err(Error::SessionReadWriteSoExists);
        }
        let session = Arc::new(Session::new(handle, self.clone(), read_write));
        sessions.insert(handle, session.clone());
        Ok(session)
    }

    /// Takes a session off the slot; with the last one the login ends.
    pub(super) fn close(&self, handle: Handle) {
        let mut sessions = self.sessions.lock();
        if let Some(session) = sessions.remove(&handle) {
            session.close();
        }
        if sessions.is_empty() {
            self.end_login(&sessions);
        }
    }

    /// Takes all sessions off the slot, for good; their handles.
    pub(super) fn end(&self) -> Vec<Handle> {
        let mut sessions = self.sessions.lock();
        self.ended.store(true, Ordering::Relaxed);
        let closed = self.drain(&mut sessions);
        // A thread may remember one of these sessions, and with it this slot, until it makes another call.
        self.saved.clear();
        self.token.close();
        closed
    }

    /// Takes all sessions off the slot; their handles.
    pub(super) fn close_all(&self) -> Vec<Handle> {
        self.drain(&mut self.sessions.lock())
    }

    fn drain(&self, sessions: &mut ByHandle<Arc<Session>>) -> Vec<Handle> {
        let closed: Vec<(Handle, Arc<Session>)> = sessions.drain().collect();
        closed.iter().for_each(|(_, session)| session.close());
        self.end_login(sessions);
        closed.into_iter().map(|(handle, _)| handle).collect()
    }

    /// Whether nobody is at work in any of its sessions at this moment; `false` in doubt.
    pub(super) fn is_at_rest(&self) -> bool {
        let sessions = self.sessions.try_lock();
        sessions.is_some_and(|sessions| sessions.values().all(|session| session.is_at_rest()))
    }

    /// Logs in, on behalf of an open session.
    pub(super) fn login(&self, session: Handle, role: Role, user: &Credentials) -> Result<()> {
        let sessions = self.sessions.lock();
        // It may have been closed while we waited; and with the last one, the login would have nobody to end it.
        if !sessions.contains_key(&session) {
            return Err(Error::SessionHandleInvalid);
        }
        if self.ticket().is_some_and(|ticket| !self.token.holds(&ticket)) {
            // The PIN has been changed elsewhere, or the user deleted: that login is over.
            self.end_login(&sessions);
        }
        if let Some(ticket) = self.ticket() {
            let same = ticket.role() == role && ticket.user() == user.name;
            return Err(if same { Error::UserAlreadyLoggedIn } else { Error::UserAnotherAlreadyLoggedIn });
        }
        if role == Role::Officer && sessions.values().any(|session| !session.read_write) {
            return Err(Error::SessionReadOnlyExists);
        }
        let ticket = self.token.login(role, user)?;
        self.set_login(Some(ticket));
        Ok(())
    }

    /// Replaces the ticket of a user who has just changed its PIN, for the old one is void; unless the login has
    /// ended meanwhile.
    pub(super) fn renew_login(&self, old: &Arc<dyn Ticket>, user: &Credentials) -> Result<()> {
        let renewed = self.token.login(old.role(), user)?;
        let _sessions = self.sessions.lock();
        let mut login = self.login.write();
        if login.as_ref().is_some_and(|current| Arc::ptr_eq(current, old)) {
            *login = Some(renewed);
            self.logins.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Whether this very login is still the slot's.
    pub(super) fn is_login(&self, ticket: Option<&Arc<dyn Ticket>>) -> bool {
        match (&*self.login.read(), ticket) {
            (Some(current), Some(ticket)) => Arc::ptr_eq(current, ticket),
            (None, None) => true,
            _ => false,
        }
    }

    pub(super) fn logout(&self) -> Result<()> {
        let sessions = self.sessions.lock();
        if self.ticket().is_none() {
            return Err(Error::UserNotLoggedIn);
        }
        self.end_login(&sessions);
        Ok(())
    }

    /// Ends the login, and what goes on by it in the sessions that stay open. First the ticket and the handles of private objects, so that nothing
    /// begins any more, also with a token that would say so only later; then what has begun. What was opened for the login is forgotten last: no call
    /// that had the ticket is left then to bring anything back, but for handles that one may have found meanwhile.
    fn end_login(&self, sessions: &ByHandle<Arc<Session>>) {
        let ended = self.set_login(None);
        self.objects.drop_private();
        sessions.values().for_each(|session| session.end_operations());
        if let Some(ticket) = ended {
            self.token.logout(&ticket);
        }
        self.objects.drop_private();
        self.templates.clear();
    }
}
