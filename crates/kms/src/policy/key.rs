//! Condition keys: the one table of what a policy may ask about a request, and who answers.

use std::borrow::Cow;

/// Who supplies a condition key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The engine, from the request's `Caller`, its time or the key's account: the front needn't do anything.
    Engine,
    /// The front, from the parameters of the request.
    Request,
    /// The front, from the KMS key that the request is about.
    Resource,
}

macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $source:ident;)*) => {
        /// A condition key. The name of one that ends in `:` or `/` goes on with a part of the policy's choosing: a pair's or a tag's key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the variants are AWS's names; the table below says what is not plain")]
        pub enum Key { $($(#[$doc])* $variant,)* }

        impl Key {
            /// All of them.
            pub const ALL: &[Key] = &[$(Key::$variant,)*];

            /// Its name in a policy, where case doesn't matter.
            pub const fn name(self) -> &'static str {
                match self { $(Key::$variant => $name,)* }
            }

            /// Who supplies it.
            pub const fn source(self) -> Source {
                match self { $(Key::$variant => Source::$source,)* }
            }
        }
    };
}

keys! {
    // Global keys.
    CurrentTime = "aws:CurrentTime", Engine;
    EpochTime = "aws:EpochTime", Engine;
    PrincipalAccount = "aws:PrincipalAccount", Engine;
    /// Of a role's session: the role's ARN, without its path.
    PrincipalArn = "aws:PrincipalArn", Engine;
    /// `Account`, `User`, `AssumedRole`, `FederatedUser` or `Service`.
    PrincipalType = "aws:PrincipalType", Engine;
    RequestedRegion = "aws:RequestedRegion", Engine;
    SecureTransport = "aws:SecureTransport", Engine;
    SourceIp = "aws:SourceIp", Engine;
    /// The account of a root, the name of a user, `role:session` of a session: there are no opaque ids here.
    UserId = "aws:userid", Engine;
    /// Only users have it.
    UserName = "aws:username", Engine;
    ViaAwsService = "aws:ViaAWSService", Engine;
    /// `aws:RequestTag/<tag key>`: TagResource, CreateKey, ReplicateKey.
    RequestTag = "aws:RequestTag/", Request;
    /// `aws:ResourceTag/<tag key>`.
    ResourceTag = "aws:ResourceTag/", Resource;
    /// All tag keys of the request.
    TagKeys = "aws:TagKeys", Request;

    // About the caller; the engine gives the account only for requests about a key.
    CallerAccount = "kms:CallerAccount", Engine;
    ViaService = "kms:ViaService", Engine;

    // About the KMS key: the one that exists, or for CreateKey the one that is asked for.
    CustomerMasterKeySpec = "kms:CustomerMasterKeySpec", Resource;
    CustomerMasterKeyUsage = "kms:CustomerMasterKeyUsage", Resource;
    KeyOrigin = "kms:KeyOrigin", Resource;
    KeySpec = "kms:KeySpec", Resource;
    KeyUsage = "kms:KeyUsage", Resource;
    /// `true` or `false`.
    MultiRegion = "kms:MultiRegion", Resource;
    /// `PRIMARY` or `REPLICA`.
    MultiRegionKeyType = "kms:MultiRegionKeyType", Resource;
    /// All alias names of the key, with `alias/`.
    ResourceAliases = "kms:ResourceAliases", Resource;

    // About the request.
    BypassPolicyLockoutSafetyCheck = "kms:BypassPolicyLockoutSafetyCheck", Request;
    DataKeyPairSpec = "kms:DataKeyPairSpec", Request;
    EncryptionAlgorithm = "kms:EncryptionAlgorithm", Request;
    /// `kms:EncryptionContext:<pair's key>`, one pair's value.
    EncryptionContext = "kms:EncryptionContext:", Request;
    /// All keys of the encryption context.
    EncryptionContextKeys = "kms:EncryptionContextKeys", Request;
    ExpirationModel = "kms:ExpirationModel", Request;
    /// `EncryptionContextEquals` or `EncryptionContextSubset`.
    GrantConstraintType = "kms:GrantConstraintType", Request;
    GrantIsForAwsResource = "kms:GrantIsForAWSResource", Request;
    /// All operations of the grant.
    GrantOperations = "kms:GrantOperations", Request;
    GranteePrincipal = "kms:GranteePrincipal", Request;
    KeyAgreementAlgorithm = "kms:KeyAgreementAlgorithm", Request;
    MacAlgorithm = "kms:MacAlgorithm", Request;
    MessageType = "kms:MessageType", Request;
    /// Of PutKeyPolicy.
    PolicyName = "kms:PolicyName", Request;
    PrimaryRegion = "kms:PrimaryRegion", Request;
    /// `true` or `false`: whether source and destination of ReEncrypt are one key.
    ReEncryptOnSameKey = "kms:ReEncryptOnSameKey", Request;
    ReplicaRegion = "kms:ReplicaRegion", Request;
    /// The alias that the request named its key by, with `alias/`.
    RequestAlias = "kms:RequestAlias", Request;
    RetiringPrincipal = "kms:RetiringPrincipal", Request;
    RotationPeriodInDays = "kms:RotationPeriodInDays", Request;
    ScheduleKeyDeletionPendingWindowInDays = "kms:ScheduleKeyDeletionPendingWindowInDays", Request;
    SigningAlgorithm = "kms:SigningAlgorithm", Request;
    /// A date: ISO 8601 or seconds since 1970.
    ValidTo = "kms:ValidTo", Request;
    WrappingAlgorithm = "kms:WrappingAlgorithm", Request;
    WrappingKeySpec = "kms:WrappingKeySpec", Request;
}

impl Key {
    /// Whether the name goes on with a part.
    pub fn has_part(self) -> bool {
        self.name().ends_with([':', '/'])
    }
}

/// What the front knows of a request: the keys whose [`Source`] isn't the engine. Asked only when a statement's condition needs it.
pub trait Context {
    /// The values of `key`; none if the request doesn't have it. `part` is the tag's or pair's key where [`Key::has_part`], else empty.
    ///
    /// Its case doesn't count, neither in tags nor in the encryption context (KMS guide, `kms:EncryptionContext:context-key`).
    fn values<'a>(&'a self, key: Key, part: &str) -> Vec<Cow<'a, str>>;
}

