//! Requests as an SDK makes them, signed. The signatures are made before the clock starts, and checked by the server each time.

use std::net::SocketAddr;
use std::time::SystemTime;

use cloister_kms::auth::credentials::{Credential, Secret};
use cloister_kms::auth::sigv4;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Result;

/// A request ready to be sent.
pub type Signed = Request<Full<Bytes>>;

/// How many of a row are signed: enough that no connection sends the same twice in a row.
pub const DIFFERENT: usize = 64;

/// An access key.
pub struct Signer(Credential);

impl Signer {
    /// From its id and its secret.
    pub fn new(access_key: &str, secret: &str) -> Signer {
        Signer(Credential {
            access_key: access_key.to_owned(),
            secret: Secret::new(secret.to_owned()),
            session_token: None,
            principal_arn: String::new(),
            account: String::new(),
            via_service: None,
            expires: None,
        })
    }

    /// A request of an operation.
    pub fn sign(&self, address: SocketAddr, operation: &str, body: &[u8]) -> Result<Signed> {
        let mut request = Request::post("/")
            .header("host", address.to_string())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("TrentService.{operation}"))
            .body(body.to_vec())?;
        sigv4::sign(&mut request, &self.0, "us-east-1", "kms", SystemTime::now())
            .map_err(|fault| fault.message)?;
        Ok(request.map(Full::from))
    }
}

/// Sends one over a connection of its own, and gives the body of the answer.
pub async fn send_one(address: SocketAddr, request: Signed) -> Result<Bytes> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    connection.abort();
    match status.is_success() {
        true => Ok(body),
        false => Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into()),
    }
}
