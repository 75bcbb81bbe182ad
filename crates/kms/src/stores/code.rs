//! `ConnectionErrorCode`: why a store couldn't be connected.

use serde::{Deserialize, Serialize};

use crate::hsm::Trouble;

/// The codes that a front can find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the API's own names")]
pub enum ErrorCode {
    InvalidCredentials,
    ClusterNotFound,
    NetworkErrors,
    InternalError,
    InsufficientCloudhsmHsms,
    UserLockedOut,
    UserNotFound,
    UserLoggedIn,
    XksProxyAccessDenied,
    XksProxyNotReachable,
    XksVpcEndpointServiceNotFound,
    XksProxyInvalidResponse,
    XksProxyInvalidConfiguration,
    XksProxyTimedOut,
    XksProxyInvalidTlsConfiguration,
}

impl From<&Trouble> for ErrorCode {
    /// What kept kmsuser from logging in. A token that has users, but no `kmsuser`, calls the password wrong: it doesn't tell whom it knows.
    fn from(trouble: &Trouble) -> Self {
        match trouble {
            Trouble::WrongPin => Self::InvalidCredentials,
            Trouble::Locked => Self::UserLockedOut,
            Trouble::NoUser => Self::UserNotFound,
            Trouble::OtherUser => Self::UserLoggedIn,
            Trouble::NoToken(_) => Self::ClusterNotFound,
            Trouble::Unreachable(_) => Self::NetworkErrors,
            _ => Self::InternalError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k71_each_refusal_of_the_cluster_has_its_code() {
        for (trouble, code) in [
            (Trouble::WrongPin, "INVALID_CREDENTIALS"),
            (Trouble::Locked, "USER_LOCKED_OUT"),
            (Trouble::NoUser, "USER_NOT_FOUND"),
            (Trouble::OtherUser, "USER_LOGGED_IN"),
            (Trouble::NoToken(String::new()), "CLUSTER_NOT_FOUND"),
            (Trouble::Unreachable(String::new()), "NETWORK_ERRORS"),
            (Trouble::NoSession, "INTERNAL_ERROR"),
        ] {
            assert_eq!(serde_json::to_value(ErrorCode::from(&trouble)).expect("JSON"), code);
        }
        assert_eq!(
            serde_json::to_value(ErrorCode::InsufficientCloudhsmHsms).expect("JSON"),
            "INSUFFICIENT_CLOUDHSM_HSMS"
        );
    }
}
