//! From a request's proof to its caller: the two ways in, signed and open.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::request::Parts;

use super::caller::Caller;
use super::credentials::Credentials;
use super::sigv4::{self, Claim, Expected, Refused, Verified};

/// How far a client's clock may be off, as at AWS.
pub const SKEW: Duration = Duration::from_secs(300);

/// Whom the front lets in.
#[derive(Clone)]
pub enum Access {
    /// Anybody, for work on one's own machine: any signature or none.
    Open {
        /// The account of callers that name none.
        account: String,
    },
    /// Who signs with one of these.
    Signed(Arc<dyn Credentials>),
}

/// What a request has shown of who sends it.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A signature that holds.
    Verified(Verified),
    /// Nothing, and nothing was asked for.
    Open {
        /// The account it is taken for.
        account: String,
        /// The access key it names; empty where it names none.
        access_key: String,
        /// The Region of the scope it names.
        region: Option<String>,
    },
}

/// What the front knows of the connection that a request came on.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The other end.
    pub source: Option<IpAddr>,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The Region of requests that name none.
    pub default_region: String,
}

impl Access {
    /// Checks the request as this front asks for it: `body` is what `parts` came with, `now` the front's clock.
    pub fn check(
        &self,
        parts: &Parts,
        body: &[u8],
        expected: &Expected,
        now: SystemTime,
    ) -> Result<Proof, Refused> {
        match self {
            Self::Open { account } => Ok(open(account, parts)),
            Self::Signed(credentials) => {
                let lookup = |access_key: &str| credentials.lookup(access_key);
                sigv4::verify(parts, body, expected, now, SKEW, lookup).map(Proof::Verified)
            }
        }
    }
}

/// The caller that `proof` shows, with the facts of its connection. An open one is its account's root.
pub fn caller(proof: &Proof, connection: &Connection) -> Caller {
    let (account, arn, access_key, via_service, region) = match proof {
        Proof::Verified(verified) => {
            let credential = &verified.credential;
            (
                credential.account.clone(),
                credential.principal_arn.clone(),
                verified.access_key.clone(),
                credential.via_service.clone(),
                verified.region.clone(),
            )
        }
        Proof::Open { account, access_key, region } => (
            account.clone(),
            format!("arn:aws:iam::{account}:root"),
            access_key.clone(),
            None,
            region.clone().unwrap_or_else(|| connection.default_region.clone()),
        ),
    };
    Caller { account, arn, access_key, via_service, region, source: connection.source, tls: connection.tls }
}

/// Takes a request for what it says: an access key of twelve digits names an account, so that one client can play
/// several; the scope of a signature names the Region.
fn open(account: &str, parts: &Parts) -> Proof {
    match Claim::read(parts) {
        Ok(claim) => Proof::Open {
            account: if is_account(&claim.access_key) {
                claim.access_key.clone()
            } else {
                account.to_owned()
            },
            access_key: claim.access_key,
            region: Some(claim.region),
        },
        Err(_) => Proof::Open { account: account.to_owned(), access_key: String::new(), region: None },
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::credentials::Credential;
    use std::collections::HashMap;

    const KMS: Expected = Expected { services: &["kms"] };

    fn connection() -> Connection {
        Connection { source: None, tls: true, default_region: "us-east-1".into() }
    }

    fn signed_by(credential: &Credential) -> Parts {
        let mut request = http::Request::post("/").header("host", "localhost").body(Vec::new()).unwrap();
        sigv4::sign(&mut request, credential, "eu-west-1", "kms", SystemTime::UNIX_EPOCH).unwrap();
        request.into_parts().0
    }

    fn open_caller(parts: &Parts) -> Caller {
        let access = Access::Open { account: "000000000000".into() };
        let proof = access.check(parts, b"", &KMS, SystemTime::now()).unwrap();
        caller(&proof, &connection())
    }

    fn credential(access_key: &str) -> Credential {
        let made = Credential::generate("111122223333", "arn:aws:iam::111122223333:user/alice").unwrap();
        Credential { access_key: access_key.into(), ..made }
    }

    #[test]
    fn open_access_takes_an_unsigned_request_as_root_of_the_default_account_and_region() {
        let caller = open_caller(&http::Request::post("/").body(()).unwrap().into_parts().0);
        assert_eq!((caller.account.as_str(), caller.region.as_str()), ("000000000000", "us-east-1"));
        assert!(caller.is_root() && caller.tls && caller.access_key.is_empty());
    }

    #[test]
    fn open_access_takes_any_signature_and_the_region_of_its_scope() {
        let caller = open_caller(&signed_by(&credential("test")));
        assert_eq!((caller.account.as_str(), caller.region.as_str()), ("000000000000", "eu-west-1"));
        assert_eq!(caller.access_key, "test");
    }

    #[test]
    fn k38_open_access_takes_an_access_key_of_twelve_digits_as_an_account() {
        assert_eq!(
            open_caller(&signed_by(&credential("444455556666"))).arn,
            "arn:aws:iam::444455556666:root"
        );
        assert_eq!(open_caller(&signed_by(&credential("4444555566667"))).account, "000000000000");
    }

    #[test]
    fn k42_signed_access_takes_who_signed_and_nobody_else() {
        let mut alice = credential("AKIDALICE");
        alice.via_service = Some("s3.eu-west-1.amazonaws.com".into());
        let known = HashMap::from([(alice.access_key.clone(), Arc::new(alice.clone()))]);
        let access = Access::Signed(Arc::new(known));
        let now = SystemTime::UNIX_EPOCH;
        let proof = access.check(&signed_by(&alice), b"", &KMS, now).unwrap();
        let caller = caller(&proof, &connection());
        assert_eq!((caller.arn, caller.account), (alice.principal_arn, alice.account));
        assert_eq!((caller.region.as_str(), caller.via_service), ("eu-west-1", alice.via_service));

        let stranger = access.check(&signed_by(&credential("AKIDMALLORY")), b"", &KMS, now);
        assert_eq!(stranger.unwrap_err(), Refused::UnknownKey);
        let nobody = http::Request::post("/").body(()).unwrap().into_parts().0;
        assert_eq!(access.check(&nobody, b"", &KMS, now).unwrap_err(), Refused::Missing);
    }
}
