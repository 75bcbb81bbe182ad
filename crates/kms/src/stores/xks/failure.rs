//! What becomes of a proxy's failure: ONE table.

use std::fmt;

use crate::api::error::Code;
use crate::stores::code::ErrorCode;
use crate::xks::protocol::ErrorName;

/// Why a proxy gave no answer that helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It refused, in the words of the specification.
    Refused(ErrorName),
    /// It answered what the specification doesn't allow.
    Malformed(String),
    /// There is no connection to it.
    Unreachable(String),
    /// There is a connection, but no TLS.
    Tls(String),
    /// It took too long.
    TimedOut,
    /// None of its key managers works.
    NoKeyManager,
    /// The external key isn't an enabled AES-256 key that encrypts and decrypts.
    UnfitKey(String),
    /// No such VPC endpoint service is known.
    NoVpcEndpointService(String),
}

/// What KMS answers to one kind of failure, by what it was about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// CreateCustomKeyStore, UpdateCustomKeyStore.
    pub store: Code,
    /// CreateKey.
    pub create_key: Code,
    /// Encrypt, Decrypt, ReEncrypt, GenerateDataKey.
    pub use_key: Code,
    /// ConnectCustomKeyStore: what DescribeCustomKeyStores tells then.
    pub connect: ErrorCode,
}

macro_rules! rows {
    ($($kind:pat => $store:ident, $create_key:ident, $use_key:ident, $connect:ident;)*) => {
        impl Failure {
            /// What KMS answers to it (developer guide, "Troubleshooting external key stores").
            pub fn row(&self) -> Row {
                match self {
                    $($kind => Row { store: Code::$store, create_key: Code::$create_key, use_key: Code::$use_key, connect: ErrorCode::$connect },)*
                }
            }
        }
    };
}

use ErrorName as E;

rows! {
    // The failure               | a store is made or changed, a key is made, a key is used, a store is connected.
    Self::Refused(E::ValidationException) | Self::Malformed(_) =>
        XksProxyInvalidResponseException, CustomKeyStoreInvalidStateException, KMSInvalidStateException, XksProxyInvalidResponse;
    Self::Refused(E::InvalidStateException | E::InvalidKeyUsageException) | Self::UnfitKey(_) =>
        XksProxyInvalidResponseException, XksKeyInvalidConfigurationException, KMSInvalidStateException, XksProxyInvalidResponse;
    Self::Refused(E::InvalidCiphertextException | E::UnsupportedOperationException | E::InternalException) =>
        XksProxyInvalidResponseException, CustomKeyStoreInvalidStateException, KMSInvalidStateException, XksProxyInvalidResponse;
    Self::Refused(E::AuthenticationFailedException) =>
        XksProxyIncorrectAuthenticationCredentialException, CustomKeyStoreInvalidStateException, KMSInvalidStateException, XksProxyAccessDenied;
    Self::Refused(E::AccessDeniedException) =>
        XksProxyInvalidResponseException, KMSInvalidStateException, KMSInvalidStateException, XksProxyAccessDenied;
    Self::Refused(E::KeyNotFoundException) =>
        XksProxyInvalidResponseException, XksKeyNotFoundException, KMSInvalidStateException, XksProxyInvalidResponse;
    Self::Refused(E::InvalidUriPathException) =>
        XksProxyInvalidConfigurationException, CustomKeyStoreInvalidStateException, KMSInvalidStateException, XksProxyInvalidConfiguration;
    Self::Refused(E::DependencyTimeoutException) | Self::TimedOut =>
        XksProxyUriUnreachableException, CustomKeyStoreInvalidStateException, KMSInvalidStateException, XksProxyTimedOut;
    Self::Refused(E::ThrottlingException) | Self::Unreachable(_) | Self::NoKeyManager =>
        XksProxyUriUnreachableException, CustomKeyStoreInvalidStateException, KMSInvalidStateException, XksProxyNotReachable;
    Self::Tls(_) =>
        XksProxyUriUnreachableException, CustomKeyStoreInvalidStateException, KMSInvalidStateException, XksProxyInvalidTlsConfiguration;
    Self::NoVpcEndpointService(_) =>
        XksProxyVpcEndpointServiceNotFoundException, CustomKeyStoreInvalidStateException, KMSInvalidStateException, XksVpcEndpointServiceNotFound;
}

impl Failure {
    /// Whether asking again may help: nothing was refused.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Tls(_) | Self::TimedOut)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(name) => write!(f, "The external key store proxy answered {}.", name.name()),
            Self::Malformed(what) => {
                write!(f, "The external key store proxy's answer can't be used: {what}.")
            }
            Self::Unreachable(why) => write!(f, "The external key store proxy can't be reached: {why}."),
            Self::Tls(why) => write!(f, "There is no TLS connection to the external key store proxy: {why}."),
            Self::TimedOut => f.write_str("The external key store proxy did not respond in time."),
            Self::NoKeyManager => f.write_str("All external key managers behind the proxy are unavailable."),
            Self::UnfitKey(why) => write!(f, "The external key can't be used: {why}."),
            Self::NoVpcEndpointService(name) => write!(f, "VPC endpoint service {name} was not found."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k80_k82_k85_every_failure_of_a_proxy_makes_a_key_unusable_and_nothing_else() {
        for name in ErrorName::ALL {
            assert_eq!(Failure::Refused(*name).row().use_key, Code::KMSInvalidStateException);
        }
    }

    #[test]
    fn k76_k80_what_a_proxy_refuses_has_its_error_at_each_operation() {
        use Code::{
            CustomKeyStoreInvalidStateException as StoreState, KMSInvalidStateException as State,
            XksKeyInvalidConfigurationException as KeyUnfit, XksKeyNotFoundException as KeyNotFound,
            XksProxyIncorrectAuthenticationCredentialException as Credential,
            XksProxyInvalidConfigurationException as Configuration,
            XksProxyInvalidResponseException as Response, XksProxyUriUnreachableException as Unreachable,
        };
        for (name, store, create_key) in [
            (E::ValidationException, Some(Response), StoreState),
            (E::InvalidStateException, None, KeyUnfit),
            (E::InvalidKeyUsageException, None, KeyUnfit),
            (E::AuthenticationFailedException, Some(Credential), StoreState),
            (E::AccessDeniedException, None, State),
            (E::KeyNotFoundException, None, KeyNotFound),
            (E::InvalidUriPathException, Some(Configuration), StoreState),
            (E::DependencyTimeoutException, Some(Unreachable), StoreState),
            (E::ThrottlingException, Some(Unreachable), StoreState),
            (E::InternalException, Some(Response), StoreState),
        ] {
            let row = Failure::Refused(name).row();
            assert_eq!(row.create_key, create_key, "{name:?}");
            assert!(store.is_none_or(|store| store == row.store), "{name:?}");
        }
        for failure in [
            Failure::TimedOut,
            Failure::Unreachable(String::new()),
            Failure::Tls(String::new()),
            Failure::NoKeyManager,
        ] {
            assert_eq!((failure.row().store, failure.row().create_key), (Unreachable, StoreState));
        }
    }
}
