//! Bodies of requests, of a size and in a time that are bounded.

use crate::xks::protocol::{ErrorName, Failure};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use std::time::Duration;
use zeroize::Zeroizing;

/// The largest request of the specification has about half of it: 4,300 and 8,192 bytes in Base64, and two ARNs.
pub(super) const BODY_BYTES: usize = 64 << 10;

/// All of a body. It may hold plaintext.
pub(super) async fn read<B>(body: B, seconds: u64) -> Result<Zeroizing<Vec<u8>>, Failure>
where
    B: Body<Data = Bytes> + Unpin,
{
    let late = |_| ErrorName::ValidationException.because("the body did not come in time");
    tokio::time::timeout(Duration::from_secs(seconds), read_all(body)).await.map_err(late)?
}

async fn read_all<B>(mut body: B) -> Result<Zeroizing<Vec<u8>>, Failure>
where
    B: Body<Data = Bytes> + Unpin,
{
    let too_long = || {
        let why = format!("the body has more than {BODY_BYTES} bytes");
        ErrorName::UnsupportedOperationException.because(why)
    };
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > BODY_BYTES {
        return Err(too_long());
    }
    // Never moved while it grows: copies would stay behind.
    let mut all = Zeroizing::new(Vec::with_capacity(if announced > 0 { announced } else { BODY_BYTES }));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ErrorName::ValidationException.because("the body broke off"))?;
        if let Some(data) = frame.data_ref() {
            if data.len() > BODY_BYTES.saturating_sub(all.len()) {
                return Err(too_long());
            }
            all.extend_from_slice(data);
        }
    }
    Ok(all)
}
