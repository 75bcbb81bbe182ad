//! Whether a front is well: `/healthz`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::sync::Mutex;

use super::listen::status;
use crate::hsm::error::Result;

/// How long an answer of the HSM holds.
const FRESH: Duration = Duration::from_secs(1);

/// What the default key store last said. Whoever asks often, asks this: the HSM is asked by one at a time, and once in [`FRESH`].
#[derive(Default)]
pub struct Health(Arc<Mutex<Option<Said>>>);

/// When the HSM said what.
type Said = (Instant, Result<()>);

impl Health {
    /// Well is a front whose default key store answers `ask`: 200, or 503 and why.
    pub async fn answer(&self, ask: impl FnOnce() -> Result<()> + Send + 'static) -> Response<Full<Bytes>> {
        let mut last = self.0.clone().lock_owned().await;
        let fresh = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, said)| said.clone());
        let said = match fresh {
            Some(said) => Ok(said),
            // The lock goes with the question: who doesn't wait for the answer doesn't let the next one ask meanwhile.
            None => {
                tokio::task::spawn_blocking(move || {
                    let said = ask();
                    *last = Some((Instant::now(), said.clone()));
                    said
                })
                .await
            }
        };
        match said {
            Ok(Ok(())) => Response::new(Full::from("ok\n")),
            Ok(Err(trouble)) => {
                let mut response = Response::new(Full::from(format!("{trouble}\n")));
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                response
            }
            Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hsm::Trouble;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// As if the last answer were a second older.
    async fn a_second_passes(health: &Health) {
        let mut last = health.0.lock().await;
        *last = last.take().map(|(at, said)| (at.checked_sub(FRESH).unwrap(), said));
    }

    #[tokio::test]
    async fn the_hsm_is_asked_once_a_second_and_its_answer_holds_for_all() {
        let (health, asked) = (Health::default(), Arc::new(AtomicUsize::new(0)));
        let ask = |said: Result<()>| {
            let asked = asked.clone();
            move || {
                asked.fetch_add(1, Ordering::Relaxed);
                said
            }
        };
        for _ in 0..20 {
            assert_eq!(health.answer(ask(Ok(()))).await.status(), StatusCode::OK);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        a_second_passes(&health).await;
        let answer = health.answer(ask(Err(Trouble::NoSession))).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(health.answer(ask(Ok(()))).await.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
