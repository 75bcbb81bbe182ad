//! `cloister slot add`: one more `[[slot]]` in the configuration, and nothing else touched.

use crate::error::{Error, Result};
use crate::render::Answer;
use clap::Args;
use cloister::config::{Config, NodeAddress, Problem};
use cloister_node::clock;
use cloister_node::pki::check::check_client;
use cloister_node::pki::{Identity, read_certificate};
use serde_json::json;
use std::fs::{self, Metadata, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

pub const EXAMPLE: &str = "\
Examples:
  cloister slot add --cluster /run/cloister/client.sock
  cloister slot add --cluster n1.example:7420,n2.example:7420 --ca ca.pem --certificate client.pem --key client.key";

#[derive(Args, Debug)]
pub struct Add {
    /// Nodes that keep the slot's token, with commas between: HOST:PORT, or the path of a Unix socket
    #[arg(long, value_name = "NODE", value_delimiter = ',', required = true, value_parser = node)]
    cluster: Vec<NodeAddress>,
    /// The certificate of the cluster's CA
    #[arg(long, value_name = "FILE", requires_all = ["certificate", "key"])]
    ca: Option<PathBuf>,
    /// This client's certificate
    #[arg(long, value_name = "FILE", requires = "ca")]
    certificate: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "ca")]
    key: Option<PathBuf>,
    /// The slot's number [default: the first that no slot has]
    #[arg(long, value_name = "ID")]
    id: Option<u64>,
    /// What programs are told the slot is
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Add {
    pub fn run(&self) -> Result<Answer> {
        cloister::crypto::start();
        let config = Config::load()?;
        self.check_files()?;
        let id = self.free_id(&config)?;
        let file = ConfigFile::of(&config)?;
        let block = self.block(id)?;
        file.append(&config, &block)?;
        let nodes: Vec<String> = self.cluster.iter().map(NodeAddress::to_string).collect();
        let path = file.path.display().to_string();
        let text = format!(
            "Slot {id} is on {}; it was added to {path}.\nNext: `cloister slot list` shows the token in it.",
            nodes.join(", ")
        );
        Answer::text(text, json!({ "slot": id, "nodes": nodes, "file": path }))
    }

    /// Where TLS is used, the files have to fit together and be a client's.
    fn check_files(&self) -> Result<()> {
        let (Some(ca), Some(certificate), Some(key)) = (&self.ca, &self.certificate, &self.key) else {
            let by_tls = self.cluster.iter().find(|node| matches!(node, NodeAddress::Tls { .. }));
            return by_tls.map_or(Ok(()), |node| {
                Err(Error::input(format!(
                    "{node} is reached by TLS: give --ca, --certificate and --key, which `cloister cluster client` writes"
                )))
            });
        };
        let identity = Identity::read(certificate, key)?;
        check_client(&*read_certificate(ca)?, &identity, clock::now())
            .map_err(|flaw| Error::input(format!("{}: {flaw}", certificate.display())))
    }

    /// The number given, or the first one free; never that of a token that is there.
    fn free_id(&self, config: &Config) -> Result<u64> {
        let is_taken = |id: u64| {
            let folder = config.folder_of(id);
            config.slots.iter().any(|slot| slot.id == id) || folder.is_some_and(|folder| folder.exists())
        };
        match self.id {
            Some(id) if is_taken(id) => {
                Err(Error::input(format!("there is a slot {id} already: give another --id, or none")))
            }
            Some(id) => Ok(id),
            // invariant: a disk does not hold as many slots as there are numbers.
            None => Ok((0..).find(|id| !is_taken(*id)).unwrap_or(u64::MAX)),
        }
    }

    fn block(&self, id: u64) -> Result<String> {
        let nodes = self.cluster.iter().map(|node| match node {
            NodeAddress::Unix(path) => quoted(&format!("unix:{}", text_of(&absolute(path)?)?)),
            NodeAddress::Tls { .. } => quoted(&node.to_string()),
        });
        let nodes: Vec<String> = nodes.collect::<Result<_>>()?;
        let mut block = format!("[[slot]]\nid = {id}\n");
        if let Some(description) = &self.description {
            block += &format!("description = {}\n", quoted(description)?);
        }
        block += &format!("nodes = [{}]\n", nodes.join(", "));
        for (key, file) in [("ca", &self.ca), ("certificate", &self.certificate), ("key", &self.key)] {
            if let Some(file) = file {
                block += &format!("{key} = {}\n", quoted_path(&absolute(file)?)?);
            }
        }
        Ok(block)
    }
}

