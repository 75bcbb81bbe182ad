//! One request a connection, signed as KMS signs.

use cloister_kms::auth::credentials::Credential;
use cloister_kms::auth::sigv4;
use cloister_kms::xks::protocol::SERVICE;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A signing client of one prefix.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub prefix: String,
    pub credential: Credential,
    pub host: String,
    pub service: &'static str,
    pub now: SystemTime,
}

/// An answer, read.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// It is one.
    #[track_caller]
    pub fn done(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/json");
        self.body
    }

    /// It is this error, as the specification shapes errors; the message.
    #[track_caller]
    pub fn refused(self, status: u16, name: &str) -> String {
        assert_eq!((self.status, self.body["errorName"].as_str()), (status, Some(name)), "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/json");
        let message = self.body["errorMessage"].as_str().unwrap();
        assert!(
            message.len() < 512 && message.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{message}"
        );
        message.to_owned()
    }
}

/// What KMS says of a request of its own.
pub fn metadata(operation: &str) -> Value {
    json!({
        "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
        "kmsKeyArn": "arn:aws:kms:us-east-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "kmsOperation": operation,
        "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
        "kmsViaService": "ebs",
    })
}

impl Client {
    pub fn new(address: SocketAddr, prefix: &str, credential: Credential) -> Client {
        let (host, now) = (address.to_string(), SystemTime::now());
        Client { address, prefix: prefix.to_owned(), credential, host, service: SERVICE, now }
    }

    /// POST of JSON to what follows `<prefix>/kms/xks/v1/`.
    pub async fn post(&self, what: &str, body: &Value) -> Answer {
        self.send(Method::POST, &self.path(what), body.to_string().into_bytes()).await
    }

    pub fn path(&self, what: &str) -> String {
        format!("{}/kms/xks/v1/{what}", self.prefix)
    }

    /// Any request, signed.
    pub async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        self.exchange(TcpStream::connect(self.address).await.unwrap(), self.signed(method, path, body)).await
    }

    /// A request with its signature.
    pub fn signed(&self, method: Method, path: &str, body: Vec<u8>) -> Request<Vec<u8>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        sigv4::sign(&mut request, &self.credential, "eu-west-1", self.service, self.now).unwrap();
        request
    }

    /// Sends a request over `stream`.
    pub async fn exchange<S>(&self, stream: S, request: Request<Vec<u8>>) -> Answer
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driving = tokio::spawn(connection);
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        driving.abort();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Encrypts, with the integrity value.
    pub async fn encrypt(&self, key: &str, plaintext: &str, aad: Option<&str>) -> Answer {
        let mut body = json!({
            "requestMetadata": metadata("Encrypt"),
            "plaintext": plaintext,
            "encryptionAlgorithm": "AES_GCM",
            "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
        });
        if let Some(aad) = aad {
            body["additionalAuthenticatedData"] = aad.into();
        }
        self.post(&format!("keys/{key}/encrypt"), &body).await
    }

    /// Decrypts what an encryption answered, after `change`.
    pub async fn decrypt(
        &self,
        key: &str,
        encrypted: &Value,
        aad: Option<&str>,
        change: impl FnOnce(&mut Value),
    ) -> Answer {
        let mut body = json!({ "requestMetadata": metadata("Decrypt"), "encryptionAlgorithm": "AES_GCM" });
        for field in ["ciphertext", "ciphertextMetadata", "initializationVector", "authenticationTag"] {
            body[field] = encrypted[field].clone();
        }
        if let Some(aad) = aad {
            body["additionalAuthenticatedData"] = aad.into();
        }
        change(&mut body);
        self.post(&format!("keys/{key}/decrypt"), &body).await
    }
}
