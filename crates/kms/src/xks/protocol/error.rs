//! What a proxy answers when it refuses (specification, "Error codes").

use super::limits::ERROR_MESSAGE_CHARACTERS;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $status:literal,)*) => {
        /// The errors of the API; the variants carry its names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorName { $($(#[$doc])* $name,)* }

        impl ErrorName {
            /// All of them.
            pub const ALL: &[ErrorName] = &[$(ErrorName::$name,)*];

            /// The name on the wire (`errorName`).
            pub const fn name(self) -> &'static str {
                match self { $(ErrorName::$name => stringify!($name),)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(ErrorName::$name => $status,)* }
            }
        }
    };
}

names! {
    /// A parameter is missing or wrong.
    ValidationException = 400,
    /// The external key, or the key manager, is disabled or blocked.
    InvalidStateException = 400,
    /// Ciphertext, IV, AAD, metadata or tag are not what an encryption made.
    InvalidCiphertextException = 400,
    /// The key does not do this.
    InvalidKeyUsageException = 400,
    /// The signature is missing, wrong or too old.
    AuthenticationFailedException = 401,
    /// Secondary authorization refused.
    AccessDeniedException = 403,
    /// No such external key.
    KeyNotFoundException = 404,
    /// No such path.
    InvalidUriPathException = 404,
    /// Too many requests.
    ThrottlingException = 429,
    /// The key manager, or what lies before it, failed.
    InternalException = 500,
    /// Not implemented, or larger than this proxy takes.
    UnsupportedOperationException = 501,
    /// The key manager took too long.
    DependencyTimeoutException = 503,
}

impl ErrorName {
    /// The error of this name, if the API has it.
    pub fn of(name: &str) -> Option<ErrorName> {
        Self::ALL.iter().copied().find(|error| error.name() == name)
    }

    /// Shorthand: this error with its text.
    pub fn because(self, message: impl Into<String>) -> Failure {
        Failure { name: self, message: message.into() }
    }
}

/// A refusal. The message never holds plaintext or secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which error of the API.
    pub name: ErrorName,
    /// What it says to people who read logs.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name.name(), self.message)
    }
}

impl std::error::Error for Failure {}

/// A refusal as the body of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// One of [`ErrorName`], unless the other side knows more than we do.
    pub error_name: String,
    /// Less than 512 printable ASCII characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

impl From<&Failure> for ErrorBody {
    /// Cuts the message to what the API takes; what is not printable ASCII becomes `?`.
    fn from(failure: &Failure) -> Self {
        let printable = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
        let message = failure.message.chars().map(printable).take(ERROR_MESSAGE_CHARACTERS).collect();
        ErrorBody { error_name: failure.name.name().to_owned(), error_message: Some(message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_less_than_512_printable_ascii_characters() {
        let body = ErrorBody::from(&ErrorName::InternalException.because("é\n\u{7f}~ ".repeat(200)));
        let message = body.error_message.unwrap();
        assert_eq!(message.len(), 511);
        assert!(message.starts_with("???~ ???~ "));
    }

    #[test]
    fn every_error_has_the_status_of_the_specification() {
        let table = [
            ("ValidationException", 400),
            ("InvalidStateException", 400),
            ("InvalidCiphertextException", 400),
            ("InvalidKeyUsageException", 400),
            ("AuthenticationFailedException", 401),
            ("AccessDeniedException", 403),
            ("KeyNotFoundException", 404),
            ("InvalidUriPathException", 404),
            ("ThrottlingException", 429),
            ("UnsupportedOperationException", 501),
            ("DependencyTimeoutException", 503),
            ("InternalException", 500),
        ];
        assert_eq!(ErrorName::ALL.len(), table.len());
        for (name, status) in table {
            assert_eq!(ErrorName::of(name).unwrap().status(), status, "{name}");
        }
        assert_eq!(ErrorName::of("IncorrectKeyException"), None);
    }
}
