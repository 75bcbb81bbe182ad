//! The seam: what a caller may ask of the place where keys live.
//!
//! Everything above ([`crate::session`], [`crate::abi`]) speaks to a [`Token`] and cannot tell whether its keys
//! are in a store on this machine ([`local`]) or in a cluster ([`remote`]). Everything that is secret or shared is behind it: users,
//! objects, policy, the private half of each operation. What is only the caller's (sessions, handles,
//! operations in progress) never crosses it.
//!
//! A token trusts nothing it is told: role, ownership, usage flags and policy are checked here for each call,
//! whatever the layers above have decided already.

mod clock;
pub mod local;
mod permit;
pub mod remote;
mod template;
mod usage;

use crate::attribute::{AttributeType, Attributes};
use crate::error::Result;
use crate::mechanism::{Cipher, Digester, Given, Mechanism, Purpose, Signer, Verifier};
use crate::pin::{Credentials, Role};
use cryptoki_sys as ck;
pub use permit::{Permit, Watch};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::sync::Arc;
pub use template::Template;

/// Names a token object for as long as it lives; never used again (16 bytes, mostly random; `CKA_UNIQUE_ID` in hex).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(align(8))] // so that processors move it in whole words
pub struct ObjectId(pub [u8; 16]);

impl ObjectId {
    /// As `CKA_UNIQUE_ID` shows it.
    pub fn to_hex(self) -> String {
        let digit = |number: u8| char::from(b"0123456789abcdef"[usize::from(number & 15)]);
        self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
    }

    /// Reads what [`ObjectId::to_hex`] writes; `None` for anything else, also for capital letters.
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        let digits = std::str::from_utf8(hex).ok()?;
        let number = u128::from_str_radix(digits, 16).ok()?;
        let id = ObjectId(number.to_be_bytes());
        (id.to_hex() == digits).then_some(id)
    }
}

/// What everybody who may see an object may know of it: all attributes but the secret ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectInfo {
    /// The object's name in the token.
    pub id: ObjectId,
    /// Its attributes, without those the schema calls secret.
    pub attributes: Attributes,
}

/// A token object that a search has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its name in the token.
    pub id: ObjectId,
    /// Whether it is private: its handle dies at logout.
    pub private: bool,
}

/// Where an object is.
#[derive(Clone)]
pub enum ObjectRef {
    /// A token object: in the token's store.
    Stored(ObjectId),
    /// A session object: held by the caller, in a form that only its token can open.
    Held(Arc<dyn HeldObject>),
}

/// A session object in the caller's hands: plain memory for a local token, a sealed capsule for a remote one.
pub trait HeldObject: Send + Sync {
    /// Its attributes that are no secret. Some may be computed at the first call.
    fn info(&self) -> Result<&Arc<ObjectInfo>>;
    /// For the token that made it.
    fn as_any(&self) -> &dyn Any;
}

/// The proof of a login, made and read by the token alone. Wiped when the last copy is dropped.
pub trait Ticket: Send + Sync {
    /// Whose it is.
    fn user(&self) -> &str;
    /// What that user may do.
    fn role(&self) -> Role;
    /// For the token that made it.
    fn as_any(&self) -> &dyn Any;
}

/// On whose behalf a call is made. `None`: nobody is logged in, only public objects exist.
pub type Caller<'a> = Option<&'a Arc<dyn Ticket>>;

/// A token's own description (`C_GetTokenInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// Whether `C_InitToken` has been called on it; all else is empty before.
    pub initialized: bool,
    /// Label, at most 32 bytes.
    pub label: String,
    /// 16 hexadecimal digits.
    pub serial: String,
    /// Whether any crypto user exists, be it the default one, whom a plain PIN means, or not.
    pub user_pin_initialized: bool,
    /// State of the default crypto user's PIN.
    pub user_pin: PinState,
    /// State of the default crypto officer's PIN.
    pub officer_pin: PinState,
    /// Whether the store can't be written.
    pub write_protected: bool,
}

/// How many tries a PIN has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PinState {
    /// No failed try since the last success.
    #[default]
    Fresh,
    /// At least one failed try (`CKF_..._PIN_COUNT_LOW`).
    CountLow,
    /// One try is left (`CKF_..._PIN_FINAL_TRY`).
    FinalTry,
    /// None is left (`CKF_..._PIN_LOCKED`).
    Locked,
}

/// A user as officers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    /// The name.
    pub name: String,
    /// CO or CU.
    pub role: Role,
    /// State of the PIN.
    pub pin: PinState,
}

/// An operation begun.
pub enum Operation {
    /// Encryption, decryption, and signatures with recovery.
    Cipher(Box<dyn Cipher>),
    /// A digest.
    Digester(Box<dyn Digester>),
    /// A signature or MAC.
    Signer(Box<dyn Signer>),
    /// The check of one.
    Verifier(Box<dyn Verifier>),
}