/// A [`Context`] as a list: a key of several values has several rows.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    rows: Vec<(Key, &'a str, Cow<'a, str>)>,
}

impl<'a> Facts<'a> {
    /// Adds a value.
    pub fn put(&mut self, key: Key, value: impl Into<Cow<'a, str>>) {
        self.rows.push((key, "", value.into()));
    }

    /// Adds the value of a tag or of a pair.
    pub fn put_part(&mut self, key: Key, part: &'a str, value: impl Into<Cow<'a, str>>) {
        self.rows.push((key, part, value.into()));
    }
}

impl Context for Facts<'_> {
    fn values<'a>(&'a self, key: Key, part: &str) -> Vec<Cow<'a, str>> {
        let rows = self.rows.iter().filter(|(known, of, _)| *known == key && same_but_case(of, part));
        rows.map(|(.., value)| Cow::Borrowed(value.as_ref())).collect()
    }
}

/// Whether two texts are the same but for case.
pub fn same_but_case(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

/// A condition key as a policy names it.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// `None`: a key that no request here has.
    pub(super) key: Option<Key>,
    /// What follows the name of a key that has a part.
    pub(super) part: Box<str>,
}

impl Named {
    /// Looks a name up; `None` if it is not the name of a condition key at all (`service:Name`).
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (service, rest) = name.split_once(':')?;
        if service.is_empty() || rest.is_empty() {
            return None;
        }
        let found = Key::ALL.iter().find_map(|key| {
            let start = name.get(..key.name().len())?;
            let part = name.get(key.name().len()..)?;
            let fits = start.eq_ignore_ascii_case(key.name()) && key.has_part() != part.is_empty();
            fits.then(|| Named { key: Some(*key), part: part.into() })
        });
        Some(found.unwrap_or(Named { key: None, part: "".into() }))
    }
}
