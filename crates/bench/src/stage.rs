//! What is measured on: a token on this machine, a cluster of one node and one of three, and the module's configuration that names them.

use crate::Result;
use crate::cluster::Cluster;
use crate::load::{Calls, Manner};
use crate::ping::Socket;
use crate::plan::{Place, Work};
use crate::side::plan::FEW;
use crate::worker::{Job, Measured, Target, Token, Worker};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The slots of the configuration, by place.
const SLOTS: [(Place, u64); 4] =
    [(Place::Embedded, 1), (Place::OneUnix, 2), (Place::OneTls, 3), (Place::ThreeTls, 4)];
/// In which a token is made; the other slot of the one node has the same.
const TOKENS: [Place; 3] = [Place::Embedded, Place::OneUnix, Place::ThreeTls];

/// All of it. Dropped, processes end and files go.
pub struct Stage {
    worker: Worker,
    one: Cluster,
    /// The cluster of three nodes.
    pub three: Cluster,
    module: PathBuf,
    folder: TempDir,
}

impl Stage {
    /// Sets everything up beneath `folder`. `keep`: files stay afterwards.
    pub fn set(module: &Path, program: &Path, folder: &Path, keep: bool) -> Result<Stage> {
        let folder = tempfile::Builder::new().prefix("bench-").disable_cleanup(keep).tempdir_in(folder)?;
        let one = Cluster::start(program, folder.path().join("one"), 1)?;
        let three = Cluster::start(program, folder.path().join("three"), 3)?;
        std::fs::write(folder.path().join("cloister.toml"), configuration(&one, &three)?)?;
        let worker = worker(module, folder.path())?;
        let mut stage = Stage { worker, one, three, module: module.to_owned(), folder };
        for place in TOKENS {
            stage.worker.run::<()>(&Job::MakeToken(token(place)?))?;
        }
        Ok(stage)
    }

    /// Has `work` done at `place`.
    pub fn run(&mut self, work: Work, place: Place, manner: Manner) -> Result<Calls> {
        let target = self.target(work, place)?;
        let measured: Measured = self.worker.run(&Job::Measure(target, manner))?;
        Ok(measured.ok_or("Cloister does not offer it")?)
    }

    /// Another process like the one that measures.
    pub fn another_worker(&self) -> Result<Worker> {
        worker(&self.module, self.folder.path())
    }

    /// What `work` is at `place`.
    pub fn target(&self, work: Work, place: Place) -> Result<Target> {
        Ok(match work {
            Work::Row(name) => Target::Module(token(place)?, name.to_owned()),
            Work::Transaction => Target::Transaction(self.folder.path().join("lines.db")),
            Work::Ping => Target::Ping(self.socket(place)?),
        })
    }

    fn socket(&self, place: Place) -> Result<Socket> {
        let tls = |cluster: &Cluster| Socket::Tls(cluster.addresses().swap_remove(0), cluster.client_files());
        match place {
            Place::OneUnix => Ok(Socket::Unix(self.one.socket())),
            Place::OneTls => Ok(tls(&self.one)),
            Place::ThreeTls => Ok(tls(&self.three)),
            Place::Embedded | Place::Sqlite => Err("there is no node".into()),
        }
    }
}

fn worker(module: &Path, folder: &Path) -> Result<Worker> {
    Worker::start(Some(module), [("CLOISTER_CONF", folder.join("cloister.toml"))])
}

fn token(place: Place) -> Result<Token> {
    let (_, slot) = SLOTS.iter().find(|(of, _)| *of == place).ok_or("there is no slot")?;
    Ok(Token { slot: Some(*slot), objects: FEW })
}

fn configuration(one: &Cluster, three: &Cluster) -> Result<String> {
    let tls = |cluster: &Cluster| {
        let nodes: Vec<String> =
            cluster.addresses().iter().map(|address| format!("'tls:{address}'")).collect();
        let files = cluster.client_files();
        let file = |key: &str, name: &str| format!("{key} = '{}'\n", files.join(name).display());
        let files = [file("ca", "ca.pem"), file("certificate", "client.pem"), file("key", "client.key")];
        format!("nodes = [{}]\n{}", nodes.join(", "), files.concat())
    };
    let mut written = "log = 'off'\n".to_owned();
    for (place, id) in SLOTS {
        let keeps = match place {
            Place::OneUnix => format!("nodes = ['unix:{}']\n", one.socket().display()),
            Place::OneTls => tls(one),
            Place::ThreeTls => tls(three),
            Place::Embedded | Place::Sqlite => "path = 'embedded'\n".to_owned(),
        };
        write!(written, "[[slot]]\nid = {id}\n{keeps}")?;
    }
    Ok(written)
}
