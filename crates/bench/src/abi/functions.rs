//! The functions of the list, as methods. What they take is borrowed for the call, what they write stays within the room it is given.

use super::mechanism::Mechanism;
use super::module::{Module, Rv};
use super::template::{self, Attribute};
use cryptoki_sys::*;

type Answer<T> = std::result::Result<T, Rv>;

/// A session's handle. Modules answer for stale ones.
#[derive(Clone, Copy, Debug)]
pub struct Session(CK_SESSION_HANDLE);

/// An object's handle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Object(CK_OBJECT_HANDLE);

/// Who logs in.
#[derive(Clone, Copy, Debug)]
pub enum User {
    /// The security officer.
    Officer,
    /// Who uses keys.
    Normal,
}

/// Calls a function of the list; one that is not there is not offered.
macro_rules! call {
    ($module:expr, $function:ident, $($argument:expr),*) => {{
        let function = $module.list.$function.ok_or(Rv::MISSING)?;
        // SAFETY: the function came with the module's list under this name, so it has this type. Pointers are to slices, structures and
        // places that are borrowed or owned by the method, alive until it returns, with their lengths beside them.
        Rv::answer(unsafe { function($($argument),*) })
    }};
}

fn input(bytes: &[u8]) -> (*mut u8, CK_ULONG) {
    // Declared without const in C, but nothing is written through it.
    (bytes.as_ptr().cast_mut(), bytes.len() as CK_ULONG)
}

/// A template as C has it, on the stack: an allocation would be timed with the function. Good as long as the attributes are.
struct Raw {
    places: [CK_ATTRIBUTE; Raw::ROOM],
    count: CK_ULONG,
}

impl Raw {
    /// Attributes at most; more are not passed on, and the module misses them.
    const ROOM: usize = 16;

    fn new(template: &[Attribute]) -> Raw {
        Raw::of(template.iter().map(Attribute::raw))
    }

    /// Questions for values, which are written into the rooms.
    fn questions(wanted: &mut [(CK_ATTRIBUTE_TYPE, &mut [u8])]) -> Raw {
        Raw::of(wanted.iter_mut().map(|(kind, room)| template::read(*kind, room)))
    }

    fn of(attributes: impl Iterator<Item = CK_ATTRIBUTE>) -> Raw {
        const NONE: CK_ATTRIBUTE = CK_ATTRIBUTE { type_: 0, pValue: std::ptr::null_mut(), ulValueLen: 0 };
        let (mut places, mut count) = ([NONE; Raw::ROOM], 0);
        for (place, attribute) in places.iter_mut().zip(attributes) {
            *place = attribute;
            count += 1;
        }
        Raw { places, count }
    }

    fn parts(&mut self) -> (*mut CK_ATTRIBUTE, CK_ULONG) {
        (self.places.as_mut_ptr(), self.count)
    }
}

/// `C_xInit`: session, mechanism, key.
macro_rules! begins {
    ($($(#[$doc:meta])* $name:ident = $function:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(&self, session: Session, mechanism: &mut Mechanism, key: Object) -> Answer<()> {
            mechanism.with(|mechanism| call!(self, $function, session.0, mechanism, key.0))
        }
    )*};
}

/// One-shot functions: session, data in, data out. They answer how many bytes came out.
macro_rules! transforms {
    ($($(#[$doc:meta])* $name:ident = $function:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(&self, session: Session, data: &[u8], out: &mut [u8]) -> Answer<usize> {
            let ((data, length), mut written) = (input(data), out.len() as CK_ULONG);
            call!(self, $function, session.0, data, length, out.as_mut_ptr(), &mut written)?;
            Ok(written as usize)
        }
    )*};
}

impl Module {
    begins! {
        /// `C_EncryptInit`.
        encrypt_init = C_EncryptInit;
        /// `C_DecryptInit`.
        decrypt_init = C_DecryptInit;
        /// `C_SignInit`.
        sign_init = C_SignInit;
        /// `C_VerifyInit`.
        verify_init = C_VerifyInit;
    }

    transforms! {
        /// `C_Encrypt`.
        encrypt = C_Encrypt;
        /// `C_Decrypt`.
        decrypt = C_Decrypt;
        /// `C_Sign`.
        sign = C_Sign;
        /// `C_Digest`.
        digest = C_Digest;
    }

    /// `C_Verify`.
    pub fn verify(&self, session: Session, data: &[u8], signature: &[u8]) -> Answer<()> {
        let ((data, length), (signature, signed)) = (input(data), input(signature));
        call!(self, C_Verify, session.0, data, length, signature, signed)
    }

