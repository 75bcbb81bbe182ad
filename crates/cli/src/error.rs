//! Why a command failed: one line that says what to do, and the exit code.

use cloister::config::Problem;
use cloister::error::Error as Hsm;
use cloister_node::admin::AdminError;
use cloister_node::folder::FolderError;
use cloister_node::join_token::JoinTokenError;
use cloister_node::node::NodeError;
use cloister_node::pki::PkiError;
use std::fmt;
use std::process::ExitCode;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A command's failure.
#[derive(Debug)]
pub enum Error {
    /// The HSM said no: what was tried, and its answer. Exit code 1.
    Hsm(String, Hsm),
    /// Bad input or configuration; the text says what to do. Exit code 2.
    Input(String),
    /// Something else failed on the way. Exit code 1.
    Failed(String),
}

impl Error {
    /// Bad input.
    pub fn input(text: impl Into<String>) -> Error {
        Error::Input(text.into())
    }

    /// What the shell sees.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Error::Hsm(..) | Error::Failed(_) => ExitCode::from(1),
            Error::Input(_) => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Hsm(tried, code) => write!(f, "{tried}: {} ({})", advice(*code), code.name()),
            Error::Input(text) | Error::Failed(text) => f.write_str(text),
        }
    }
}

impl From<Problem> for Error {
    fn from(Problem(text): Problem) -> Error {
        Error::Input(text)
    }
}

impl From<AdminError> for Error {
    fn from(error: AdminError) -> Error {
        let text = error.to_string();
        match error {
            AdminError::NoFolder(_) => Error::Input(text),
            _ => Error::Failed(text),
        }
    }
}

impl From<FolderError> for Error {
    fn from(error: FolderError) -> Error {
        Error::Input(error.to_string())
    }
}

impl From<JoinTokenError> for Error {
    fn from(error: JoinTokenError) -> Error {
        Error::Input(error.to_string())
    }
}

impl From<PkiError> for Error {
    fn from(error: PkiError) -> Error {
        Error::Input(error.to_string())
    }
}

impl From<NodeError> for Error {
    fn from(error: NodeError) -> Error {
        match error {
            NodeError::Configuration(text) => Error::Input(text),
            NodeError::Failed(text) => Error::Failed(text),
        }
    }
}

/// Says what was tried when the HSM refuses.
pub trait Trying<T> {
    /// `tried` without a full stop: "delete user alice".
    fn trying(self, tried: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Trying<T> for cloister::error::Result<T> {
    fn trying(self, tried: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|code| Error::Hsm(format!("can't {}", tried()), code))
    }
}

/// What a refusal means to the person at the keyboard, and what to do about it.
const ADVICE: &[(Hsm, &str)] = &[
    (Hsm::PinIncorrect, "the user's name or PIN is wrong; repeated wrong PINs lock the user"),
    (
        Hsm::PinLocked,
        "the user is locked after too many wrong PINs; an officer can run `cloister user unlock NAME`",
    ),
    (Hsm::PinLenRange, "a PIN has 4 to 255 bytes"),
    (Hsm::PinInvalid, "a PIN is text in UTF-8, without a zero byte"),
    (
        Hsm::UserPinNotInitialized,
        "the token has no such user yet; an officer can run `cloister user create NAME`",
    ),
    (Hsm::UserNotLoggedIn, "only a logged-in user of the right role may do this"),
    (Hsm::SlotIdInvalid, "there is no such slot; `cloister slot list` shows them"),
    (Hsm::ActionProhibited, "that isn't allowed; a token's last officer, for one, can't be deleted"),
    (Hsm::TokenWriteProtected, "the token can't be written; make its folder and files writable for you"),
    (
        Hsm::TokenNotRecognized,
        "what is in the slot's folder is no token that this version reads; run `cloister doctor`",
    ),
    (Hsm::DeviceError, "the token's store fails or is damaged; run `cloister doctor`"),
    (Hsm::DeviceMemory, "the token's store has no space left; free some on its disk"),
    (Hsm::DeviceRemoved, "the token's store can't be reached; check its folder, then run `cloister doctor`"),
    (Hsm::FunctionFailed, "another process keeps the token's store busy; look for one that hangs"),
    (Hsm::ObjectHandleInvalid, "the object is gone, or not yours to see"),
];

fn advice(code: Hsm) -> &'static str {
    ADVICE.iter().find(|(known, _)| *known == code).map_or("the HSM refused", |(_, text)| text)
}
