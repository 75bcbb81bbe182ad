//! A proxy as a process: from its settings until it is told to stop.

use super::hsm::TokenVault;
use super::settings::{Settings, Wrong};
use super::{Proxy, serve, serve_probe};
use crate::hsm::{Login, Module, Token};
use crate::run::{RunError, bind, stopped};
use crate::secret_file;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Serves until SIGTERM or SIGINT; returns when the requests that had begun are answered.
pub fn run(settings: &Settings) -> Result<(), RunError> {
    let proxy = Arc::new(open(settings)?);
    let failed = |error: std::io::Error| RunError::Socket(error.to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let served = runtime.block_on(async {
        let listener = bind(&settings.listen).await?;
        let probes = match &settings.probe {
            Some(address) => Some(tokio::spawn(serve_probe(bind(address).await?, proxy.clone()))),
            None => None,
        };
        let stop = stopped().map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        // Programs that start a proxy wait for this line. Standard output may be the log of requests.
        eprintln!("listening on {}://{address}", if proxy.tls.is_some() { "https" } else { "http" });
        serve(listener, proxy, stop).await;
        probes.inspect(|probes| probes.abort());
        Ok(())
    });
    // A call that the token does not answer is not waited for.
    runtime.shutdown_background();
    served
}

/// A proxy with all that its settings name: token, access keys, certificates, log.
fn open(settings: &Settings) -> Result<Proxy, RunError> {
    let pin = secret_file::line(&settings.hsm.pin_file).map_err(RunError::Settings)?;
    let module = Module::load(&settings.hsm.module).map_err(RunError::Hsm)?;
    let token = Token::open(&module, &settings.hsm.token, Login::new(pin)).map_err(RunError::Hsm)?;
    let log: Box<dyn Write + Send> = match &settings.log {
        Some(path) => Box::new(append_to(path).map_err(|Wrong(why)| RunError::Settings(why))?),
        None => Box::new(std::io::stdout()),
    };
    let proxy = Proxy::new(settings, Arc::new(TokenVault::new(token)), log);
    proxy.map_err(|Wrong(why)| RunError::Settings(why))
}

fn append_to(path: &Path) -> Result<std::fs::File, Wrong> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.map_err(|error| Wrong(format!("log: {}: {error}", path.display())))
}
