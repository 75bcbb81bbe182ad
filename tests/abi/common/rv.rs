//! Answers: a `CK_RV` that knows its name.

use cryptoki_sys::*;

/// What a function answered, if it was not `CKR_OK`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rv(pub CK_RV);

/// The result of a call.
pub type Answer<T> = Result<T, Rv>;

/// `CKR_OK` or what else came.
pub fn answer(rv: CK_RV) -> Answer<()> {
    if rv == CKR_OK { Ok(()) } else { Err(Rv(rv)) }
}

impl std::fmt::Debug for Rv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match name_of(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#x} (no CKR value)", self.0),
        }
    }
}

/// What a test says of a refusal.
pub trait Refused {
    /// The call must have answered just this.
    fn refused(self, code: CK_RV);
    /// The call must have answered one of these: the standard leaves the choice.
    fn refused_by_one_of(self, codes: &[CK_RV]);
}

impl<T: std::fmt::Debug> Refused for Answer<T> {
    #[track_caller]
    fn refused(self, code: CK_RV) {
        self.refused_by_one_of(&[code]);
    }

    #[track_caller]
    fn refused_by_one_of(self, codes: &[CK_RV]) {
        match &self {
            Err(Rv(code)) if codes.contains(code) => (),
            _ => {
                let wanted: Vec<Rv> = codes.iter().copied().map(Rv).collect();
                panic!("answered {self:?}, should be refused by {wanted:?}");
            }
        }
    }
}

/// The standard's name of an answer; `None` if it has none.
pub fn name_of(code: CK_RV) -> Option<&'static str> {
    CODES.iter().find(|(number, _)| *number == code).map(|(_, name)| *name)
}

macro_rules! codes {
    ($($code:ident,)*) => { &[$(($code, stringify!($code)),)*] };
}

/// Every answer of the standard with its name.
#[rustfmt::skip]
pub const CODES: &[(CK_RV, &str)] = codes![
    CKR_OK, CKR_CANCEL, CKR_HOST_MEMORY,
    CKR_SLOT_ID_INVALID, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED,
    CKR_ARGUMENTS_BAD, CKR_NO_EVENT, CKR_NEED_TO_CREATE_THREADS,
    CKR_CANT_LOCK, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_SENSITIVE,
    CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_ACTION_PROHIBITED,
    CKR_DATA_INVALID, CKR_DATA_LEN_RANGE, CKR_DEVICE_ERROR,
    CKR_DEVICE_MEMORY, CKR_DEVICE_REMOVED, CKR_ENCRYPTED_DATA_INVALID,
    CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_AEAD_DECRYPT_FAILED, CKR_FUNCTION_CANCELED,
    CKR_FUNCTION_NOT_PARALLEL, CKR_FUNCTION_NOT_SUPPORTED, CKR_KEY_HANDLE_INVALID,
    CKR_KEY_SIZE_RANGE, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_NOT_NEEDED,
    CKR_KEY_CHANGED, CKR_KEY_NEEDED, CKR_KEY_INDIGESTIBLE,
    CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_UNEXTRACTABLE,
    CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_OBJECT_HANDLE_INVALID,
    CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED, CKR_PIN_INCORRECT,
    CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_EXPIRED,
    CKR_PIN_LOCKED, CKR_SESSION_CLOSED, CKR_SESSION_COUNT,
    CKR_SESSION_HANDLE_INVALID, CKR_SESSION_PARALLEL_NOT_SUPPORTED, CKR_SESSION_READ_ONLY,
    CKR_SESSION_EXISTS, CKR_SESSION_READ_ONLY_EXISTS, CKR_SESSION_READ_WRITE_SO_EXISTS,
    CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE, CKR_TEMPLATE_INCOMPLETE,
    CKR_TEMPLATE_INCONSISTENT, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED,
    CKR_TOKEN_WRITE_PROTECTED, CKR_UNWRAPPING_KEY_HANDLE_INVALID, CKR_UNWRAPPING_KEY_SIZE_RANGE,
    CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, CKR_USER_ALREADY_LOGGED_IN, CKR_USER_NOT_LOGGED_IN,
    CKR_USER_PIN_NOT_INITIALIZED, CKR_USER_TYPE_INVALID, CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
    CKR_USER_TOO_MANY_TYPES, CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE,
    CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPING_KEY_SIZE_RANGE, CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
    CKR_RANDOM_SEED_NOT_SUPPORTED, CKR_RANDOM_NO_RNG, CKR_DOMAIN_PARAMS_INVALID,
    CKR_CURVE_NOT_SUPPORTED, CKR_BUFFER_TOO_SMALL, CKR_SAVED_STATE_INVALID,
    CKR_INFORMATION_SENSITIVE, CKR_STATE_UNSAVEABLE, CKR_CRYPTOKI_NOT_INITIALIZED,
    CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_MUTEX_BAD, CKR_MUTEX_NOT_LOCKED,
    CKR_NEW_PIN_MODE, CKR_NEXT_OTP, CKR_EXCEEDED_MAX_ITERATIONS,
    CKR_FIPS_SELF_TEST_FAILED, CKR_LIBRARY_LOAD_FAILED, CKR_PIN_TOO_WEAK,
    CKR_PUBLIC_KEY_INVALID, CKR_FUNCTION_REJECTED, CKR_TOKEN_RESOURCE_EXCEEDED,
    CKR_OPERATION_CANCEL_FAILED, CKR_KEY_EXHAUSTED, CKR_PENDING,
    CKR_SESSION_ASYNC_NOT_SUPPORTED, CKR_SEED_RANDOM_REQUIRED, CKR_OPERATION_NOT_VALIDATED,
    CKR_TOKEN_NOT_INITIALIZED, CKR_PARAMETER_SET_NOT_SUPPORTED,
];