impl Operation {
    /// It is over: makes ready for another with the same key and mechanism. `false`: there can be none.
    pub fn rest(&mut self) -> bool {
        match self {
            Operation::Cipher(cipher) => cipher.rest(),
            Operation::Digester(digester) => digester.rest(),
            Operation::Signer(signer) => signer.rest(),
            Operation::Verifier(verifier) => verifier.rest(),
        }
    }

    /// Begins another after [`Operation::rest`], with this parameter. `false`: that takes a new beginning.
    pub fn renew(&mut self, given: &Given<'_>) -> Result<bool> {
        match (self, given.params()) {
            (Operation::Cipher(cipher), _) => cipher.renew(given),
            (Operation::Digester(digester), Some(params)) => digester.renew(params),
            (Operation::Signer(signer), Some(params)) => signer.renew(params),
            (Operation::Verifier(verifier), Some(params)) => verifier.renew(params),
            (_, None) => Ok(false),
        }
    }
}

/// The answer to [`Token::begin`].
pub enum Begun {
    /// The operation. While the permit holds, the same caller may begin another with this key, for this purpose, with this mechanism.
    Ready(Operation, Option<Permit>),
    /// Everything is in order, but the key wants its user's PIN first (`CKA_ALWAYS_AUTHENTICATE`): begin again with a
    /// ticket from [`Token::confirm`].
    PinFirst,
}

