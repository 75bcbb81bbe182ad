//! Every function of PKCS#11 3.2, once: the macro below makes from one list the exported symbols, the function lists
//! of 2.40, 3.0 and 3.2, and [`FUNCTIONS`] for documentation.
//!
//! A row is the C function with its parameters, and after `=` the function that does its work. The word before it
//! says what must be there first:
//!
//! - `open`: nothing, it may be called before `C_Initialize`
//! - `library`: the library; the function gets it as its first argument
//! - `session`: a session; the function gets that instead of the handle
//! - `turn`: a session, for all that the function does; it gets the session's turn instead of the handle
//!
//! What a row passes in parentheses (a [`Purpose`], a [`Dual`]) comes before all other arguments.

use super::args::Argument;
use super::{derivation, general, guard, key, message, object, operation, random, session, slot};
use crate::mechanism::Purpose;
use crate::session::Dual;
use cryptoki_sys::*;
use std::ffi::c_void;

/// What the module says of one of its functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name of the exported symbol.
    pub name: &'static str,
    /// The version of the standard that brought it: `2.40` (or before), `3.0` or `3.2`.
    pub since: &'static str,
    /// Its parameters: name, and type as Rust writes it.
    pub parameters: &'static [(&'static str, &'static str)],
}

/// What there is to say of functions that answer, but offer less than a reader of the standard may expect.
pub static REMARKS: &[(&str, &str)] = &[
    ("C_GetOperationState", "digests; what works with a key answers `CKR_STATE_UNSAVEABLE`"),
    ("C_SetOperationState", "in the process that saved the state, until it ends"),
    ("C_WaitForSlotEvent", "no event ever comes: `CKR_NO_EVENT`, and no waiting"),
    ("C_GetFunctionStatus", "as the standard says: `CKR_FUNCTION_NOT_PARALLEL`"),
    ("C_CancelFunction", "as the standard says: `CKR_FUNCTION_NOT_PARALLEL`"),
    ("C_GetSessionValidationFlags", "never set: nobody has validated the module"),
    ("C_AsyncComplete", NOT_ASYNCHRONOUS),
    ("C_AsyncGetID", NOT_ASYNCHRONOUS),
    ("C_AsyncJoin", NOT_ASYNCHRONOUS),
];

/// The module makes no threads in its host's process: work put off would be done no earlier than the host asks for its result.
const NOT_ASYNCHRONOUS: &str = "nothing is ever pending: `C_OpenSession` refuses `CKF_ASYNC_SESSION`, for the module makes no threads to work on";

macro_rules! functions {
    ($(
        since $since:literal {
            $(
                $kind:ident $name:ident($($argument:ident: $type:ty),*)
                    $(= $module:ident::$body:ident $(($first:expr))?)?;
            )*
        }
    )*) => {
        $($(
            export! { $kind $name($($argument: $type),*) $($module::$body($($first)?))? }
        )*)*

        /// All functions, in the order of the standard's lists.
        pub static FUNCTIONS: &[Function] = &[$($(
            Function {
                name: stringify!($name),
                since: $since,
                parameters: &[$((stringify!($argument), stringify!($type))),*],
            },
        )*)*];

        lists! { $({ $($name)* })* }
    };
}

macro_rules! export {
    (open $name:ident($($argument:ident: $type:ty),*) $module:ident::$body:ident()) => {
        exported! { $name($($argument: $type),*) {
            guard::open(stringify!($name), || $module::$body($(view!($argument)),*))
        } }
    };
    (library $name:ident($($argument:ident: $type:ty),*) $module:ident::$body:ident()) => {
        exported! { $name($($argument: $type),*) {
            guard::library(stringify!($name), |library| $module::$body(library, $(view!($argument)),*))
        } }
    };
    (session $name:ident($session:ident: $handle:ty $(, $argument:ident: $type:ty)*)
        $module:ident::$body:ident($($first:expr)?)) => {
        exported! { $name($session: $handle $(, $argument: $type)*) {
            guard::session(stringify!($name), $session, |session| {
                $module::$body($($first,)? session, $(view!($argument)),*)
            })
        } }
    };
    (turn $name:ident($session:ident: $handle:ty $(, $argument:ident: $type:ty)*)
        $module:ident::$body:ident($($first:expr)?)) => {
        exported! { $name($session: $handle $(, $argument: $type)*) {
            guard::turn(stringify!($name), $session, |turn| {
                $module::$body($($first,)? turn, $(view!($argument)),*)
            })
        } }
    };
}

/// An argument as the code behind sees it.
macro_rules! view {
    ($argument:ident) => {
        // SAFETY: our caller promises of each argument what the standard says of it.
        unsafe { Argument::view($argument) }
    };
}

