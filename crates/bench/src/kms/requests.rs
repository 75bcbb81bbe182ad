//! Requests as those make them who call, signed. The signatures are made before the clock starts, and checked by the server each time.

use std::net::SocketAddr;
use std::time::SystemTime;

use cloister_kms::auth::credentials::{Credential, Secret};
use cloister_kms::auth::sigv4;
use cloister_kms::xks::protocol;
use http::Request;
use http_body_util::Full;
use hyper::body::Bytes;

use crate::Result;

/// A request ready to be sent.
pub type Signed = Request<Full<Bytes>>;

/// Which API is spoken.
#[derive(Clone, Copy)]
pub enum Api {
    /// KMS's, as an SDK speaks it.
    Kms,
    /// The XKS proxy's, as AWS KMS speaks it of one external key.
    Xks {
        /// The key's id.
        key: &'static str,
    },
}

/// An access key for an API.
#[derive(Clone)]
pub struct Signer {
    api: Api,
    credential: Credential,
}

impl Signer {
    /// From the access key's id and its secret.
    pub fn new(api: Api, access_key: &str, secret: &str) -> Signer {
        let credential = Credential {
            access_key: access_key.to_owned(),
            secret: Secret::new(secret.to_owned()),
            session_token: None,
            principal_arn: String::new(),
            account: String::new(),
            via_service: None,
            expires: None,
        };
        Signer { api, credential }
    }

    /// A request of an operation.
    pub fn sign(&self, address: SocketAddr, operation: &str, body: &[u8]) -> Result<Signed> {
        let request = match self.api {
            Api::Kms => Request::post("/")
                .header("content-type", "application/x-amz-json-1.1")
                .header("x-amz-target", format!("TrentService.{operation}")),
            Api::Xks { key } => Request::post(format!("{}/keys/{key}/{operation}", protocol::BASE))
                .header("content-type", "application/json"),
        };
        let service = match self.api {
            Api::Kms => "kms",
            Api::Xks { .. } => protocol::SERVICE,
        };
        let mut request = request.header("host", address.to_string()).body(body.to_vec())?;
        sigv4::sign(&mut request, &self.credential, "us-east-1", service, SystemTime::now())
            .map_err(|fault| fault.message)?;
        Ok(request.map(Full::from))
    }
}
