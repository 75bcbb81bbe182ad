//! What is remembered of a custom key store: one record in the token.

use serde::{Deserialize, Serialize};

use super::code::ErrorCode;
use crate::auth::credentials::Secret;
use crate::book::label;
use crate::clock::Moment;

/// A custom key store. Changed under the latch of its label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRecord {
    /// The format, 1.
    pub format: u8,
    /// The account it belongs to.
    pub account: String,
    /// Its Region.
    pub region: String,
    /// `cks-` and 17 hexadecimal digits.
    pub id: String,
    /// Its name; no other store of its account and Region has it.
    pub name: String,
    /// When it was made.
    pub created: Moment,
    /// Whether its keys can be used, for all fronts.
    pub connection: Connection,
    /// What its keys are in.
    pub backing: Backing,
}

/// How far a store is connected: one answer for all fronts. A front that isn't logged in to a store that is connected logs in when it needs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Connection {
    /// Nobody asked for it, or somebody asked for the contrary.
    Disconnected,
    /// A front is at it, or has died over it.
    Connecting {
        /// Names the attempt: who sees the same for too long knows that it was left behind.
        attempt: String,
    },
    /// Since the attempt of that name.
    Connected {
        /// Names the attempt.
        attempt: String,
    },
    /// The last attempt failed.
    Failed {
        /// Why.
        code: ErrorCode,
    },
}

impl Connection {
    /// The name on the wire (`ConnectionState`).
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Disconnected => "DISCONNECTED",
            Self::Connecting { .. } => "CONNECTING",
            Self::Connected { .. } => "CONNECTED",
            Self::Failed { .. } => "FAILED",
        }
    }

    /// Whether keys can be made and used.
    pub const fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }
}

/// What a store's keys are in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Backing {
    /// A cluster of HSMs.
    #[serde(rename = "AWS_CLOUDHSM")]
    CloudHsm(CloudHsm),
    /// An external key manager behind a proxy.
    #[serde(rename = "EXTERNAL_KEY_STORE")]
    External(External),
}

impl Backing {
    /// The name on the wire (`CustomKeyStoreType`).
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CloudHsm(_) => "AWS_CLOUDHSM",
            Self::External(_) => "EXTERNAL_KEY_STORE",
        }
    }
}

/// A cluster of HSMs, as `kmsuser` sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudHsm {
    /// `cluster-...`, one of the settings.
    pub cluster: String,
    /// The cluster's certificate (PEM), as the store's owner gave it.
    pub trust_anchor: String,
    /// kmsuser's password.
    pub password: Secret,
    /// The password that kmsuser is being given: kept before the cluster is asked to change it, so that whatever a crash leaves, one of both is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Secret>,
}

impl CloudHsm {
    /// The passwords that may be right, the likelier first.
    pub fn passwords(&self) -> impl Iterator<Item = &Secret> {
        [Some(&self.password), self.pending.as_ref()].into_iter().flatten()
    }
}

/// A proxy before an external key manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// `https://host`.
    pub endpoint: String,
    /// `[/prefix]/kms/xks/v1`.
    pub path: String,
    /// What signs requests to it.
    pub access_key: String,
    /// Its secret.
    pub secret: Secret,
    /// The VPC endpoint service it is reached by; none for a public endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<VpcEndpointService>,
}

/// A VPC endpoint service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcEndpointService {
    /// `com.amazonaws.vpce.<region>.vpce-svc-...`.
    pub name: String,
    /// The account that owns it.
    pub owner: String,
}

impl StoreRecord {
    /// The name of its record.
    pub fn label(&self) -> String {
        label::store(&self.account, &self.region, &self.id)
    }

    /// The cluster behind it, if it is one.
    pub fn cluster(&self) -> Option<&CloudHsm> {
        match &self.backing {
            Backing::CloudHsm(cluster) => Some(cluster),
            Backing::External(_) => None,
        }
    }

    /// The proxy behind it, if it is one.
    pub fn external(&self) -> Option<&External> {
        match &self.backing {
            Backing::External(external) => Some(external),
            Backing::CloudHsm(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_what_it_wrote_and_shows_no_secret() {
        let cluster = CloudHsm {
            cluster: "cluster-abcdefghij2".to_owned(),
            trust_anchor: "pem".to_owned(),
            password: Secret::new("first-password".to_owned()),
            pending: Some(Secret::new("second-password".to_owned())),
        };
        let passwords: Vec<&str> = cluster.passwords().map(Secret::expose).collect();
        assert_eq!(passwords, ["first-password", "second-password"]);
        let record = StoreRecord {
            format: 1,
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            id: "cks-0123456789abcdef0".to_owned(),
            name: "store".to_owned(),
            created: Moment(1),
            connection: Connection::Failed { code: ErrorCode::InvalidCredentials },
            backing: Backing::CloudHsm(cluster),
        };
        let text = serde_json::to_string(&record).expect("JSON");
        assert_eq!(serde_json::from_str::<StoreRecord>(&text).expect("a record"), record);
        assert!(!format!("{record:?}").contains("password\""), "{record:?}");
        assert!(!format!("{record:?}").contains("first-password"));
    }
}