    /// `C_DigestInit`.
    pub fn digest_init(&self, session: Session, mechanism: &mut Mechanism) -> Answer<()> {
        mechanism.with(|mechanism| call!(self, C_DigestInit, session.0, mechanism))
    }

    /// `C_GenerateRandom`.
    pub fn random(&self, session: Session, out: &mut [u8]) -> Answer<()> {
        call!(self, C_GenerateRandom, session.0, out.as_mut_ptr(), out.len() as CK_ULONG)
    }

    /// `C_WrapKey`; answers how many bytes came out.
    pub fn wrap(
        &self,
        session: Session,
        mechanism: &mut Mechanism,
        with: Object,
        key: Object,
        out: &mut [u8],
    ) -> Answer<usize> {
        let mut written = out.len() as CK_ULONG;
        mechanism.with(|mechanism| {
            call!(self, C_WrapKey, session.0, mechanism, with.0, key.0, out.as_mut_ptr(), &mut written)
        })?;
        Ok(written as usize)
    }

    /// `C_DeriveKey`.
    pub fn derive(
        &self,
        session: Session,
        mechanism: &mut Mechanism,
        base: Object,
        template: &[Attribute],
    ) -> Answer<Object> {
        let (mut template, mut made) = (Raw::new(template), 0);
        let (first, count) = template.parts();
        mechanism.with(|mechanism| {
            call!(self, C_DeriveKey, session.0, mechanism, base.0, first, count, &mut made)
        })?;
        Ok(Object(made))
    }

    /// `C_EncapsulateKey`; answers the key, and how many bytes the ciphertext has.
    pub fn encapsulate(
        &self,
        session: Session,
        mechanism: &mut Mechanism,
        public: Object,
        template: &[Attribute],
        out: &mut [u8],
    ) -> Answer<(Object, usize)> {
        let (mut template, mut written, mut made) = (Raw::new(template), out.len() as CK_ULONG, 0);
        let ((first, count), out) = (template.parts(), out.as_mut_ptr());
        mechanism.with(|mechanism| {
            call!(
                self,
                C_EncapsulateKey,
                session.0,
                mechanism,
                public.0,
                first,
                count,
                out,
                &mut written,
                &mut made
            )
        })?;
        Ok((Object(made), written as usize))
    }

    /// `C_DecapsulateKey`.
    pub fn decapsulate(
        &self,
        session: Session,
        mechanism: &mut Mechanism,
        private: Object,
        template: &[Attribute],
        ciphertext: &[u8],
    ) -> Answer<Object> {
        let (mut template, (ciphertext, length), mut made) = (Raw::new(template), input(ciphertext), 0);
        let (first, count) = template.parts();
        mechanism.with(|mechanism| {
            call!(
                self,
                C_DecapsulateKey,
                session.0,
                mechanism,
                private.0,
                first,
                count,
                ciphertext,
                length,
                &mut made
            )
        })?;
        Ok(Object(made))
    }

    /// `C_GenerateKey`.
    pub fn generate(
        &self,
        session: Session,
        mechanism: &mut Mechanism,
        template: &[Attribute],
    ) -> Answer<Object> {
        let (mut template, mut made) = (Raw::new(template), 0);
        let (first, count) = template.parts();
        mechanism
            .with(|mechanism| call!(self, C_GenerateKey, session.0, mechanism, first, count, &mut made))?;
        Ok(Object(made))
    }

    /// `C_GenerateKeyPair`; answers the public and the private key.
    pub fn generate_pair(
        &self,
        session: Session,
        mechanism: &mut Mechanism,
        public: &[Attribute],
        private: &[Attribute],
    ) -> Answer<(Object, Object)> {
        let (mut public, mut private, mut made) = (Raw::new(public), Raw::new(private), (0, 0));
        let (first, count) = public.parts();
        let (second, counted) = private.parts();
        mechanism.with(|mechanism| {
            let (one, two) = (&mut made.0, &mut made.1);
            call!(self, C_GenerateKeyPair, session.0, mechanism, first, count, second, counted, one, two)
        })?;
        Ok((Object(made.0), Object(made.1)))
    }

    /// `C_DestroyObject`.
    pub fn destroy(&self, session: Session, object: Object) -> Answer<()> {
        call!(self, C_DestroyObject, session.0, object.0)
    }

    /// `C_GetAttributeValue`: each value is written into its room, which must be large enough.
    pub fn attributes(
        &self,
        session: Session,
        object: Object,
        wanted: &mut [(CK_ATTRIBUTE_TYPE, &mut [u8])],
    ) -> Answer<()> {
        let mut questions = Raw::questions(wanted);
        let (first, count) = questions.parts();
        call!(self, C_GetAttributeValue, session.0, object.0, first, count)
    }