/// What a new object is made by.
pub enum Making<'a> {
    /// `C_CreateObject`.
    Create,
    /// `C_GenerateKey`.
    Generate(&'a Mechanism),
    /// `C_UnwrapKey`.
    Unwrap {
        /// The wrapping mechanism.
        mechanism: &'a Mechanism,
        /// The key that opens it.
        key: &'a ObjectRef,
        /// The wrapped key.
        wrapped: &'a [u8],
    },
    /// `C_CopyObject`.
    Copy(&'a ObjectRef),
    /// `C_DecapsulateKey`.
    Decapsulate {
        /// The mechanism.
        mechanism: &'a Mechanism,
        /// The private key.
        key: &'a ObjectRef,
        /// What the other side's encapsulation gave.
        ciphertext: &'a [u8],
    },
}

/// What a derivation has made.
pub struct DerivedKeys {
    /// The keys, in the order of the mechanism.
    pub keys: Vec<ObjectRef>,
    /// What the caller is told besides (initialisation vectors, a version), which is no secret.
    pub told: Vec<u8>,
}

/// What an encapsulation has come to.
pub enum Encapsulated {
    /// Nothing yet: there is no room for the ciphertext, which will have so many bytes.
    Size(usize),
    /// The ciphertext has been written, so many bytes; and the key.
    Made(usize, ObjectRef),
}

/// A place where keys live. All methods may be called from several threads at once.
pub trait Token: Send + Sync {
    /// The token's description, as it is now.
    fn info(&self) -> Result<TokenInfo>;

    /// [`TokenInfo::initialized`] alone, which takes no look at the users.
    fn is_initialized(&self) -> Result<bool>;

    /// Makes the token anew: all objects and users are gone, the officer of `officer` alone remains.
    /// On a token that exists, `officer` must be right (`PinIncorrect`, `PinLocked`).
    fn initialize(&self, officer: &Credentials, label: &str) -> Result<()>;

    /// Checks a name and password. A wrong name is answered as a wrong password is, in the same time.
    fn login(&self, role: Role, credentials: &Credentials) -> Result<Arc<dyn Ticket>>;

    /// Checks the password of the user behind `ticket` again; the answer is good for beginning one operation with a key that asks for it.
    fn confirm(&self, ticket: &Arc<dyn Ticket>, password: &[u8]) -> Result<Arc<dyn Ticket>>;

    /// Whether a login still holds: its user is there, with the PIN it had then.
    fn holds(&self, ticket: &Arc<dyn Ticket>) -> bool;

    /// Forgets what was kept for this login.
    fn logout(&self, ticket: &Arc<dyn Ticket>);

    /// An officer makes crypto user `user`, or gives it a new password and unlocks it (`C_InitPIN`).
    fn init_pin(&self, officer: Caller<'_>, user: &Credentials) -> Result<()>;

    /// A user changes its own password (`C_SetPIN`); `old` names the user.
    fn set_pin(&self, role: Role, old: &Credentials, new_password: &[u8]) -> Result<()>;

    /// All users, for an officer.
    fn users(&self, officer: Caller<'_>) -> Result<Vec<UserInfo>>;

    /// An officer makes a user of either role; `UserAlreadyLoggedIn` is never answered, an existing name is `ArgumentsBad`.
    fn create_user(&self, officer: Caller<'_>, role: Role, user: &Credentials) -> Result<()>;

    /// An officer deletes a user and, for a crypto user, the private objects it owns.
    fn delete_user(&self, officer: Caller<'_>, role: Role, name: &str) -> Result<()>;

    /// An officer lets a locked user try again with the password it has.
    fn unlock_user(&self, officer: Caller<'_>, role: Role, name: &str) -> Result<()>;

    /// The token objects that `caller` may see and that match every attribute of `template`, in no particular order.
    fn find(&self, caller: Caller<'_>, template: &Attributes) -> Result<Vec<Found>>;

    /// What is known of an object. `ObjectHandleInvalid` if it is gone or `caller` may not see it.
    fn info_of(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<Arc<ObjectInfo>>;

    /// Whether an object that `caller` has just made is private; one's whole life it is or is not.
    fn is_private(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<bool> {
        Ok(self.info_of(caller, object)?.attributes.is_true(ck::CKA_PRIVATE))
    }

    /// Those secret attributes of `wanted` that the object has, if they may be read at all; `AttributeSensitive` if not.
    fn reveal(&self, caller: Caller<'_>, object: &ObjectRef, wanted: &[AttributeType]) -> Result<Attributes>;

    /// Bytes that the object takes in the store or in memory (`C_GetObjectSize`).
    fn size_of(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<u64>;

    /// Makes an object of any kind; `CKA_TOKEN` in `template` says where it lives.
    fn make(&self, caller: Caller<'_>, making: Making<'_>, template: &Attributes) -> Result<ObjectRef>;

    /// [`Making::Generate`], by a template that may be used again.
    fn generate(&self, caller: Caller<'_>, mechanism: &Mechanism, template: &Template) -> Result<ObjectRef> {
        self.make(caller, Making::Generate(mechanism), template)
    }

    /// Makes a key pair: public and private key, both or none.
    fn make_pair(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<(ObjectRef, ObjectRef)>;

    /// Derives keys, all or none (`C_DeriveKey`). `keys`: the base key, and those that the mechanism's parameter names, in its order.
    /// `templates`: the caller's, and those in the parameter; how many keys come of them is the mechanism's.
    fn derive(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        keys: &[ObjectRef],
        templates: &[Attributes],
    ) -> Result<DerivedKeys>;

    /// Makes a secret key and the ciphertext from which the holder of the private half of `key` makes the same
    /// (`C_EncapsulateKey`). `room`: where the ciphertext goes; `None` only asks how many bytes it will have. After an
    /// error there may be anything in it.
    fn encapsulate(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        key: &ObjectRef,
        template: &Template,
        room: Option<&mut [u8]>,
    ) -> Result<Encapsulated>;

    /// Changes attributes; the answer replaces `object`.
    fn set(&self, caller: Caller<'_>, object: &ObjectRef, changes: &Attributes) -> Result<ObjectRef>;

    /// Destroys a token object. (A session object is destroyed by dropping it; `ActionProhibited` still applies.)
    fn destroy(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<()>;

    /// Begins an operation that needs a key.
    fn begin(
        &self,
        caller: Caller<'_>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: &ObjectRef,
    ) -> Result<Begun>;

    /// Feeds the value of a secret key to a digest (`C_DigestKey`).
    fn digest_key(&self, caller: Caller<'_>, key: &ObjectRef, digester: &mut dyn Digester) -> Result<()>;

    /// Wraps `key` under `wrapping`.
    fn wrap(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        wrapping: &ObjectRef,
        key: &ObjectRef,
    ) -> Result<Vec<u8>>;

    /// Fills `buffer` with random bytes.
    fn random(&self, buffer: &mut [u8]) -> Result<()>;

    /// Mixes `seed` into the generator.
    fn seed(&self, seed: &[u8]) -> Result<()>;

    /// The library has ended: lets go of all that is open or remembered, since this value itself may be dropped much later.
    fn close(&self) {
        drop(self.pause());
    }

    /// Lets go of what must not be open while the process forks. The guard is dropped in the parent after the fork and leaked in the child.
    fn pause(&self) -> Box<dyn Any>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_only_as_it_is_written() {
        let id = ObjectId(std::array::from_fn(|at| at as u8 * 3));
        assert_eq!(ObjectId::from_hex(id.to_hex().as_bytes()), Some(id));
        let capital = id.to_hex().to_uppercase();
        let long = format!("0{}", id.to_hex());
        for other in ["", "00", &capital, &long, "+0000000000000000000000000000000", "zz"] {
            assert_eq!(ObjectId::from_hex(other.as_bytes()), None, "{other}");
        }
        assert_eq!(ObjectId::from_hex(&[0xff; 32]), None);
    }
}
