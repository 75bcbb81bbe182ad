//! Messages: [`crate::token::Token`] call by call.
//!
//! Whatever may be a secret is in [`Bytes`], which are wiped and never printed.

use crate::attribute::{AttributeType, Attributes, Bytes};
use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params, Purpose, registry};
use crate::pin::{Credentials, Role};
use crate::token::{Found, ObjectId, ObjectInfo, TokenInfo, UserInfo};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Version 1 of the messages.
const CODEC: Codec = Codec::new(1, super::frame::LIMIT as u64 - 1);

/// Most bytes of a ping: longer messages need no look.
const PING_BYTES: usize = 64;

/// What a library asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The sealed ticket of the user who is logged in.
    pub ticket: Option<Bytes>,
    /// Random, for calls that change something: the same again in each try, so that none is done twice.
    pub id: Option<[u8; 16]>,
    /// The highest log index that an answer has told.
    pub seen: u64,
    /// The call.
    pub call: Call,
}

/// What a node answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The log index that the node had come to.
    pub seen: u64,
    /// What has changed from the index that the request told up to that one.
    pub changed: Changed,
    /// The result.
    pub result: Result<Reply>,
}

/// The token objects made, changed or destroyed between two log indexes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Changed {
    /// These and no others.
    Only(Vec<ObjectId>),
    /// Any may have been.
    Any,
}

/// A user's name and password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    name: String,
    password: Bytes,
}

/// A mechanism by its number, with its parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    id: u64,
    params: Params,
}

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In the token.
    Stored(ObjectId),
    /// Here: a session object, sealed by a node.
    Capsule(Bytes),
}

/// An object just made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Where it is.
    pub place: Place,
    /// What is known of it.
    pub info: ObjectInfo,
}

/// What an object is made by; see [`crate::token::Making`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are those of the token's calls
pub enum Origin {
    Create,
    Generate(Chosen),
    Unwrap { mechanism: Chosen, key: Place, wrapped: Bytes },
    Copy(Place),
    Decapsulate { mechanism: Chosen, key: Place, ciphertext: Bytes },
}

/// One method of [`crate::token::Token`], which says what it does. Logging out takes no call: the ticket is forgotten. [`needs`] says which node
/// may do it.
///
/// [`needs`]: super::needs
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are those of the token's calls
pub enum Call {
    /// Whether the node is there at all: answered at once, whatever else it does.
    Ping,
    Info,
    IsInitialized,
    Initialize {
        officer: Pin,
        label: String,
    },
    /// The same by who has seen no token there: `FunctionFailed` if there is one by now, which must not be lost.
    InitializeFirst {
        officer: Pin,
        label: String,
    },
    Login {
        role: Role,
        user: Pin,
    },
    Confirm {
        password: Bytes,
    },
    Holds,
    /// The same login, in a ticket that is good for longer.
    Renew,
    InitPin {
        user: Pin,
    },
    SetPin {
        role: Role,
        old: Pin,
        new: Bytes,
    },
    Users,
    CreateUser {
        role: Role,
        user: Pin,
    },
    DeleteUser {
        role: Role,
        name: String,
    },
    UnlockUser {
        role: Role,
        name: String,
    },
    Find {
        template: Attributes,
    },
    InfoOf {
        object: Place,
    },
    Reveal {
        object: Place,
        wanted: Vec<AttributeType>,
    },
    SizeOf {
        object: Place,
    },
    Make {
        origin: Origin,
        template: Attributes,
    },
    MakePair {
        mechanism: Chosen,
        public: Attributes,
        private: Attributes,
    },
    /// `keys`: the base key, and those that the parameter names.
    Derive {
        mechanism: Chosen,
        keys: Vec<Place>,
        templates: Vec<Attributes>,
    },
    Set {
        object: Place,
        changes: Attributes,
    },
    Destroy {
        object: Place,
    },
    /// A whole operation, from `begin` to its end. `signature`: what is to be verified.
    Run {
        purpose: Purpose,
        mechanism: Chosen,
        key: Place,
        input: Bytes,
        signature: Option<Bytes>,
    },
    /// A signature by a mechanism that hashes first, of data whose digest the caller has made.
    SignDigest {
        mechanism: Chosen,
        key: Place,
        digest: Bytes,
    },
    Wrap {
        mechanism: Chosen,
        wrapping: Place,
        key: Place,
    },
    Random {
        length: u32,
    },
    Seed {
        seed: Bytes,
    },
    Encapsulate {
        mechanism: Chosen,
        key: Place,
        template: Attributes,
    },
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are those of the token's calls
pub enum Reply {
    Done,
    Flag(bool),
    Info(TokenInfo),
    /// `lifetime`: for how many seconds it is good.
    Ticket {
        sealed: Bytes,
        lifetime: u64,
    },
    Users(Vec<UserInfo>),
    Found(Vec<Found>),
    /// `may_keep`: whoever asks again at once may be told the same, though somebody may have changed it meanwhile.
    Object {
        info: ObjectInfo,
        may_keep: bool,
    },
    Attributes(Attributes),
    Size(u64),
    Made(Made),
    Pair(Made, Made),
    /// `told`: what the caller learns besides.
    Derived {
        keys: Vec<Made>,
        told: Bytes,
    },
    Bytes(Bytes),
    /// What the other side is to get, and the key made.
    Encapsulated(Bytes, Made),
}

impl Request {
    /// As a frame carries it; `DataLenRange` if it is too long for one.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>> {
        CODEC.encode(self).map_err(|_| Error::DataLenRange)
    }

