//! How long the XKS proxy takes on loopback, with a token of the module given: requests a second, p50 and p99.
//!
//! `cargo run --release -p cloister-kms --example xks_load -- target/release/libcloister.so`

#![allow(clippy::unwrap_used)] // a measurement that fails may panic

use cloister_kms::auth::credentials::{Credential, Secret};
use cloister_kms::auth::sigv4;
use cloister_kms::hsm::{Login, Module, Token};
use cloister_kms::xks::protocol::SERVICE;
use cloister_kms::xks::proxy::{Proxy, Settings, TokenVault, serve};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::{AuthPin, Ulong};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::net::{TcpListener, TcpStream};

const PIN: &str = "user-1234";
const REQUESTS: usize = 4000;
const ACCESS_KEY_ID: &str = "AAAAAAAAAAAAAAAAAAAA";
const SETTINGS: &str = r#"
listen = "127.0.0.1:0"
log = "requests.jsonl"
[hsm]
module = "unused"
token = "load"
pin-file = "unused"
[[prefix]]
path = ""
credentials = "credentials.toml"
authorization = "allow-all"
[[prefix.key]]
id = "load"
versions = [{ version = 1, label = "load" }]
"#;

fn main() {
    let Some(module) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: xks_load <PKCS#11 module>");
        std::process::exit(2);
    };
    match std::env::var_os("XKS_LOAD_FOLDER") {
        Some(folder) => measure(&std::path::absolute(module).unwrap(), Path::new(&folder)),
        None => again_with_a_folder(),
    }
}

/// Starts itself once more, in an environment that leads the module to a folder of its own.
fn again_with_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("cloister.toml");
    std::fs::write(&configuration, "data_dir = 'data'\n").unwrap();
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(std::env::args_os().skip(1));
    command.env("XKS_LOAD_FOLDER", folder.path()).env("CLOISTER_CONF", configuration);
    assert!(command.status().unwrap().success());
}

fn measure(module: &Path, folder: &Path) {
    let vault = Arc::new(TokenVault::new(token(module)));
    let secret = hex::encode(openssl::sha::sha256(folder.as_os_str().as_encoded_bytes()))[..43].to_owned();
    write_credentials(&folder.join("credentials.toml"), &secret);
    let settings = Settings::of_text(&folder.join("proxy.toml"), SETTINGS).unwrap();
    let log = std::fs::File::create(settings.log.as_ref().unwrap()).unwrap();
    let proxy = Arc::new(Proxy::new(&settings, vault, Box::new(log)).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(&settings.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, proxy, std::future::pending()));
        let credential = Arc::new(credential(secret));
        println!("{:>12} {:>12} {:>10} {:>9} {:>9}", "operation", "connections", "req/s", "p50 ms", "p99 ms");
        for connections in [1, 8, 32] {
            let sample = Caller::new(address, credential.clone()).await.ask("encrypt", encrypt()).await;
            run("encrypt", connections, address, &credential, &encrypt()).await;
            run("decrypt", connections, address, &credential, &decrypt(&sample)).await;
        }
    });
}

/// A new token with a key.
fn token(path: &Path) -> Token {
    let module = Module::load(path).unwrap();
    // Loaded already: this is another way to the same library.
    let pkcs11 = cryptoki::context::Pkcs11::new(path).unwrap();
    let slot = pkcs11.get_all_slots().unwrap()[0];
    let officer = AuthPin::new("officer-1".to_owned().into());
    pkcs11.init_token(slot, &officer, "load").unwrap();
    let session = pkcs11.open_rw_session(slot).unwrap();
    session.login(UserType::So, Some(&officer)).unwrap();
    session.init_pin(&AuthPin::new(PIN.to_owned().into())).unwrap();
    session.logout().unwrap();
    let token = Token::open(&module, "load", Login::new(PIN.to_owned().into())).unwrap();
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(Ulong::new(32)),
        Attribute::Token(true),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Label(b"load".to_vec()),
    ];
    token.with(|session| session.generate_key(&Mechanism::AesKeyGen, &template)).unwrap();
    // The module stays for the process's life, and so does what was opened on it.
    std::mem::forget((session, pkcs11));
    token
}

fn write_credentials(path: &Path, secret: &str) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    let text =
        format!("[[credential]]\naccess-key-id = \"{ACCESS_KEY_ID}\"\nsecret-access-key = \"{secret}\"\n");
    file.write_all(text.as_bytes()).unwrap();
}

fn credential(secret: String) -> Credential {
    Credential {
        access_key: ACCESS_KEY_ID.to_owned(),
        secret: Secret::new(secret),
        session_token: None,
        principal_arn: String::new(),
        account: String::new(),
        via_service: None,
        expires: None,
    }
}

fn metadata() -> Value {
    json!({
        "awsPrincipalArn": "arn:aws:iam::123456789012:user/load",
        "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/load",
        "kmsOperation": "GenerateDataKey",
        "kmsRequestId": "load",
    })
}

/// What a data key makes of a KMS with double encryption.
fn encrypt() -> Value {
    json!({
        "requestMetadata": metadata(),
        "plaintext": "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==",
        "additionalAuthenticatedData": "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n",
        "encryptionAlgorithm": "AES_GCM",
        "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
    })
}

fn decrypt(encrypted: &Value) -> Value {
    let mut request = encrypt();
    let fields = request.as_object_mut().unwrap();
    fields.remove("plaintext");
    fields.remove("ciphertextDataIntegrityValueAlgorithm");
    for field in ["ciphertext", "ciphertextMetadata", "initializationVector", "authenticationTag"] {
        fields.insert(field.to_owned(), encrypted[field].clone());
    }
    request
}

/// One connection that is kept.
struct Caller {
    host: String,
    credential: Arc<Credential>,
    sender: SendRequest<Full<Bytes>>,
}

impl Caller {
    async fn new(address: SocketAddr, credential: Arc<Credential>) -> Caller {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Caller { host: address.to_string(), credential, sender }
    }

    async fn ask(&mut self, operation: &str, body: Value) -> Value {
        let request = self.signed(operation, &body);
        let answer = self.sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    fn signed(&self, operation: &str, body: &Value) -> Request<Full<Bytes>> {
        let request = Request::post(format!("/kms/xks/v1/keys/load/{operation}")).header("host", &self.host);
        let mut request = request.body(body.to_string().into_bytes()).unwrap();
        sigv4::sign(&mut request, &self.credential, "us-east-1", SERVICE, SystemTime::now()).unwrap();
        request.map(|body| Full::new(Bytes::from(body)))
    }
}

async fn run(operation: &str, connections: usize, address: SocketAddr, key: &Arc<Credential>, body: &Value) {
    let mut callers = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for _ in 0..connections {
        let (operation, key, body) = (operation.to_owned(), key.clone(), body.clone());
        callers.spawn(async move {
            let mut caller = Caller::new(address, key).await;
            let mut times = Vec::new();
            for _ in 0..REQUESTS / connections {
                let begun = Instant::now();
                caller.ask(&operation, body.clone()).await;
                times.push(begun.elapsed());
            }
            times
        });
    }
    let mut times: Vec<Duration> = callers.join_all().await.into_iter().flatten().collect();
    let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
    times.sort();
    let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1000.0;
    println!("{operation:>12} {connections:>12} {rate:>10.0} {:>9.2} {:>9.2}", at(50), at(99));
}