macro_rules! exported {
    ($name:ident($($argument:ident: $type:ty),*) $body:block) => {
        #[doc = concat!("`", stringify!($name), "` of PKCS#11.")]
        ///
        /// # Safety
        ///
        /// Each pointer is NULL or as the standard says of it, together with the length or count beside it.
        #[unsafe(no_mangle)]
        #[allow(clippy::too_many_arguments)] // the standard's
        pub unsafe extern "C" fn $name($($argument: $type),*) -> CK_RV $body
    };
}

macro_rules! lists {
    ({ $($old:ident)* } { $($three:ident)* } { $($three_two:ident)* }) => {
        /// What `C_GetFunctionList` gives.
        pub static LIST_2_40: CK_FUNCTION_LIST =
            CK_FUNCTION_LIST { version: CK_VERSION { major: 2, minor: 40 }, $($old: Some($old),)* };

        /// The 3.0 interface.
        pub static LIST_3_0: CK_FUNCTION_LIST_3_0 = CK_FUNCTION_LIST_3_0 {
            version: CK_VERSION { major: 3, minor: 0 },
            $($old: Some($old),)*
            $($three: Some($three),)*
        };

        /// The 3.2 interface.
        pub static LIST_3_2: CK_FUNCTION_LIST_3_2 = CK_FUNCTION_LIST_3_2 {
            version: CK_VERSION { major: 3, minor: 2 },
            $($old: Some($old),)*
            $($three: Some($three),)*
            $($three_two: Some($three_two),)*
        };
    };
}