    /// [`Call::Ping`], as a frame carries it.
    pub fn ping() -> Result<Zeroizing<Vec<u8>>> {
        Request { ticket: None, id: None, seen: 0, call: Call::Ping }.encode()
    }

    /// Whether these bytes are [`Request::ping`].
    pub fn is_ping(message: &[u8]) -> bool {
        message.len() <= PING_BYTES
            && Request::decode(message).is_some_and(|request| request.call == Call::Ping)
    }

    /// From a frame; `None` for bytes that are no request.
    pub fn decode(message: &[u8]) -> Option<Self> {
        CODEC.decode(message)
    }
}

impl Answer {
    /// To [`Call::Ping`].
    pub fn pong() -> Self {
        Answer { seen: 0, changed: Changed::Any, result: Ok(Reply::Done) }
    }

    /// As a frame carries it. An answer that is too long for one becomes `DataLenRange`.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let too_long = Answer { seen: self.seen, changed: Changed::Any, result: Err(Error::DataLenRange) };
        CODEC.encode(self).or_else(|_| CODEC.encode(&too_long)).unwrap_or_default()
    }

    /// From a frame; `None` for bytes that are no answer.
    pub fn decode(message: &[u8]) -> Option<Self> {
        CODEC.decode(message)
    }
}

impl From<&Credentials> for Pin {
    fn from(user: &Credentials) -> Self {
        Pin { name: user.name.clone(), password: user.password.as_slice().into() }
    }
}

impl Pin {
    /// Who that is to be; a name that can be no user's is `PinIncorrect`.
    pub fn credentials(&self, role: Role) -> Result<Credentials> {
        Credentials::from_parts(role, self.name.as_bytes(), &self.password)
    }
}

impl From<&Mechanism> for Chosen {
    fn from(mechanism: &Mechanism) -> Self {
        Chosen { id: mechanism.row.id, params: mechanism.params.clone() }
    }
}

impl Chosen {
    /// The mechanism's number (`CKM_`).
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The mechanism. `MechanismInvalid` for one that is not known here, `MechanismParamInvalid` for a parameter of another mechanism.
    pub fn mechanism(&self) -> Result<Mechanism> {
        let row = registry::find(self.id).ok_or(Error::MechanismInvalid)?;
        if !row.shape.admits(&self.params) {
            return Err(Error::MechanismParamInvalid);
        }
        Ok(Mechanism { row, params: self.params.clone() })
    }
}

impl Call {
    /// What kind of call it is, for counting and logging.
    pub fn name(&self) -> &'static str {
        match self {
            Call::Ping => "ping",
            Call::Renew => "renew",
            Call::Info => "info",
            Call::IsInitialized => "is_initialized",
            Call::Initialize { .. } => "initialize",
            Call::InitializeFirst { .. } => "initialize_first",
            Call::Login { .. } => "login",
            Call::Confirm { .. } => "confirm",
            Call::Holds => "holds",
            Call::InitPin { .. } => "init_pin",
            Call::SetPin { .. } => "set_pin",
            Call::Users => "users",
            Call::CreateUser { .. } => "create_user",
            Call::DeleteUser { .. } => "delete_user",
            Call::UnlockUser { .. } => "unlock_user",
            Call::Find { .. } => "find",
            Call::InfoOf { .. } => "info_of",
            Call::Reveal { .. } => "reveal",
            Call::SizeOf { .. } => "size_of",
            Call::Make { .. } => "make",
            Call::MakePair { .. } => "make_pair",
            Call::Derive { .. } => "derive",
            Call::Set { .. } => "set",
            Call::Destroy { .. } => "destroy",
            Call::Run { .. } => "run",
            Call::SignDigest { .. } => "sign_digest",
            Call::Wrap { .. } => "wrap",
            Call::Random { .. } => "random",
            Call::Seed { .. } => "seed",
            Call::Encapsulate { .. } => "encapsulate",
        }
    }
}

/// Errors travel as their `CK_RV`.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.rv())
    }
}

