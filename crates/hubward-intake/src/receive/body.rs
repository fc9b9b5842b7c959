//! Bodies: bounded as sent and as unpacked.

use std::io::Read as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Refusal;

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The body as JSON text, at most `limit` bytes of it, and its share of the memory, which is held until the answer is there.
pub(super) async fn read<'r>(
    headers: &HeaderMap,
    body: Incoming,
    limit: usize,
    room: &'r Semaphore,
) -> Result<(Bytes, SemaphorePermit<'r>), Refusal> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(Refusal::body_too_large(limit));
    }
    let encoding = headers.get(CONTENT_ENCODING).map(|encoding| encoding.to_str().unwrap_or("?").trim());
    let packed = match encoding {
        None | Some("" | "identity") => false,
        Some(gzip) if gzip.eq_ignore_ascii_case("gzip") || gzip.eq_ignore_ascii_case("x-gzip") => true,
        Some(other) => return Err(Refusal::unsupported_encoding(other)),
    };
    // What it may come to in memory; many small bodies fit where few large ones do.
    let most = if packed { limit } else { length.unwrap_or(limit) };
    let share = room.acquire_many(u32::try_from(most / 1024 + 1).unwrap_or(u32::MAX)).await;
    let share = share.map_err(|_| Refusal::unavailable("the intake is closed"))?;
    let collected = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await;
    let bytes = match collected {
        Err(_) => return Err(Refusal::slow()),
        // Too large, or the client went away and reads no answer.
        Ok(Err(_)) => return Err(Refusal::body_too_large(limit)),
        Ok(Ok(collected)) => collected.to_bytes(),
    };
    Ok((if packed { unpack(&bytes, limit)? } else { bytes }, share))
}

/// Unpacks no more than `limit` bytes, however much the gzip holds.
fn unpack(bytes: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    let mut unpacked = Vec::with_capacity((bytes.len() * 4).min(limit));
    let mut decoder = MultiGzDecoder::new(bytes).take(limit as u64 + 1);
    decoder.read_to_end(&mut unpacked).map_err(|_| Refusal::bad_gzip())?;
    if unpacked.len() > limit {
        return Err(Refusal::body_too_large(limit));
    }
    Ok(Bytes::from(unpacked))
}