functions! {
since "2.40" {
    open C_Initialize(arguments: *mut c_void) = general::initialize;
    open C_Finalize(reserved: *mut c_void) = general::finalize;
    library C_GetInfo(info: *mut CK_INFO) = general::info;
    open C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) = general::function_list;
    library C_GetSlotList(with_token: CK_BBOOL, slots: *mut CK_SLOT_ID, count: *mut CK_ULONG) = slot::slots;
    library C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) = slot::slot_info;
    library C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) = slot::token_info;
    library C_GetMechanismList(
        slot: CK_SLOT_ID, mechanisms: *mut CK_MECHANISM_TYPE, count: *mut CK_ULONG
    ) = slot::mechanisms;
    library C_GetMechanismInfo(
        slot: CK_SLOT_ID, mechanism: CK_MECHANISM_TYPE, info: *mut CK_MECHANISM_INFO
    ) = slot::mechanism_info;
    library C_InitToken(
        slot: CK_SLOT_ID, pin: *mut CK_UTF8CHAR, pin_length: CK_ULONG, label: *mut CK_UTF8CHAR
    ) = slot::init_token;
    session C_InitPIN(
        session: CK_SESSION_HANDLE, pin: *mut CK_UTF8CHAR, pin_length: CK_ULONG
    ) = session::init_pin;
    session C_SetPIN(
        session: CK_SESSION_HANDLE, old: *mut CK_UTF8CHAR, old_length: CK_ULONG, new: *mut CK_UTF8CHAR,
        new_length: CK_ULONG
    ) = session::set_pin;
    library C_OpenSession(
        slot: CK_SLOT_ID, flags: CK_FLAGS, application: *mut c_void, notify: CK_NOTIFY,
        session: *mut CK_SESSION_HANDLE
    ) = session::open;
    library C_CloseSession(session: CK_SESSION_HANDLE) = session::close;
    library C_CloseAllSessions(slot: CK_SLOT_ID) = session::close_all;
    session C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) = session::info;
    session C_GetOperationState(session: CK_SESSION_HANDLE, state: *mut CK_BYTE, state_length: *mut CK_ULONG) = session::operation_state;
    session C_SetOperationState(
        session: CK_SESSION_HANDLE, state: *mut CK_BYTE, state_length: CK_ULONG,
        encryption_key: CK_OBJECT_HANDLE, authentication_key: CK_OBJECT_HANDLE
    ) = session::set_operation_state;
    session C_Login(
        session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, pin_length: CK_ULONG
    ) = session::login;
    session C_Logout(session: CK_SESSION_HANDLE) = session::logout;
    session C_CreateObject(
        session: CK_SESSION_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG,
        object: *mut CK_OBJECT_HANDLE
    ) = object::create;
    session C_CopyObject(
        session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG,
        copy: *mut CK_OBJECT_HANDLE
    ) = object::copy;
    session C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) = object::destroy;
    session C_GetObjectSize(
        session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, size: *mut CK_ULONG
    ) = object::size;
    session C_GetAttributeValue(
        session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG
    ) = object::attributes;
    session C_SetAttributeValue(
        session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG
    ) = object::set_attributes;
    session C_FindObjectsInit(
        session: CK_SESSION_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG
    ) = object::find_init;
    session C_FindObjects(
        session: CK_SESSION_HANDLE, objects: *mut CK_OBJECT_HANDLE, most: CK_ULONG, count: *mut CK_ULONG
    ) = object::find;
    session C_FindObjectsFinal(session: CK_SESSION_HANDLE) = object::find_final;
    turn C_EncryptInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
    ) = operation::begin(Purpose::Encrypt);
    turn C_Encrypt(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG, encrypted: *mut CK_BYTE,
        encrypted_length: *mut CK_ULONG
    ) = operation::whole(Purpose::Encrypt);
    turn C_EncryptUpdate(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG, encrypted: *mut CK_BYTE,
        encrypted_length: *mut CK_ULONG
    ) = operation::update(Purpose::Encrypt);
    turn C_EncryptFinal(
        session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_length: *mut CK_ULONG
    ) = operation::finish(Purpose::Encrypt);
    turn C_DecryptInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
    ) = operation::begin(Purpose::Decrypt);
    turn C_Decrypt(
        session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_length: CK_ULONG, data: *mut CK_BYTE,
        data_length: *mut CK_ULONG
    ) = operation::whole(Purpose::Decrypt);
    turn C_DecryptUpdate(
        session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_length: CK_ULONG, data: *mut CK_BYTE,
        data_length: *mut CK_ULONG
    ) = operation::update(Purpose::Decrypt);
    turn C_DecryptFinal(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: *mut CK_ULONG
    ) = operation::finish(Purpose::Decrypt);
    turn C_DigestInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM) = operation::begin_digest;
    turn C_Digest(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG, digest: *mut CK_BYTE,
        digest_length: *mut CK_ULONG
    ) = operation::whole(Purpose::Digest);
    turn C_DigestUpdate(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG
    ) = operation::absorb(Purpose::Digest);
    turn C_DigestKey(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) = operation::digest_key;
    turn C_DigestFinal(
        session: CK_SESSION_HANDLE, digest: *mut CK_BYTE, digest_length: *mut CK_ULONG
    ) = operation::finish(Purpose::Digest);
    turn C_SignInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
    ) = operation::begin(Purpose::Sign);
    turn C_Sign(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG, signature: *mut CK_BYTE,
        signature_length: *mut CK_ULONG
    ) = operation::whole(Purpose::Sign);
    turn C_SignUpdate(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG
    ) = operation::absorb(Purpose::Sign);
    turn C_SignFinal(
        session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_length: *mut CK_ULONG
    ) = operation::finish(Purpose::Sign);
    turn C_SignRecoverInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
    ) = operation::begin(Purpose::SignRecover);
    turn C_SignRecover(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG, signature: *mut CK_BYTE,
        signature_length: *mut CK_ULONG
    ) = operation::whole(Purpose::SignRecover);
    turn C_VerifyInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
    ) = operation::begin(Purpose::Verify);
    turn C_Verify(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG, signature: *mut CK_BYTE,
        signature_length: CK_ULONG
    ) = operation::verify;
    turn C_VerifyUpdate(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG
    ) = operation::absorb(Purpose::Verify);
    turn C_VerifyFinal(
        session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_length: CK_ULONG
    ) = operation::verify_final;
    turn C_VerifyRecoverInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
    ) = operation::begin(Purpose::VerifyRecover);
    turn C_VerifyRecover(
        session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_length: CK_ULONG, data: *mut CK_BYTE,
        data_length: *mut CK_ULONG
    ) = operation::whole(Purpose::VerifyRecover);
    turn C_DigestEncryptUpdate(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG, encrypted: *mut CK_BYTE,
        encrypted_length: *mut CK_ULONG
    ) = operation::update_two(Dual::DigestEncrypt);
    turn C_DecryptDigestUpdate(
        session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_length: CK_ULONG, data: *mut CK_BYTE,
        data_length: *mut CK_ULONG
    ) = operation::update_two(Dual::DecryptDigest);
    turn C_SignEncryptUpdate(
        session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG, encrypted: *mut CK_BYTE,
        encrypted_length: *mut CK_ULONG
    ) = operation::update_two(Dual::SignEncrypt);
    turn C_DecryptVerifyUpdate(
        session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_length: CK_ULONG, data: *mut CK_BYTE,
        data_length: *mut CK_ULONG
    ) = operation::update_two(Dual::DecryptVerify);
    turn C_GenerateKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, template: *mut CK_ATTRIBUTE,
        count: CK_ULONG, key: *mut CK_OBJECT_HANDLE
    ) = key::generate;
    turn C_GenerateKeyPair(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, public_template: *mut CK_ATTRIBUTE,
        public_count: CK_ULONG, private_template: *mut CK_ATTRIBUTE, private_count: CK_ULONG,
        public_key: *mut CK_OBJECT_HANDLE, private_key: *mut CK_OBJECT_HANDLE
    ) = key::generate_pair;
    session C_WrapKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, wrapping_key: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE, wrapped: *mut CK_BYTE, wrapped_length: *mut CK_ULONG
    ) = key::wrap;
    session C_UnwrapKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, unwrapping_key: CK_OBJECT_HANDLE,
        wrapped: *mut CK_BYTE, wrapped_length: CK_ULONG, template: *mut CK_ATTRIBUTE, count: CK_ULONG,
        key: *mut CK_OBJECT_HANDLE
    ) = key::unwrap;
    session C_DeriveKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, base_key: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE, count: CK_ULONG, key: *mut CK_OBJECT_HANDLE
    ) = derivation::derive;
    session C_SeedRandom(
        session: CK_SESSION_HANDLE, seed: *mut CK_BYTE, seed_length: CK_ULONG
    ) = random::seed;
    turn C_GenerateRandom(
        session: CK_SESSION_HANDLE, random: *mut CK_BYTE, random_length: CK_ULONG
    ) = random::generate;
    session C_GetFunctionStatus(session: CK_SESSION_HANDLE) = session::not_parallel;
    session C_CancelFunction(session: CK_SESSION_HANDLE) = session::not_parallel;
    library C_WaitForSlotEvent(
        flags: CK_FLAGS, slot: *mut CK_SLOT_ID, reserved: *mut c_void
    ) = slot::wait_for_event;
}