/// One that is not known here comes from a newer node: `FunctionFailed`.
impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Ok(Error::from_rv(u64::deserialize(deserializer)?).unwrap_or(Error::FunctionFailed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki_sys as ck;

    fn request(call: Call) -> Request {
        Request { ticket: Some(vec![1, 2].into()), id: Some([7; 16]), seen: 9, call }
    }

    fn chosen(id: u64, params: Params) -> Chosen {
        Chosen { id, params }
    }

    #[test]
    fn requests_and_answers_come_back() {
        let pin = Pin { name: "user".to_owned(), password: vec![1; 8].into() };
        let info = ObjectInfo { id: ObjectId([3; 16]), attributes: Attributes::from_iter([(1, true)]) };
        for call in [
            Call::Login { role: Role::User, user: pin },
            Call::Run {
                purpose: Purpose::Sign,
                mechanism: chosen(ck::CKM_AES_CBC, Params::Iv(vec![0; 16].into())),
                key: Place::Capsule(vec![4; 9].into()),
                input: vec![5; 3].into(),
                signature: None,
            },
            Call::Encapsulate {
                mechanism: chosen(ck::CKM_ML_KEM, Params::None),
                key: Place::Stored(ObjectId([5; 16])),
                template: Attributes::from_iter([(ck::CKA_TOKEN, false)]),
            },
        ] {
            let asked = request(call);
            assert_eq!(Request::decode(&asked.encode().unwrap()), Some(asked));
        }
        let made = Made { place: Place::Stored(ObjectId([3; 16])), info };
        for result in [
            Ok(Reply::Pair(made.clone(), made.clone())),
            Ok(Reply::Encapsulated(vec![8; 4].into(), made)),
            Err(Error::KeyHandleInvalid),
        ] {
            let answer = Answer { seen: 3, changed: Changed::Only(vec![ObjectId([4; 16])]), result };
            assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }
    }

    #[test]
    fn what_is_no_message_of_this_version_is_refused() {
        let good = request(Call::Holds).encode().unwrap();
        for length in 0..good.len() {
            assert_eq!(Request::decode(&good[..length]), None, "cut to {length} bytes");
        }
        let mut newer = good.to_vec();
        newer[0] = 2;
        assert_eq!(Request::decode(&newer), None);
        assert_eq!(Request::decode(&[&good[..], &[0]].concat()), None);
        assert_eq!(Answer::decode(&[1; 64]), None);
    }

    #[test]
    fn an_error_travels_by_its_number_and_an_unknown_one_is_a_failed_function() {
        let answer = Answer { seen: 0, changed: Changed::Any, result: Err(Error::PinIncorrect) };
        let mut encoded = answer.encode().to_vec();
        let at = encoded.len() - 8;
        assert_eq!(encoded[at..], ck::CKR_PIN_INCORRECT.to_le_bytes());
        encoded[at..].fill(0x77);
        assert_eq!(Answer::decode(&encoded).unwrap().result, Err(Error::FunctionFailed));
    }

    #[test]
    fn an_answer_too_long_for_a_frame_says_so() {
        let result = Ok(Reply::Bytes(Bytes::zeroed(super::super::frame::LIMIT)));
        let answer = Answer { seen: 5, changed: Changed::Only(Vec::new()), result };
        let said = Answer { seen: 5, changed: Changed::Any, result: Err(Error::DataLenRange) };
        assert_eq!(Answer::decode(&answer.encode()), Some(said));
    }

    #[test]
    fn a_mechanism_is_known_and_has_a_parameter_of_its_own_shape() {
        assert!(chosen(ck::CKM_AES_CBC, Params::Iv(vec![0; 16].into())).mechanism().is_ok());
        let refusal = |chosen: Chosen| chosen.mechanism().err();
        assert_eq!(refusal(chosen(0xdead_beef, Params::None)), Some(Error::MechanismInvalid));
        for params in [Params::None, Params::Iv(vec![0; 15].into()), Params::MacLength(16)] {
            assert_eq!(refusal(chosen(ck::CKM_AES_CBC, params)), Some(Error::MechanismParamInvalid));
        }
    }

    #[test]
    fn a_ping_is_known_by_its_bytes() {
        assert!(Request::is_ping(&Request::ping().unwrap()));
        assert!(!Request::is_ping(&request(Call::Info).encode().unwrap()));
        assert!(!Request::is_ping(b""));
    }

    #[test]
    fn secrets_are_never_printed() {
        let pin = Pin { name: "alice".to_owned(), password: b"rosebud".as_slice().into() };
        let shown = format!("{:?}", request(Call::Login { role: Role::User, user: pin }));
        assert!(shown.contains("alice") && !shown.contains("114, 111"), "{shown}");
    }
}
