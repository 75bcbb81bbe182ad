//! A front that checks every signature, beside moto's server, which checks none.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::home::FrontHome;
use super::plan::{FRONT, Keys, PLAINTEXT};
use super::report::Table;
use super::requests::{Api, Signer};
use super::server::Server;
use super::{Place, Setting, measure_rows};
use crate::Result;

/// How long moto may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

const ABOUT: &str = "The KMS front, which checks every signature, and moto's server, which checks none:";

/// Measures the rows. moto is left out, with a word, where it isn't installed (`scripts/setup bench` does).
pub fn measure(setting: &Setting) -> Result<Table> {
    let home = FrontHome::make(setting.module, setting.program, setting.folder.join("front"))?;
    let mut places = vec![place(setting, "Cloister", home.start()?)?];
    match moto() {
        Some(program) => places.push(place(setting, "moto", start_moto(&program)?)?),
        None => eprintln!("moto is not measured: scripts/setup bench installs it"),
    }
    Ok(Table { about: ABOUT.to_owned(), lines: measure_rows(setting, FRONT, &places)? })
}

fn place(setting: &Setting, name: &str, server: Server) -> Result<Place<Keys>> {
    let subject = setting.runtime.block_on(keys(&server))?;
    Ok(Place { name: name.to_owned(), server, subject })
}

/// Makes the keys of the rows.
async fn keys(server: &Server) -> Result<Keys> {
    let symmetric = make_key(server, &json!({})).await?;
    let signing = json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" });
    let signing = make_key(server, &signing).await?;
    let encrypted = server.call("Encrypt", &json!({ "KeyId": symmetric, "Plaintext": PLAINTEXT })).await?;
    let ciphertext = encrypted["CiphertextBlob"].as_str().ok_or("no ciphertext")?.to_owned();
    Ok(Keys { symmetric, signing, ciphertext })
}

async fn make_key(server: &Server, request: &Value) -> Result<String> {
    let made = server.call("CreateKey", request).await?;
    Ok(made["KeyMetadata"]["KeyId"].as_str().ok_or("no key")?.to_owned())
}

/// moto's server: from the virtual environment beside the workspace's target folder, or the path.
fn moto() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let workspace = own.ancestors().nth(3)?.join(".venv/bin/moto_server");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::iter::once(workspace)
        .chain(std::env::split_paths(&path).map(|folder| folder.join("moto_server")));
    places.find(|place| place.exists())
}

fn start_moto(program: &Path) -> Result<Server> {
    // Another program may take the port before moto does; then moto ends and so do we.
    let address: SocketAddr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let process = Command::new(program)
        .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let server = Server::new(process, address, Signer::new(Api::Kms, "AKIAIOSFODNN7EXAMPLE", "none"));
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > PATIENCE {
            return Err("moto didn't start".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}