since "3.0" {
    open C_GetInterfaceList(interfaces: *mut CK_INTERFACE, count: *mut CK_ULONG) = general::interface_list;
    open C_GetInterface(
        name: *mut CK_UTF8CHAR, version: *mut CK_VERSION, interface: *mut *mut CK_INTERFACE, flags: CK_FLAGS
    ) = general::interface;
    session C_LoginUser(
        session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, pin_length: CK_ULONG,
        name: *mut CK_UTF8CHAR, name_length: CK_ULONG
    ) = session::login_user;
    session C_SessionCancel(session: CK_SESSION_HANDLE, flags: CK_FLAGS) = session::cancel;
    session C_MessageEncryptInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
    ) = message::begin(Purpose::Encrypt);
    session C_EncryptMessage(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG, aad: *mut CK_BYTE,
        aad_length: CK_ULONG, plaintext: *mut CK_BYTE, plaintext_length: CK_ULONG, ciphertext: *mut CK_BYTE,
        ciphertext_length: *mut CK_ULONG
    ) = message::crypt(Purpose::Encrypt);
    session C_EncryptMessageBegin(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG, aad: *mut CK_BYTE,
        aad_length: CK_ULONG
    ) = message::open(Purpose::Encrypt);
    session C_EncryptMessageNext(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG,
        plaintext: *mut CK_BYTE, plaintext_length: CK_ULONG, ciphertext: *mut CK_BYTE,
        ciphertext_length: *mut CK_ULONG, flags: CK_FLAGS
    ) = message::part(Purpose::Encrypt);
    session C_MessageEncryptFinal(session: CK_SESSION_HANDLE) = message::end(Purpose::Encrypt);
    session C_MessageDecryptInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
    ) = message::begin(Purpose::Decrypt);
    session C_DecryptMessage(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG, aad: *mut CK_BYTE,
        aad_length: CK_ULONG, ciphertext: *mut CK_BYTE, ciphertext_length: CK_ULONG,
        plaintext: *mut CK_BYTE, plaintext_length: *mut CK_ULONG
    ) = message::crypt(Purpose::Decrypt);
    session C_DecryptMessageBegin(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG, aad: *mut CK_BYTE,
        aad_length: CK_ULONG
    ) = message::open(Purpose::Decrypt);
    session C_DecryptMessageNext(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG,
        ciphertext: *mut CK_BYTE, ciphertext_length: CK_ULONG, plaintext: *mut CK_BYTE,
        plaintext_length: *mut CK_ULONG, flags: CK_FLAGS
    ) = message::part(Purpose::Decrypt);
    session C_MessageDecryptFinal(session: CK_SESSION_HANDLE) = message::end(Purpose::Decrypt);
    session C_MessageSignInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) = message::begin(Purpose::Sign);
    session C_SignMessage(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG, data: *mut CK_BYTE,
        data_length: CK_ULONG, signature: *mut CK_BYTE, signature_length: *mut CK_ULONG
    ) = message::sign;
    session C_SignMessageBegin(session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG) = message::open_signed(Purpose::Sign);
    session C_SignMessageNext(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG, data: *mut CK_BYTE,
        data_length: CK_ULONG, signature: *mut CK_BYTE, signature_length: *mut CK_ULONG
    ) = message::sign_part;
    session C_MessageSignFinal(session: CK_SESSION_HANDLE) = message::end(Purpose::Sign);
    session C_MessageVerifyInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
    ) = message::begin(Purpose::Verify);
    session C_VerifyMessage(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG, data: *mut CK_BYTE,
        data_length: CK_ULONG, signature: *mut CK_BYTE, signature_length: CK_ULONG
    ) = message::verify;
    session C_VerifyMessageBegin(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG
    ) = message::open_signed(Purpose::Verify);
    session C_VerifyMessageNext(
        session: CK_SESSION_HANDLE, parameter: *mut c_void, parameter_length: CK_ULONG, data: *mut CK_BYTE,
        data_length: CK_ULONG, signature: *mut CK_BYTE, signature_length: CK_ULONG
    ) = message::verify_part;
    session C_MessageVerifyFinal(session: CK_SESSION_HANDLE) = message::end(Purpose::Verify);
}

