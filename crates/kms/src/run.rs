//! A front as a process: from settings to a served socket, until it is told to stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::audit::{self, Trail};
use crate::auth::identity::Identities;
use crate::front::{self, Front, serve, tls};
use crate::housekeeping::ExpiryMetrics;
use crate::hsm::{Login, Module, Token, Trouble};
use crate::policy::Document;
use crate::secret_file;
use crate::service::Service;
use crate::settings::{self, Access, Settings};

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
    let tls = settings.tls.as_ref().map(tls::acceptor).transpose().map_err(RunError::Settings)?;
    let trail = settings.audit.as_ref().map(open_trail).transpose()?;
    let service = Arc::new(Service { trail, ..open(settings)? });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| RunError::Socket(e.to_string()))?;
    runtime.block_on(serve_all(Arc::new(Front::new(service.clone(), Arc::default(), tls))))?;
    service.last_uses.write(&service.book);
    if let Err(trouble) = service.book.leave() {
        tracing::warn!(%trouble, "the front's mark stays behind");
    }
    Ok(())
}

async fn serve_all(front: Arc<Front>) -> Result<(), RunError> {
    let settings = &front.service.settings;
    let listener = bind(&settings.listen).await?;
    let address = listener.local_addr().map_err(|e| RunError::Socket(e.to_string()))?;
    let stop = stopped().map_err(|e| RunError::Socket(e.to_string()))?;
    if let Some(metrics) = &settings.metrics {
        tokio::spawn(front::watch(bind(metrics).await?, front.clone()));
    }
    if settings.access == Access::Open {
        tracing::warn!(
            "access is open: whoever reaches {address} is root of an account and may use and delete every key"
        );
    }
    if settings.test_clock {
        tracing::warn!(
            "test-clock is on: whoever reaches {address} may move the time of all keys, and so delete them"
        );
    }
    // Programs that start a front wait for this line.
    println!("listening on {}://{address}", if front.tls.is_some() { "https" } else { "http" });
    let service = front.service.clone();
    let expiries = Box::new(ExpiryMetrics(service.clone()));
    front.meter.register(|registry| registry.register_collector(expiries));
    let chores = [
        tokio::spawn(repeat(HOUSE_KEPT, front.service.clone(), keep_house)),
        tokio::spawn(repeat(FLUSHED, front.service.clone(), flush)),
        tokio::spawn(repeat(USES_WRITTEN, front.service.clone(), |service| {
            service.last_uses.write(&service.book)
        })),
    ];
    serve(listener, front, stop).await;
    service.house.stop();
    chores.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

/// The audit trail, where the settings want it. One that was cut off by a crash is told and goes on.
fn open_trail(settings: &settings::Audit) -> Result<Trail, RunError> {
    let opened = Trail::open(audit::Settings {
        directory: settings.folder.clone(),
        segment_bytes: settings.segment_mib.saturating_mul(1024 * 1024),
        unwritable: settings.unwritable,
    });
    let (trail, torn) = opened.map_err(|e| RunError::Settings(e.to_string()))?;
    if let Some(torn) = torn {
        tracing::warn!(?torn, "the audit trail's last line was torn; it is set aside");
    }
    Ok(trail)
}

/// How often housekeeping is done.
const HOUSE_KEPT: Duration = Duration::from_secs(20);

/// How often the audit trail is brought to the disk.
const FLUSHED: Duration = Duration::from_secs(1);

/// How often it is written when keys were last used: what another front answers may be older by that.
const USES_WRITTEN: Duration = Duration::from_secs(5 * 60);

/// Does a chore of the service, at once and again and again.
async fn repeat(period: Duration, service: Arc<Service>, chore: fn(&Service)) {
    loop {
        let service = service.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || chore(&service)).await {
            tracing::error!(%error, "a chore of the front ended badly");
        }
        tokio::time::sleep(period).await;
    }
}

/// Does what is due with keys.
fn keep_house(service: &Service) {
    match service.keep_house(service.clock.now()) {
        Ok(report) => tracing::debug!(?report, "housekeeping is done"),
        Err(trouble) => tracing::warn!(%trouble, "housekeeping can't be done now"),
    }
}

fn flush(service: &Service) {
    if let Some(Err(error)) = service.trail.as_ref().map(Trail::flush) {
        tracing::error!(%error, "the audit trail can't be brought to the disk");
    }
}

/// A listener on `<host>:<port>`.
pub(crate) async fn bind(address: &str) -> Result<TcpListener, RunError> {
    TcpListener::bind(address).await.map_err(|e| RunError::Socket(format!("can't listen on {address}: {e}")))
}

/// A service that is logged in to its default key store, and serves nobody yet.
pub fn open(settings: Settings) -> Result<Service, RunError> {
    let identities = settings.identities.as_deref().map(identities).transpose()?.unwrap_or_default();
    let pin = secret_file::line(&settings.pin_file).map_err(RunError::Settings)?;
    let module = Module::load(&settings.module).map_err(RunError::Hsm)?;
    let token = Token::open(&module, &settings.token, Login::new(pin)).map_err(RunError::Hsm)?;
    Ok(Service { identities, ..Service::new(settings, Arc::new(token), None) })
}

fn identities(folder: &Path) -> Result<Identities<Arc<Document>>, RunError> {
    let identities = Identities::load(folder).and_then(Identities::parse);
    identities.map_err(|e| RunError::Settings(format!("can't use the identity policies: {e}")))
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
