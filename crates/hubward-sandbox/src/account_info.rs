//! Owns account details and daily usage (api.md 10.4).

use serde_json::json;

use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::clock::iso;
use crate::sandbox::TIME_ZONE;

pub(crate) fn details(call: &Call<'_>) -> Result<Reply, Refusal> {
    let zone = crate::limits::time_zone(TIME_ZONE);
    let offset_s = jiff::Timestamp::from_millisecond(call.now_ms).map_or(0, |now| zone.to_offset(now).seconds());
    let (sign, minutes) = (if offset_s < 0 { '-' } else { '+' }, offset_s.abs() / 60);
    let answer = json!({
        "portalId": call.account().portal_id,
        "accountType": "STANDARD",
        "timeZone": TIME_ZONE,
        "companyCurrency": "USD",
        "additionalCurrencies": [],
        "utcOffset": format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        "utcOffsetMilliseconds": i64::from(offset_s) * 1000,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    });
    Ok(Reply::of(200, &answer))
}

pub(crate) fn usage(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut meter = call.inner.meter();
    let (used, resets_ms) = meter.day_used(call.now_ms);
    let answer = json!({ "results": [{
        "name": "sandbox",
        "usageLimit": meter.limits.daily,
        "currentUsage": used,
        "collectedAt": iso(call.now_ms),
        "resetsAt": iso(resets_ms),
        "fetchStatus": "SUCCESS",
    }] });
    Ok(Reply::of(200, &answer))
}