/// The file that the configuration comes from, or that is to be made.
struct ConfigFile {
    /// Where it really is, if a link leads there.
    path: PathBuf,
    text: String,
    /// `None`: it is not there yet.
    metadata: Option<Metadata>,
}

impl ConfigFile {
    /// The one in use, or the user's.
    fn of(config: &Config) -> Result<ConfigFile> {
        let path = match &config.source {
            Some(file) => file.clone(),
            None => Config::search_path().into_iter().next().unwrap_or_default(),
        };
        let failed = |error| cannot(&path, error);
        match fs::canonicalize(&path) {
            Ok(path) => {
                let text = fs::read_to_string(&path).map_err(failed)?;
                let metadata = Some(path.metadata().map_err(failed)?);
                Ok(ConfigFile { path, text, metadata })
            }
            Err(error) if error.kind() == ErrorKind::NotFound && config.source.is_none() => {
                Ok(ConfigFile { path, text: String::new(), metadata: None })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Adds `block` at the end, if that adds one slot and changes nothing else.
    fn append(&self, config: &Config, block: &str) -> Result<()> {
        let mut text = self.text.clone();
        if !text.is_empty() {
            text += if text.ends_with('\n') { "\n" } else { "\n\n" };
        }
        text += block;
        let (new, read) = self.beside(&text)?;
        if is_one_more(&read, config) {
            return self.replace(new);
        }
        // A file that lists slots and names no folder has those slots only, so the folder in use has to be named.
        if let (Some(folder), None) = (&config.data_dir, &read.data_dir) {
            let (new, read) = self.beside(&format!("data_dir = {}\n\n{text}", quoted_path(folder)?))?;
            if is_one_more(&read, config) {
                return self.replace(new);
            }
        }
        Err(Error::input(format!(
            "{}: a slot can't be added to it without a change to the rest: write it there yourself (docs/configuration.md)",
            self.path.display()
        )))
    }

    /// A file next to this one with another text, and what that comes to as a configuration.
    fn beside(&self, text: &str) -> Result<(tempfile::NamedTempFile, Config)> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            Ok(file)
        });
        let written = written.map_err(|error| cannot(folder, error))?;
        let read = Config::from_file(written.path()).map_err(|Problem(said)| {
            let names = [written.path(), &self.path].map(|path| path.display().to_string());
            Problem(said.replace(&names[0], &names[1]))
        })?;
        Ok((written, read))
    }

    /// Puts `new` in the place of this file, with its owner and permissions.
    fn replace(&self, new: tempfile::NamedTempFile) -> Result<()> {
        let put = || {
            let mode = self.metadata.as_ref().map_or(0o644, |old| old.mode() & 0o7777);
            if let Some(old) = &self.metadata {
                let own = new.as_file().metadata()?;
                if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
                    chown(new.path(), Some(old.uid()), Some(old.gid()))?;
                }
            }
            fs::set_permissions(new.path(), Permissions::from_mode(mode))?;
            new.persist(&self.path).map_err(|error| error.error).map(|_| ())
        };
        put().map_err(|error| cannot(&self.path, error))
    }
}

/// Whether `new` is `old` with one more slot at the end.
fn is_one_more(new: &Config, old: &Config) -> bool {
    let mut slots = new.slots.clone();
    slots.pop().is_some() && Config { slots, source: old.source.clone(), ..new.clone() } == *old
}

fn cannot(path: &Path, error: std::io::Error) -> Error {
    Error::input(format!("{}: {error}", path.display()))
}

/// The path from the root: a relative one in the file would start at the file's own folder.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| cannot(path, error))
}

fn text_of(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        Error::input(format!("{} is no text in UTF-8, as a configuration has to be", path.display()))
    })
}

fn quoted_path(path: &Path) -> Result<String> {
    quoted(text_of(path)?)
}

/// As TOML writes it: a string of JSON is one of TOML too.
fn quoted(text: &str) -> Result<String> {
    serde_json::to_string(text).map_err(|error| Error::input(format!("{text:?}: {error}")))
}

/// For clap: where a node is.
fn node(text: &str) -> std::result::Result<NodeAddress, String> {
    NodeAddress::parse(text)
        .ok_or_else(|| "write <host>:<port>, or the path of a Unix socket as unix:<path>".to_owned())
}
