//! `cloister cluster client`.

use super::{CaKey, Data, name};
use crate::error::{Error, Result};
use crate::render::Answer;
use clap::Args;
use cloister_node::folder::Folder;
use cloister_node::pki::{Identity, PkiError, write_certificate};
use openssl::x509::X509Ref;
use serde_json::json;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

pub const EXAMPLE: &str = "\
Example:
  cloister cluster client web-1 --data n1 --out web-1

It writes ca.pem, client.pem and client.key, as `cloister slot add --cluster` takes them.";

const CA: &str = "ca.pem";
const CERTIFICATE: &str = "client.pem";
const KEY: &str = "client.key";

#[derive(Args, Debug)]
pub struct Client {
    /// What people call the client
    #[arg(value_parser = name)]
    name: String,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    ca_key: CaKey,
    /// The folder to write the files into; made if it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Client {
    pub fn run(&self) -> Result<Answer> {
        let folder = Folder::look(&self.data.folder)?;
        let client = folder.issue_client(&self.name, self.ca_key.file.as_deref())?;
        let [ca, certificate, key] = self.files()?;
        write(folder.ca(), &client, [&ca, &certificate, &key])?;
        let text = format!(
            "The certificate of client {} is in {}. Next, where the program runs:\n\
             `cloister slot add --cluster HOST:PORT,HOST:PORT --ca {} --certificate {} --key {}`",
            self.name,
            self.out.display(),
            ca.display(),
            certificate.display(),
            key.display()
        );
        Answer::text(text, json!({ "client": self.name, "ca": ca, "certificate": certificate, "key": key }))
    }

    /// The files to write, none of which is there yet, in a folder that is.
    fn files(&self) -> Result<[PathBuf; 3]> {
        let files = [CA, CERTIFICATE, KEY].map(|file| self.out.join(file));
        if let Some(file) = files.iter().find(|file| file.exists()) {
            return Err(Error::input(format!("{} is there already: name another folder", file.display())));
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.out)
            .map_err(|error| Error::input(format!("{}: {error}", self.out.display())))?;
        Ok(files)
    }
}

/// Writes all files or none.
fn write(ca: &X509Ref, client: &Identity, files: [&Path; 3]) -> Result<()> {
    let [ca_file, certificate, key] = files;
    let written: std::result::Result<(), PkiError> =
        write_certificate(ca, ca_file).and_then(|()| client.write(certificate, key));
    if written.is_err() {
        for file in files {
            let _ = std::fs::remove_file(file);
        }
    }
    Ok(written?)
}