since "3.2" {
    turn C_EncapsulateKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, public_key: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE, count: CK_ULONG, ciphertext: *mut CK_BYTE,
        ciphertext_length: *mut CK_ULONG, key: *mut CK_OBJECT_HANDLE
    ) = key::encapsulate;
    session C_DecapsulateKey(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, private_key: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE, count: CK_ULONG, ciphertext: *mut CK_BYTE, ciphertext_length: CK_ULONG,
        key: *mut CK_OBJECT_HANDLE
    ) = key::decapsulate;
    turn C_VerifySignatureInit(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE,
        signature: *mut CK_BYTE, signature_length: CK_ULONG
    ) = operation::begin_signature;
    turn C_VerifySignature(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG) = operation::verify_signature;
    turn C_VerifySignatureUpdate(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG) = operation::absorb(Purpose::VerifySignature);
    turn C_VerifySignatureFinal(session: CK_SESSION_HANDLE) = operation::verify_signature_final;
    session C_GetSessionValidationFlags(
        session: CK_SESSION_HANDLE, kind: CK_SESSION_VALIDATION_FLAGS_TYPE, flags: *mut CK_FLAGS
    ) = session::validation_flags;
    session C_AsyncComplete(session: CK_SESSION_HANDLE, function: *mut CK_UTF8CHAR, result: *mut CK_ASYNC_DATA) = session::async_complete;
    session C_AsyncGetID(session: CK_SESSION_HANDLE, function: *mut CK_UTF8CHAR, id: *mut CK_ULONG) = session::async_id;
    session C_AsyncJoin(
        session: CK_SESSION_HANDLE, function: *mut CK_UTF8CHAR, id: CK_ULONG, data: *mut CK_BYTE,
        data_length: CK_ULONG
    ) = session::async_join;
    session C_WrapKeyAuthenticated(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, wrapping_key: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE, aad: *mut CK_BYTE, aad_length: CK_ULONG, wrapped: *mut CK_BYTE,
        wrapped_length: *mut CK_ULONG
    ) = key::wrap_authenticated;
    session C_UnwrapKeyAuthenticated(
        session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, unwrapping_key: CK_OBJECT_HANDLE,
        wrapped: *mut CK_BYTE, wrapped_length: CK_ULONG, template: *mut CK_ATTRIBUTE, count: CK_ULONG,
        aad: *mut CK_BYTE, aad_length: CK_ULONG, key: *mut CK_OBJECT_HANDLE
    ) = key::unwrap_authenticated;
}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_all_functions_of_each_version() {
        let upto = |versions: &[&str]| FUNCTIONS.iter().filter(|row| versions.contains(&row.since)).count();
        let slots = |bytes: usize| bytes / size_of::<CK_C_Initialize>() - 1; // the version takes one
        assert_eq!(FUNCTIONS.len(), 104);
        assert_eq!(upto(&["2.40"]), slots(size_of::<CK_FUNCTION_LIST>()));
        assert_eq!(upto(&["2.40", "3.0"]), slots(size_of::<CK_FUNCTION_LIST_3_0>()));
        assert_eq!(upto(&["2.40", "3.0", "3.2"]), slots(size_of::<CK_FUNCTION_LIST_3_2>()));
    }
}
