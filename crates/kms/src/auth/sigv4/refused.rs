//! Why a request is not who it says it is.

use std::fmt;
use std::time::SystemTime;

use super::timestamp;
use crate::api::error::{Code, Fault};

/// A time that a signature missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// When the signature was made, or until when it held.
    pub stamped: SystemTime,
    /// What that is compared with.
    pub limit: SystemTime,
}

/// Why a signature is refused. KMS answers with the [`Fault`] of it, the XKS proxy with its own
/// `AuthenticationFailedException`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No signature at all.
    Missing,
    /// Something that isn't a whole signature; what is wrong with it.
    Incomplete(String),
    /// Nobody has this access key.
    UnknownKey,
    /// The session token is missing, another's, or there should be none.
    WrongToken,
    /// The credential has ended.
    ExpiredCredential,
    /// Signed for another service; the one that is asked for.
    WrongService(&'static str),
    /// Signed for another day than it is dated: the scope's day, the request's time.
    WrongDay(String, String),
    /// Signed too long ago.
    Expired(Bound),
    /// Signed in the future.
    NotYet(Bound),
    /// The signature is another's, or of another request.
    Mismatch,
}

impl Refused {
    /// The error of the API that goes with it.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing => Code::MissingAuthenticationTokenException,
            Self::Incomplete(_) => Code::IncompleteSignatureException,
            Self::UnknownKey | Self::WrongToken => Code::UnrecognizedClientException,
            Self::ExpiredCredential => Code::ExpiredTokenException,
            Self::WrongService(_)
            | Self::WrongDay(..)
            | Self::Expired(_)
            | Self::NotYet(_)
            | Self::Mismatch => Code::InvalidSignatureException,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let both = |bound: &Bound| (timestamp::format(bound.stamped), timestamp::format(bound.limit));
        match self {
            Self::Missing => f.write_str("Missing Authentication Token"),
            Self::Incomplete(what) => f.write_str(what),
            Self::UnknownKey | Self::WrongToken => {
                f.write_str("The security token included in the request is invalid.")
            }
            Self::ExpiredCredential => f.write_str("The security token included in the request is expired"),
            Self::WrongService(service) => {
                write!(f, "Credential should be scoped to correct service: '{service}'.")
            }
            Self::WrongDay(scope, time) => {
                write!(
                    f,
                    "Date in Credential scope does not match the date of the request: '{scope}', '{time}'."
                )
            }
            Self::Expired(bound) => {
                let (stamped, limit) = both(bound);
                write!(f, "Signature expired: {stamped} is now earlier than {limit}")
            }
            Self::NotYet(bound) => {
                let (stamped, limit) = both(bound);
                write!(f, "Signature not yet current: {stamped} is still later than {limit}")
            }
            Self::Mismatch => f.write_str(
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method.",
            ),
        }
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        refused.code().because(refused.to_string())
    }
}