    /// `C_SetAttributeValue`.
    pub fn set_attributes(&self, session: Session, object: Object, template: &[Attribute]) -> Answer<()> {
        let mut template = Raw::new(template);
        let (first, count) = template.parts();
        call!(self, C_SetAttributeValue, session.0, object.0, first, count)
    }

    /// `C_FindObjectsInit` to `C_FindObjectsFinal`, room by room; answers how many were found. The last are in `room`.
    pub fn find(&self, session: Session, template: &[Attribute], room: &mut [Object]) -> Answer<usize> {
        let mut template = Raw::new(template);
        let (first, count) = template.parts();
        call!(self, C_FindObjectsInit, session.0, first, count)?;
        let mut all = 0;
        loop {
            let mut found = 0;
            let (first, most) = (room.as_mut_ptr().cast::<CK_OBJECT_HANDLE>(), room.len() as CK_ULONG);
            call!(self, C_FindObjects, session.0, first, most, &mut found)?;
            all += found as usize;
            if found < most {
                break;
            }
        }
        call!(self, C_FindObjectsFinal, session.0)?;
        Ok(all)
    }

    /// `C_GetSlotList`: the slots that have tokens.
    pub fn slots(&self) -> Answer<Vec<CK_SLOT_ID>> {
        let mut slots = [0; 64];
        let mut count = slots.len() as CK_ULONG;
        call!(self, C_GetSlotList, CK_TRUE, slots.as_mut_ptr(), &mut count)?;
        Ok(slots[..count as usize].to_vec())
    }

    /// `C_GetTokenInfo`: the label of a slot's token, `None` before it was made.
    pub fn token_label(&self, slot: CK_SLOT_ID) -> Answer<Option<String>> {
        let mut info = CK_TOKEN_INFO::default();
        call!(self, C_GetTokenInfo, slot, &mut info)?;
        let label = String::from_utf8_lossy(&info.label).trim_end().to_owned();
        Ok((info.flags & CKF_TOKEN_INITIALIZED != 0).then_some(label))
    }

    /// `C_InitToken`.
    pub fn init_token(&self, slot: CK_SLOT_ID, pin: &str, label: &str) -> Answer<()> {
        let (mut padded, (pin, length)) = ([b' '; 32], input(pin.as_bytes()));
        for (place, byte) in padded.iter_mut().zip(label.bytes()) {
            *place = byte;
        }
        call!(self, C_InitToken, slot, pin, length, padded.as_mut_ptr())
    }

    /// `C_InitPIN`.
    pub fn init_pin(&self, session: Session, pin: &str) -> Answer<()> {
        let (pin, length) = input(pin.as_bytes());
        call!(self, C_InitPIN, session.0, pin, length)
    }

    /// `C_OpenSession`, for reading and writing.
    pub fn open_session(&self, slot: CK_SLOT_ID) -> Answer<Session> {
        let (flags, mut session) = (CKF_SERIAL_SESSION | CKF_RW_SESSION, 0);
        call!(self, C_OpenSession, slot, flags, std::ptr::null_mut(), None, &mut session)?;
        Ok(Session(session))
    }

    /// `C_CloseSession`.
    pub fn close_session(&self, session: Session) -> Answer<()> {
        call!(self, C_CloseSession, session.0)
    }

    /// `C_Login`; who is logged in already stays so.
    pub fn login(&self, session: Session, user: User, pin: &str) -> Answer<()> {
        let (user, (pin, length)) = (user.number(), input(pin.as_bytes()));
        match call!(self, C_Login, session.0, user, pin, length) {
            Err(Rv::AlreadyLoggedIn) => Ok(()),
            answer => answer,
        }
    }

    /// `C_Logout`.
    pub fn logout(&self, session: Session) -> Answer<()> {
        call!(self, C_Logout, session.0)
    }

    /// `C_GetMechanismInfo`: whether the slot offers it at all.
    pub fn offers(&self, slot: CK_SLOT_ID, mechanism: CK_MECHANISM_TYPE) -> Answer<()> {
        let mut info = CK_MECHANISM_INFO::default();
        call!(self, C_GetMechanismInfo, slot, mechanism, &mut info)
    }
}

impl User {
    fn number(self) -> CK_USER_TYPE {
        match self {
            User::Officer => CKU_SO,
            User::Normal => CKU_USER,
        }
    }
}
