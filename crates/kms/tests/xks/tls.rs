//! TLS by the proxy, and client certificates (specification, "Authentication").

use crate::certificates::Identity;
use crate::proxy::{SETTINGS, credential, write_credentials};
use crate::support::{Running, SoftVault, metadata};
use http::Method;
use openssl::nid::Nid;
use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVersion};
use serde_json::json;
use std::fs;
use std::pin::Pin;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

const KMS: &str = "cks.kms.eu-west-1.amazonaws.com";

struct Place {
    running: Running,
    server_ca: Identity,
    client_ca: Identity,
}

impl Place {
    async fn new(more: &str) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let (server_ca, client_ca) = (Identity::new("server CA", None), Identity::new("client CA", None));
        Identity::new("localhost", Some(&server_ca)).write(folder.path(), "server");
        client_ca.write(folder.path(), "clients");
        write_credentials(&folder.path().join("t.toml"), &[credential("t")]);
        let tls = format!("[tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n{more}\n[hsm]");
        let settings = SETTINGS.replace("[hsm]", &tls);
        let running = Running::within(folder, &settings, Arc::new(SoftVault::default())).await;
        Place { running, server_ca, client_ca }
    }

    /// A whole request over TLS; what went wrong, if TLS did.
    async fn ask(&self, version: SslVersion, identity: Option<&Identity>) -> Result<(), String> {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
        builder.cert_store_mut().add_cert(self.server_ca.certificate.clone()).unwrap();
        builder.set_min_proto_version(Some(version)).unwrap();
        builder.set_max_proto_version(Some(version)).unwrap();
        if let Some(identity) = identity {
            builder.set_certificate(&identity.certificate).unwrap();
            builder.set_private_key(&identity.key).unwrap();
        }
        let ssl = Ssl::new(builder.build().context()).unwrap();
        let stream = TcpStream::connect(self.running.address).await.unwrap();
        let mut stream = SslStream::new(ssl, stream).unwrap();
        Pin::new(&mut stream).connect().await.map_err(|error| error.to_string())?;
        // With TLS 1.3 a client learns of its refusal only when it reads.
        let mut byte = [0; 1];
        if identity.is_some_and(|identity| !self.is_welcome(identity))
            || identity.is_none() && self.wants_names()
        {
            let read = tokio::io::AsyncReadExt::read(&mut stream, &mut byte).await;
            return match read {
                Ok(0) => Err("closed".to_owned()),
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            };
        }
        let client = self.running.client();
        let body = json!({ "requestMetadata": metadata("DescribeKey") }).to_string().into_bytes();
        let request = client.signed(Method::POST, &client.path("keys/orders/metadata"), body);
        client.exchange(stream, request).await.done();
        Ok(())
    }

    fn wants_names(&self) -> bool {
        fs::exists(self.running.folder.path().join("mutual")).unwrap()
    }

    fn is_welcome(&self, identity: &Identity) -> bool {
        let issuer = identity.certificate.issuer_name().try_cmp(self.client_ca.certificate.subject_name());
        let names = identity.certificate.subject_name();
        let name = names.entries_by_nid(Nid::COMMONNAME).next().unwrap().data().to_string().unwrap();
        issuer.unwrap().is_eq() && *name == *KMS
    }
}

#[tokio::test]
async fn k81_tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    let place = Place::new("").await;
    place.ask(SslVersion::TLS1_2, None).await.unwrap();
    place.ask(SslVersion::TLS1_3, None).await.unwrap();
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    builder.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
    builder.set_max_proto_version(Some(SslVersion::TLS1_1)).unwrap();
    builder.set_verify(openssl::ssl::SslVerifyMode::NONE);
    let ssl = Ssl::new(builder.build().context()).unwrap();
    let mut stream = SslStream::new(ssl, TcpStream::connect(place.running.address).await.unwrap()).unwrap();
    Pin::new(&mut stream).connect().await.unwrap_err();
}

#[tokio::test]
async fn k81_client_certificates_must_be_of_the_right_ca_and_name() {
    let mutual = format!("client-ca = \"clients.pem\"\nclient-names = [\"{KMS}\"]");
    let place = Place::new(&mutual).await;
    fs::write(place.running.folder.path().join("mutual"), "").unwrap();
    let other_ca = Identity::new("other CA", None);
    let right = Identity::new(KMS, Some(&place.client_ca));
    let wrong = [
        Identity::new("cks.kms.us-east-1.amazonaws.com", Some(&place.client_ca)),
        Identity::new(KMS, Some(&other_ca)),
        Identity::new(KMS, None),
    ];
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        place.ask(version, Some(&right)).await.unwrap();
        place.ask(version, None).await.unwrap_err();
        for identity in &wrong {
            place.ask(version, Some(identity)).await.unwrap_err();
        }
    }
}
