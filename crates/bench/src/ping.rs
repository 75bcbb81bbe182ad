//! The round trip alone: a node answers a ping at once, without its token.

use crate::Result;
use crate::load::{Call, Calls, Load};
use cloister::proto::frame;
use cloister::proto::message::Request;
use openssl::ssl::{SslConnector, SslFiletype, SslMethod, SslStream};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// A node's client socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Socket {
    /// The file.
    Unix(PathBuf),
    /// Host and port, and the folder with `ca.pem`, `client.pem` and `client.key`.
    Tls(String, PathBuf),
}

impl Load for Socket {
    fn with_caller(&self, calls: &mut dyn FnMut(Call<'_>) -> Result<Calls>) -> Result<Calls> {
        match self {
            Socket::Unix(path) => calls(Call::alone(pinging(UnixStream::connect(path)?))),
            Socket::Tls(address, files) => calls(Call::alone(pinging(tls(address, files)?))),
        }
    }
}

fn tls(address: &str, files: &std::path::Path) -> Result<SslStream<TcpStream>> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.set_ca_file(files.join("ca.pem"))?;
    builder.set_certificate_file(files.join("client.pem"), SslFiletype::PEM)?;
    builder.set_private_key_file(files.join("client.key"), SslFiletype::PEM)?;
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let connector = builder.build().configure()?.verify_hostname(false);
    connector.connect("node", stream).map_err(|error| error.to_string().into())
}

fn pinging(mut stream: impl Read + Write) -> impl FnMut() -> Result<()> {
    move || {
        let ping = Request::ping().map_err(|error| error.name())?;
        let header = frame::header(&ping).map_err(|error| error.name())?;
        stream.write_all(&[&header, &ping[..]].concat())?;
        frame::read(&mut stream)?;
        Ok(())
    }
}
