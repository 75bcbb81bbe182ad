//! A front as a process: from settings to a served socket, until it is told to stop.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use crate::front::{Front, serve};
use crate::hsm::{Login, Module, Token, Trouble};
use crate::service::Service;
use crate::settings::Settings;

/// Why a front doesn't run. Each text says what to do.
#[derive(Debug)]
pub enum RunError {
    /// The settings, or a file they name, can't be used.
    Settings(String),
    /// The HSM refuses or can't be reached.
    Hsm(Trouble),
    /// The socket can't be served.
    Socket(String),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Settings(text) | Self::Socket(text) => f.write_str(text),
            Self::Hsm(trouble) => write!(f, "{trouble}"),
        }
    }
}

impl std::error::Error for RunError {}

/// Serves until SIGTERM or SIGINT; returns when the last request is answered.
pub fn run(settings: Settings) -> Result<(), RunError> {
    let service = Arc::new(open(settings)?);
    let listen = service.settings.listen.clone();
    let socket = |error: std::io::Error| RunError::Socket(format!("can't listen on {listen}: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(socket)?;
    runtime.block_on(async {
        let listener = TcpListener::bind(&listen).await.map_err(socket)?;
        let address = listener.local_addr().map_err(socket)?;
        let stop = stopped().map_err(socket)?;
        // Programs that start a front wait for this line.
        println!("listening on http://{address}");
        serve(listener, Arc::new(Front { service: service.clone() }), stop).await.map_err(socket)
    })?;
    if let Err(trouble) = service.book.leave() {
        tracing::warn!(%trouble, "the front's mark stays behind");
    }
    Ok(())
}

/// Logs in to the default key store.
fn open(settings: Settings) -> Result<Service, RunError> {
    let pin = read_secret(&settings.pin_file)?;
    let module = Module::load(&settings.module).map_err(RunError::Hsm)?;
    let token = Token::open(&module, &settings.token, Login::new(pin)).map_err(RunError::Hsm)?;
    Ok(Service::new(settings, Arc::new(token)))
}

/// The one line of a file that holds a PIN or password.
pub(crate) fn read_secret(path: &std::path::Path) -> Result<Zeroizing<String>, RunError> {
    let text = std::fs::read_to_string(path).map_err(|e| RunError::Settings(format!("can't read {}: {e}", path.display())))?;
    let text = Zeroizing::new(text);
    Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Ends with SIGTERM or SIGINT.
pub(crate) fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
