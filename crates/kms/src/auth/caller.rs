//! Who asks: what the signature proved, and what policies may ask about it.

use std::net::IpAddr;

/// The principal behind a request, with the facts of the request that conditions read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account, twelve digits.
    pub account: String,
    /// `arn:aws:iam::<account>:user/<name>`, `arn:aws:iam::<account>:root` or `arn:aws:sts::<account>:assumed-role/<role>/<session>`.
    pub arn: String,
    /// The access key id that signed; empty where none did.
    pub access_key: String,
    /// The AWS service on whose way the request came (`s3.eu-west-1.amazonaws.com`): `kms:ViaService`.
    pub via_service: Option<String>,
    /// The Region the request is for: the signature's scope, or the default.
    pub region: String,
    /// Where the connection came from, if it is known.
    pub source: Option<IpAddr>,
    /// Whether the request came over TLS: `aws:SecureTransport`.
    pub tls: bool,
}

impl Caller {
    /// Whether the caller is its account's root: the one identity that needs no policy of its own.
    pub fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }

    /// The same caller, asking in another Region.
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }
}
