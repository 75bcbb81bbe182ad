//! What the API answers when it refuses: one row per error of the model, made where the knowledge is, written to the wire in one place.

use std::fmt;

/// Result of everything behind the API.
pub type Result<T> = std::result::Result<T, Fault>;

/// A refusal: the API's error and what the caller reads about it. Never holds plaintext or key material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which error of the API.
    pub code: Code,
    /// What it says, in the wording that clients match on.
    pub message: String,
}

impl Fault {
    /// `code` with its text.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The service's own failure, of which a caller learns nothing but that it may try again.
    pub fn internal() -> Self {
        Code::KMSInternalException.because(
            "The request was rejected because an internal exception occurred. The request can be retried.",
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for Fault {}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal,)*) => {
        /// The errors of the KMS model, and those that every AWS service shares. Variants carry the API's own names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the names are the API's; the API model explains them")]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// All of them.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The name on the wire (`__type`).
            pub const fn name(self) -> &'static str {
                match self { $(Code::$name => stringify!($name),)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }

            /// Shorthand: this error with its text.
            pub fn because(self, message: impl Into<String>) -> Fault {
                Fault::new(self, message)
            }
        }
    };
}

codes! {
    // The model's own (kms/2014-11-01). KMS answers 400 to nearly all of them; faults of the service itself are 500.
    AlreadyExistsException = 400,
    CloudHsmClusterInUseException = 400,
    CloudHsmClusterInvalidConfigurationException = 400,
    CloudHsmClusterNotActiveException = 400,
    CloudHsmClusterNotFoundException = 400,
    CloudHsmClusterNotRelatedException = 400,
    ConflictException = 400,
    CustomKeyStoreHasCMKsException = 400,
    CustomKeyStoreInvalidStateException = 400,
    CustomKeyStoreNameInUseException = 400,
    CustomKeyStoreNotFoundException = 400,
    DependencyTimeoutException = 500,
    DisabledException = 400,
    DryRunOperationException = 400,
    ExpiredImportTokenException = 400,
    IncorrectKeyException = 400,
    IncorrectKeyMaterialException = 400,
    IncorrectTrustAnchorException = 400,
    InvalidAliasNameException = 400,
    InvalidArnException = 400,
    InvalidCiphertextException = 400,
    InvalidGrantIdException = 400,
    InvalidGrantTokenException = 400,
    InvalidImportTokenException = 400,
    InvalidKeyUsageException = 400,
    InvalidMarkerException = 400,
    KMSInternalException = 500,
    KMSInvalidMacException = 400,
    KMSInvalidSignatureException = 400,
    KMSInvalidStateException = 400,
    KeyUnavailableException = 500,
    LimitExceededException = 400,
    MalformedPolicyDocumentException = 400,
    NotFoundException = 400,
    TagException = 400,
    UnsupportedOperationException = 400,
    XksKeyAlreadyInUseException = 400,
    XksKeyInvalidConfigurationException = 400,
    XksKeyNotFoundException = 400,
    XksProxyIncorrectAuthenticationCredentialException = 400,
    XksProxyInvalidConfigurationException = 400,
    XksProxyInvalidResponseException = 400,
    XksProxyUriEndpointInUseException = 400,
    XksProxyUriInUseException = 400,
    XksProxyUriUnreachableException = 400,
    XksProxyVpcEndpointServiceInUseException = 400,
    XksProxyVpcEndpointServiceInvalidConfigurationException = 400,
    XksProxyVpcEndpointServiceNotFoundException = 400,
    // What every AWS service of this protocol may answer.
    AccessDeniedException = 400,
    ExpiredTokenException = 400,
    IncompleteSignatureException = 400,
    InvalidSignatureException = 400,
    MissingAuthenticationTokenException = 400,
    SerializationException = 400,
    ThrottlingException = 400,
    UnknownOperationException = 404,
    UnrecognizedClientException = 400,
    ValidationException = 400,
}
