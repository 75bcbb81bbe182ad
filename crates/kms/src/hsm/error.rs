//! What can go wrong with an HSM, as far as anybody acts on it.

use cryptoki::error::{Error, RvError};

/// Result of everything in this room.
pub type Result<T> = std::result::Result<T, Trouble>;

/// What an HSM refused, or why it couldn't be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The token can't be reached now: no device, no connection, no node that answers.
    Unreachable(String),
    /// No slot holds a token of that label.
    NoToken(String),
    /// The PIN is wrong.
    WrongPin,
    /// Too many wrong PINs.
    Locked,
    /// The token has no such user.
    NoUser,
    /// This process is logged in to the token as somebody else.
    OtherUser,
    /// The object's attribute can't be changed.
    Fixed,
    /// The object was destroyed, or never was.
    NoObject,
    /// The HSM can't do this: mechanism, size or function.
    Unsupported(String),
    /// The data is not what the key made: wrong ciphertext, tag or signature.
    BadData,
    /// The HSM failed and doesn't say why: its own trouble, or what others call bad data.
    Unexplained(String),
    /// The HSM has no session left to give.
    NoSession,
    /// The token accepts no change now.
    ReadOnly(String),
    /// Too many wait already for what only one may do at a time.
    Crowded(String),
    /// Anything else, by the name PKCS#11 has for it.
    Other(String),
}

impl Trouble {
    /// Whether the call was refused before anything was done, because the session or its login is gone: a new session may ask again.
    pub(super) fn is_stale_session(error: &Error) -> bool {
        matches!(
            error,
            Error::Pkcs11(
                RvError::SessionHandleInvalid
                    | RvError::SessionClosed
                    | RvError::UserNotLoggedIn
                    | RvError::CryptokiNotInitialized,
                _
            )
        )
    }

    /// Whether nothing is wrong with the request: the same may succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::NoSession | Self::NoToken(_) | Self::ReadOnly(_) | Self::Crowded(_)
        )
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the HSM can't be reached ({why})"),
            Self::NoToken(label) => write!(f, "no slot holds a token called '{label}'"),
            Self::WrongPin => f.write_str("the HSM refused the PIN"),
            Self::Locked => f.write_str("the HSM user is locked after too many wrong PINs"),
            Self::NoUser => f.write_str("the HSM has no such user"),
            Self::OtherUser => f.write_str("another user is logged in to the token"),
            Self::Fixed => f.write_str("the HSM lets this attribute not be changed"),
            Self::NoObject => f.write_str("the HSM has no such object"),
            Self::Unsupported(what) => write!(f, "the HSM doesn't offer this ({what})"),
            Self::BadData => f.write_str("the HSM refused the data"),
            Self::Unexplained(why) => write!(f, "the HSM failed without a reason ({why})"),
            Self::NoSession => f.write_str("the HSM has no session left"),
            Self::ReadOnly(why) => write!(f, "the HSM accepts no change now ({why})"),
            Self::Crowded(why) => write!(f, "too many at once ({why})"),
            Self::Other(why) => write!(f, "the HSM failed ({why})"),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let Error::Pkcs11(rv, _) = &error else {
            return match error {
                Error::NotSupported | Error::NullFunctionPointer | Error::MissingSymbol(_) => {
                    Self::Unsupported(error.to_string())
                }
                _ => Self::Other(error.to_string()),
            };
        };
        match rv {
            RvError::DeviceError
            | RvError::DeviceRemoved
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized => Self::Unreachable(error.to_string()),
            RvError::PinIncorrect => Self::WrongPin,
            RvError::PinLocked => Self::Locked,
            RvError::UserPinNotInitialized => Self::NoUser,
            RvError::UserAnotherAlreadyLoggedIn | RvError::UserTooManyTypes => Self::OtherUser,
            RvError::AttributeReadOnly | RvError::ActionProhibited => Self::Fixed,
            RvError::ObjectHandleInvalid | RvError::KeyHandleInvalid => Self::NoObject,
            RvError::MechanismInvalid
            | RvError::MechanismParamInvalid
            // What is asked for here is well-formed: who refuses arguments doesn't know these.
            | RvError::ArgumentsBad
            | RvError::FunctionNotSupported
            | RvError::KeySizeRange
            | RvError::CurveNotSupported
            | RvError::KeyFunctionNotPermitted
            | RvError::KeyTypeInconsistent => Self::Unsupported(error.to_string()),
            RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::SignatureInvalid
            | RvError::SignatureLenRange
            | RvError::WrappedKeyInvalid
            | RvError::WrappedKeyLenRange
            | RvError::DataLenRange
            | RvError::DataInvalid => Self::BadData,
            RvError::GeneralError | RvError::FunctionFailed => Self::Unexplained(error.to_string()),
            RvError::SessionCount => Self::NoSession,
            RvError::TokenWriteProtected | RvError::DeviceMemory => Self::ReadOnly(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}
