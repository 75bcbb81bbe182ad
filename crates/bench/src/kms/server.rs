//! A server as a process.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::Child;

use serde_json::Value;

use super::load::send_one;
use super::requests::{Signed, Signer};
use crate::Result;

/// A server of an API, and who signs the requests to it.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    signer: Signer,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// A process that was started.
    pub fn new(process: Child, address: SocketAddr, signer: Signer) -> Server {
        Server { address, signer, process }
    }

    /// A process that says where it listens, on `output`. What else it says there is passed on.
    pub fn told(process: Child, output: impl Read + Send + 'static, signer: Signer) -> Result<Server> {
        let mut output = BufReader::new(output);
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if output.read_line(&mut line)? == 0 {
                return Err(format!("a server didn't start: {said}").into());
            }
            if let Some(address) = line.trim_end().strip_prefix("listening on http://") {
                let server = Server::new(process, address.parse()?, signer);
                std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::stderr()));
                return Ok(server);
            }
            said += &line;
        }
    }

    /// Requests of an operation, signed now.
    pub fn sign_all(&self, operation: &str, bodies: &[Value]) -> Result<Vec<Signed>> {
        bodies.iter().map(|body| self.sign(operation, body)).collect()
    }

    /// Asks once, over a connection of its own.
    pub async fn call(&self, operation: &str, body: &Value) -> Result<Value> {
        let answer = send_one(self.address, self.sign(operation, body)?).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    fn sign(&self, operation: &str, body: &Value) -> Result<Signed> {
        self.signer.sign(self.address, operation, &serde_json::to_vec(body)?)
    }
}
